package synth_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/synth"
	"github.com/capodekappa/capo/gateware/synth/part"
	"github.com/capodekappa/capo/gateware/synth/proof"
	"github.com/capodekappa/capo/gateware/synth/spi"
	"github.com/capodekappa/capo/gateware/synth/spi/spitest"
	"github.com/capodekappa/capo/gateware/synth/toolchain"
	"github.com/capodekappa/capo/test/need"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == toolchain.ChildArgument {
		os.Exit(toolchain.Main(os.Args[2:]))
	}
	os.Exit(m.Run())
}

func load(t testing.TB, name string) *part.Part {
	t.Helper()
	p, err := part.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func tools(t testing.TB, kind toolchain.Kind) *toolchain.Toolchain {
	t.Helper()
	tc, err := toolchain.Open(t.Context(), toolchain.Config{Kind: kind})
	if errors.Is(err, toolchain.ErrMissing) {
		need.Missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	return tc
}

func build(t testing.TB, core *spi.Core, p *part.Part, o synth.Options) *synth.Result {
	t.Helper()
	r, err := synth.Build(t.Context(), core, p, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s on %s: %d cells, %d LUTs, %d FFs, %d BRAMs, %s", core.Module, p.Name, r.Report.Cells, r.Report.LUTs, r.Report.FFs, r.Report.BRAMs, r.Report.Timing())
	return r
}

func noise(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// prove runs frames through the bitstream itself and compares with what the core must give.
func prove(t *testing.T, c spitest.Case, p *part.Part, bin []byte) {
	t.Helper()
	design, err := proof.Bitstream(t.Context(), bin, p)
	if errors.Is(err, proof.ErrMissing) {
		need.Missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	link, err := c.Core.Link()
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range [][2]int{{1, 1}, {31, 7}} {
		in := noise(3, size[0]*size[1]*c.Core.InBytes)
		got, err := proof.Frame(t.Context(), design, link, in, size[0])
		if err != nil {
			t.Fatal(err)
		}
		if want := c.Want(in, size[0]); !bytes.Equal(got, want) {
			t.Errorf("%d by %d: the bitstream gives %x, want %x", size[0], size[1], got, want)
		}
	}
}

func TestBitstreamsGiveTheCoresBytes(t *testing.T) {
	need.Command(t, "iverilog")
	p := load(t, "ice40up5k")
	for _, c := range []spitest.Case{spitest.Xor(), spitest.Gray(), spitest.Sum(), spitest.Below()} {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			prove(t, c, p, build(t, &c.Core, p, synth.Options{Tools: tools(t, toolchain.Native)}).Bitstream)
		})
	}
}

func TestTheToolsAsWebAssemblyGiveTheCoresBytes(t *testing.T) {
	need.Command(t, "iverilog")
	p := load(t, "ice40up5k")
	c := spitest.Below()
	r := build(t, &c.Core, p, synth.Options{Tools: tools(t, toolchain.WebAssembly), Fresh: true})
	prove(t, c, p, r.Bitstream)
	for _, cost := range r.Costs {
		t.Logf("%s: %v, CPU %v, %d MB", cost.Tool, cost.Took, cost.CPU, cost.Memory>>20)
	}
}

func TestTheSameCoreGivesTheSameBytes(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	c, p := spitest.Gray(), load(t, "ice40up5k")
	o := synth.Options{Tools: tools(t, toolchain.Native), Fresh: true}
	first, second := build(t, &c.Core, p, o), build(t, &c.Core, p, o)
	if !bytes.Equal(first.Bitstream, second.Bitstream) {
		t.Error("two builds differ")
	}
	o.Fresh = false
	third := build(t, &c.Core, p, o)
	if !third.Cached || !bytes.Equal(first.Bitstream, third.Bitstream) || third.Report.FmaxHz != first.Report.FmaxHz {
		t.Error("the cache gives something else")
	}
}

func TestOtherPartsAreBuiltFor(t *testing.T) {
	c := spitest.Gray()
	for _, name := range []string{"ice40hx8k", "ice40hx1k"} {
		p := load(t, name)
		r := build(t, &c.Core, p, synth.Options{Tools: tools(t, toolchain.Native)})
		if len(r.Bitstream) != p.Bitstream || r.Report.Cells == 0 || r.Report.LUTs == 0 || r.Report.FFs == 0 {
			t.Errorf("%s: %d bytes, %+v", name, len(r.Bitstream), r.Report)
		}
	}
}

func TestTimingThatIsMissedIsToldWithBy(t *testing.T) {
	c, p := spitest.Gray(), load(t, "ice40up5k")
	r := build(t, &c.Core, p, synth.Options{Tools: tools(t, toolchain.Native), MHz: 400, Seeds: 3})
	if r.Report.Met() || r.Report.Seeds != 3 || !strings.Contains(r.Report.Timing(), "below the 400") {
		t.Errorf("%+v: %s", r.Report, r.Report.Timing())
	}
}

func TestACoreThatIsTooLargeSaysHowMuchItNeeds(t *testing.T) {
	c, p := wide(6000), load(t, "ice40up5k")
	_, err := synth.Build(t.Context(), &c, p, synth.Options{Tools: tools(t, toolchain.Native)})
	var large *synth.TooLarge
	if !errors.As(err, &large) || large.Needs <= p.LUTs || large.Has != p.LUTs || large.Resource != "logic cells" {
		t.Fatalf("%v", err)
	}
	t.Log(err)
}

// wide is a core of n flip-flops in a row.
func wide(n int) spi.Core {
	return spi.Core{
		Module: "wide_core", InBytes: 1, OutBytes: 1, Latency: 1, Stages: []spi.Stage{{}},
		Verilog: fmt.Sprintf(`module wide_core (input wire clk, input wire rst, input wire [7:0] s_axis_tdata, input wire s_axis_tvalid,
    output wire s_axis_tready, input wire s_axis_tlast, output wire [7:0] m_axis_tdata, output wire m_axis_tvalid, input wire m_axis_tready, output wire m_axis_tlast);
  reg v; reg [%d:0] x;
  always @(posedge clk) begin v <= s_axis_tvalid & ~rst; x <= {x, s_axis_tdata[0]}; end
  assign s_axis_tready = 1'b1, m_axis_tlast = 1'b0, m_axis_tvalid = v, m_axis_tdata = {8{x[%d]}};
endmodule
`, n, n),
	}
}

func TestACoreThatIsNoVerilogIsToldInTheToolsWords(t *testing.T) {
	c, p := spitest.Xor(), load(t, "ice40up5k")
	c.Core.Verilog = "module xor_core (;"
	_, err := synth.Build(t.Context(), &c.Core, p, synth.Options{Tools: tools(t, toolchain.Native)})
	if !errors.Is(err, toolchain.ErrFailed) || !strings.Contains(err.Error(), "core.v:1") {
		t.Errorf("%v", err)
	}
}

// TestAPartOfAnotherFamilyTakesItsOwnTools has stand-ins for the tools of ECP5, which Debian 12 does not have: what is tested is
// how they are called, not what they do.
func TestAPartOfAnotherFamilyTakesItsOwnTools(t *testing.T) {
	need.Command(t, "sh")
	p, c := load(t, "lfe5u-25f"), spitest.Gray()
	t.Setenv("PATH", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv(toolchain.Variable, "")
	_, err := synth.Build(t.Context(), &c.Core, p, synth.Options{})
	if !errors.Is(err, toolchain.ErrMissing) || !strings.Contains(err.Error(), "yosys") {
		t.Fatalf("without tools: %v", err)
	}
	for tool, script := range map[string]string{
		"yosys":        `case "$1" in -V) echo Yosys 0.52;; *) echo '{"design": {"num_cells_by_type": {"LUT4": 9, "TRELLIS_FF": 8, "CCU2C": 2, "DP16KD": 1}}}' > stat.json;; esac`,
		"nextpnr-ecp5": `case "$1" in --version) echo "nextpnr-ecp5 -- x (Version 0.7)";; *) echo "$@" > now.routed; echo '{"fmax": {"c": {"achieved": 145}}, "utilization": {"TRELLIS_COMB": {"used": 11, "available": 24288}}}' > report.json;; esac`,
		"ecppack":      `cp "$2" "$4"`,
	} {
		if err := os.WriteFile(os.Getenv("PATH")+"/"+tool, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/bin:/bin")
	r := build(t, &c.Core, p, synth.Options{})
	if r.Report.Cells != 11 || r.Report.LUTs != 9 || r.Report.FFs != 8 || r.Report.BRAMs != 1 || r.Report.FmaxHz != 145e6 || r.Report.Tools["nextpnr-ecp5"] != "0.7" {
		t.Errorf("%+v", r.Report)
	}
	if !strings.Contains(string(r.Bitstream), "--lpf pins --textcfg now.routed") || !strings.Contains(string(r.Bitstream), "--25k --package CABGA381") {
		t.Errorf("nextpnr was called with %s", r.Bitstream)
	}
}
