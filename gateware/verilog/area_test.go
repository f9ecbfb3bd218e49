package verilog

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/capodekappa/capo/gateware/sched"
	"github.com/capodekappa/capo/test/need"
)

// pair is a kernel and the pipeline that an engineer writes for it.
type pair struct {
	name, kernel, module string
	in, out              int
	width                bool
}

func pairs() []pair {
	return []pair{
		{"gray", gray, "hand_gray", 24, 8, false},
		{"fir", fir, "hand_fir", 8, 8, false},
		{"sobel", sobel(64), "hand_sobel", 8, 8, true},
	}
}

// TestHandWrittenPipelinesAreTheKernels holds what the cores are measured against to the same bytes.
func TestHandWrittenPipelinesAreTheKernels(t *testing.T) {
	s := newSimulation(t)
	for _, p := range pairs() {
		k := parse(t, p.kernel)
		text, err := os.ReadFile(filepath.Join("testdata", "hand", p.name+".v"))
		if err != nil {
			t.Fatal(err)
		}
		hand := &Core{Kernel: k, Module: p.module, InBits: p.in, OutBits: p.out, Width: p.width}
		bench, err := hand.Bench(random(t, k, anySizes, 3), BenchOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s.text.Write(text)
		s.text.WriteString(bench)
		s.tops = append(s.tops, p.module)
		s.add(k, sched.PartOf("up5k"), 0, anySizes)
	}
	s.run()
}

// harness hangs a core on three pins, so that all its paths lie between flip-flops.
func harness(module string, in, out int, width bool) string {
	n, port := in+4, ""
	if width {
		port = fmt.Sprintf(".width(s[%d:%d]), ", n+15, n)
		n += 16
	}
	return fmt.Sprintf(`
module harness (input wire clk, input wire si, output reg so);
  reg [%d:0] s;
  always @(posedge clk) s <= {s[%d:0], si};
  wire [%d:0] d; wire v, l, r;
  reg [%d:0] q;
  always @(posedge clk) q <= {q[%d:0], 1'b0} ^ {r, l, v, d};
  always @(posedge clk) so <= q[%d];
  %s core (.clk(clk), .rst(s[0]), %s.s_axis_tvalid(s[1]), .s_axis_tlast(s[2]), .m_axis_tready(s[3]), .s_axis_tdata(s[%d:4]),
    .s_axis_tready(r), .m_axis_tdata(d), .m_axis_tvalid(v), .m_axis_tlast(l));
endmodule
`, n-1, n-2, out-1, out+2, out+1, out+2, module, port, in+3)
}

// cost is what a design takes of an UP5K, and how fast it is.
type cost struct {
	cells int
	mhz   float64
}

// measure builds a core in its harness.
func measure(t testing.TB, text, module string, in, out int, width bool) cost {
	t.Helper()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(file("x.v"), []byte(text+harness(module, in, out, width)), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) string {
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out[max(0, len(out)-2000):])
		}
		return string(out)
	}
	run("yosys", "-q", "-p", "read_verilog "+file("x.v")+"; synth_ice40 -top harness -json "+file("x.json"))
	log := run("nextpnr-ice40", "--up5k", "--package", "sg48", "--freq", "48", "--timing-allow-fail", "--seed", "1", "--json", file("x.json"), "--pcf-allow-unconstrained")
	var c cost
	cells := regexp.MustCompile(`ICESTORM_LC: *(\d+)/`).FindStringSubmatch(log)
	for _, m := range regexp.MustCompile(`Max frequency for clock[^:]*: ([0-9.]+) MHz`).FindAllStringSubmatch(log, -1) {
		c.mhz, _ = strconv.ParseFloat(m[1], 64)
	}
	if cells == nil || c.mhz == 0 {
		t.Fatalf("nextpnr says no figures:\n%s", log)
	}
	c.cells, _ = strconv.Atoi(cells[1])
	return c
}

// TestCellsAgainstHandWritten builds each kernel for the hand-written pipeline's frequency, and for 48 MHz; each may be planned
// for more than that.
func TestCellsAgainstHandWritten(t *testing.T) {
	need.Command(t, "yosys")
	need.Command(t, "nextpnr-ice40")
	for _, p := range pairs() {
		text, err := os.ReadFile(filepath.Join("testdata", "hand", p.name+".v"))
		if err != nil {
			t.Fatal(err)
		}
		hand := measure(t, string(text), p.module, p.in, p.out, p.width)
		build := func(mhz float64) (got cost) {
			for _, more := range []float64{1.12, 1.3, 1.5} {
				c, err := New(parse(t, p.kernel), Options{Part: sched.PartOf("up5k"), Period: 1000 / mhz / more})
				if err != nil {
					t.Fatal(err)
				}
				if got = measure(t, c.Text, c.Module, p.in, p.out, p.width); got.mhz >= mhz {
					break
				}
			}
			return got
		}
		same, fast := build(hand.mhz), build(48)
		ratio := func(c cost) float64 { return float64(c.cells) / float64(hand.cells) }
		t.Logf("%s: by hand %d cells at %.1f MHz; for that frequency %d at %.1f (%.2f); for 48 MHz %d at %.1f (%.2f)", p.name,
			hand.cells, hand.mhz, same.cells, same.mhz, ratio(same), fast.cells, fast.mhz, ratio(fast))
		if same.mhz < hand.mhz || ratio(same) > 1.1 {
			t.Errorf("%s at %.1f MHz is not as small and fast as by hand", p.name, hand.mhz)
		}
		if fast.mhz < 48 || ratio(fast) > 1.35 {
			t.Errorf("%s for 48 MHz is too large or too slow", p.name)
		}
	}
}
