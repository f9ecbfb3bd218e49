package sched

import (
	"math/rand/v2"
	"testing"

	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/ir/irtest"
)

// TestNothingStandsBeforeWhatItTakes looks at random folds: what a state becomes may need no state, and yet stages of its own.
func TestNothingStandsBeforeWhatItTakes(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	deep := 0
	for n := range 300 {
		stage := irtest.Stage(r, ir.FoldShape, ir.WordType(ir.Word{Bits: 1 + r.IntN(16)}))
		u := kernel(t, (&ir.Kernel{Stages: []*ir.Stage{stage}}).String())
		s := Place(u.Graph, PartOf("up5k"))
		for i := range u.Nodes {
			for _, a := range u.Nodes[i].Operands() {
				if u.Nodes[a].Op != Const && s.Stage[a] > s.Stage[i] {
					t.Fatalf("fold %d: n%d stands in stage %d, its operand in %d", n, i, s.Stage[i], s.Stage[a])
				}
			}
		}
		for _, f := range u.States {
			if s.Stage[f.Next] > s.Stage[f.Node] {
				t.Fatalf("fold %d: a state stands in stage %d, what it becomes in %d", n, s.Stage[f.Node], s.Stage[f.Next])
			}
			if s.Stage[f.Node] > 0 {
				deep++
			}
		}
	}
	if deep < 10 {
		t.Errorf("%d states stand behind the first stage", deep)
	}
}
