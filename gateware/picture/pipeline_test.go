package picture

import (
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/sched"
	"github.com/capodekappa/capo/gateware/verilog"
)

func TestPipelineShowsStagesValuesAndRegisters(t *testing.T) {
	k, err := ir.Parse(`kernel "mix"
stage word 1 1
  in {"a": u8, "b": u8}
  out u16
  v0 = in 0 0 0
  v1 = in 1 0 0
  v2 = mul v0 v1
  give v2
end
`)
	if err != nil {
		t.Fatal(err)
	}
	k.Stages[0].Body.Values[2].Pos = ir.Pos{File: "mix.ts", Line: 3, Col: 9}
	c, err := verilog.New(k, verilog.Options{Part: sched.PartOf("up5k"), Period: 12})
	if err != nil {
		t.Fatal(err)
	}
	text := Text("mix", Pipeline(c))
	for _, want := range []string{"stage 1:", "stage 2:", "of 12.0 ns", "bits", "mix.ts:3:9", "flip-flops behind, and the output's"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}
