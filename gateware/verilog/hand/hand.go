// Package hand has pipelines as an engineer writes them, and measures what they and generated ones take of a part: what cores are
// compared with by a test and by the benchmark.
package hand

import (
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

//go:embed *.v
var sources embed.FS

// Pipeline is a module with the ports of a generated core.
type Pipeline struct {
	Name    string // gray, fir or sobel
	Module  string
	Text    string // Verilog
	In, Out int    // bits of a token
	Width   bool   // there is a port for the frame's width
}

// Pipelines are gray (rounded), a FIR of five taps on u8, and Sobel in rows of at most 64, whose width is a register.
func Pipelines() ([]Pipeline, error) {
	all := []Pipeline{{Name: "gray", In: 24, Out: 8}, {Name: "fir", In: 8, Out: 8}, {Name: "sobel", In: 8, Out: 8, Width: true}}
	for i := range all {
		text, err := sources.ReadFile(all[i].Name + ".v")
		if err != nil {
			return nil, err
		}
		all[i].Module, all[i].Text = "hand_"+all[i].Name, string(text)
	}
	return all, nil
}

// Cost is what a design takes of an UP5K, and how fast it is.
type Cost struct {
	Cells int
	MHz   float64
}

// harness hangs a core on three pins, so that all its paths lie between flip-flops.
func (p Pipeline) harness() string {
	n, port := p.In+4, ""
	if p.Width {
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
`, n-1, n-2, p.Out-1, p.Out+2, p.Out+1, p.Out+2, p.Module, port, p.In+3)
}

var (
	cells     = regexp.MustCompile(`ICESTORM_LC: *(\d+)/`)
	frequency = regexp.MustCompile(`Max frequency for clock[^:]*: ([0-9.]+) MHz`)
)

// Measure builds a pipeline in a harness of three pins with yosys and nextpnr-ice40 from the PATH: UP5K, 48 MHz asked for, seed 1.
// The harness's cells count too.
func (p Pipeline) Measure(ctx context.Context) (Cost, error) {
	dir, err := os.MkdirTemp("", "capo-cells-")
	if err != nil {
		return Cost{}, err
	}
	defer os.RemoveAll(dir)
	source, netlist := filepath.Join(dir, "x.v"), filepath.Join(dir, "x.json")
	if err := os.WriteFile(source, []byte(p.Text+p.harness()), 0o644); err != nil {
		return Cost{}, err
	}
	if _, err := run(ctx, "yosys", "-q", "-p", "read_verilog "+source+"; synth_ice40 -top harness -json "+netlist); err != nil {
		return Cost{}, err
	}
	log, err := run(ctx, "nextpnr-ice40", "--up5k", "--package", "sg48", "--freq", "48", "--timing-allow-fail", "--seed", "1", "--json", netlist, "--pcf-allow-unconstrained")
	if err != nil {
		return Cost{}, err
	}
	var c Cost
	for _, m := range frequency.FindAllStringSubmatch(log, -1) {
		c.MHz, _ = strconv.ParseFloat(m[1], 64) // the last one is after routing
	}
	if m := cells.FindStringSubmatch(log); m != nil {
		c.Cells, _ = strconv.Atoi(m[1])
	}
	if c.Cells == 0 || c.MHz == 0 {
		return Cost{}, fmt.Errorf("measure %s: nextpnr says no figures:\n%s", p.Module, log)
	}
	return c, nil
}

func run(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", name, err, out[max(0, len(out)-2000):])
	}
	return string(out), nil
}
