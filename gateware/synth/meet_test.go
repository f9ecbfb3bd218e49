package synth_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/synth"
	"github.com/capodekappa/capo/gateware/synth/spi"
	"github.com/capodekappa/capo/gateware/synth/toolchain"
)

// adder is a core that adds a constant to 32 bits in so many stages: more are faster.
func adder(stages int) *spi.Core {
	var b strings.Builder
	b.WriteString(`module adder_core (input wire clk, input wire rst, input wire [31:0] s_axis_tdata, input wire s_axis_tvalid, output wire s_axis_tready,
 input wire s_axis_tlast, output wire [31:0] m_axis_tdata, output wire m_axis_tvalid, input wire m_axis_tready, output wire m_axis_tlast);
 assign s_axis_tready = m_axis_tready, m_axis_tlast = 1'b0;
`)
	fmt.Fprintf(&b, " reg [%d:0] v; always @(posedge clk) if (rst) v <= 0; else v <= {v, s_axis_tvalid};\n assign m_axis_tvalid = v[%d];\n wire [31:0] x0 = s_axis_tdata;\n", stages-1, stages-1)
	const steps = 12
	for i := range steps {
		kind := "wire [31:0] x%d = (x%d + (x%d >> 3)) ^ 32'h%08x;\n"
		if i*stages/steps != (i+1)*stages/steps {
			kind = "reg [31:0] x%d; always @(posedge clk) x%[1]d <= (x%d + (x%d >> 3)) ^ 32'h%08x;\n"
		}
		fmt.Fprintf(&b, " "+kind, i+1, i, i, uint32(i+1)*2654435761)
	}
	fmt.Fprintf(&b, " assign m_axis_tdata = x%d;\nendmodule\n", steps)
	return &spi.Core{Module: "adder_core", Verilog: b.String(), InBytes: 4, OutBytes: 4, Latency: stages, Stages: []spi.Stage{{}}}
}

func TestMoreStagesAreTriedUntilTheTimingIsMet(t *testing.T) {
	p := load(t, "ice40hx8k")
	tc := tools(t, toolchain.Native)
	var planned []float64
	generate := func(mhz float64) (*spi.Core, error) {
		planned = append(planned, mhz)
		return adder(min(12, int(mhz/56))), nil
	}
	core, r, err := synth.Meet(t.Context(), generate, p, synth.Options{Tools: tc, MHz: 90})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("planned for %.0f MHz; %s", planned, r.Report.Timing())
	if !r.Report.Met() || len(planned) < 2 || planned[1] <= planned[0] || core.Latency < 2 {
		t.Errorf("planned for %v: %s with %d stages", planned, r.Report.Timing(), core.Latency)
	}
}

func TestAFrequencyThatNoStagesReachIsMissedByTheFastest(t *testing.T) {
	p := load(t, "ice40hx8k")
	generate := func(mhz float64) (*spi.Core, error) { return adder(min(2, int(mhz/560))), nil }
	core, r, err := synth.Meet(t.Context(), generate, p, synth.Options{Tools: tools(t, toolchain.Native), MHz: 600, Seeds: 2})
	if err != nil {
		t.Fatal(err)
	}
	if r.Report.Met() || core.Latency != 2 || !strings.Contains(r.Report.Timing(), "% below the 600") {
		t.Errorf("%s with %d stages, %+v", r.Report.Timing(), core.Latency, r.Report)
	}
}

func TestAGeneratorsRefusalIsPassedOn(t *testing.T) {
	refusal := errors.New("no such kernel")
	_, _, err := synth.Meet(t.Context(), func(float64) (*spi.Core, error) { return nil, refusal }, load(t, "ice40up5k"), synth.Options{Tools: tools(t, toolchain.Native)})
	if !errors.Is(err, refusal) {
		t.Errorf("%v", err)
	}
}
