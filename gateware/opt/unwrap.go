package opt

import (
	"slices"

	"github.com/capodekappa/capo/gateware/ir"
)

// Unwrap takes out wraps whose users look at no more bits than they keep. It leaves a body alone that would then have values
// beyond what ir allows.
func Unwrap(s *ir.Stage) error {
	demand := Demand(s)
	for i := range s.Body.Values { // what is bounded is known to be wrapped
		if v := &s.Body.Values[i]; v.Op == ir.Bound {
			demand[v.Args[0]] = Exact
		}
	}
	for _, id := range append(slices.Clone(s.Body.Outs), s.Body.Next...) { // what is stored is within its word
		demand[id] = Exact
	}
	clone := *s
	err := rewrite(&clone, func(_ *ir.Builder, id ir.ID, v *ir.Value) (ir.ID, bool, error) {
		wrap := v.Op == ir.WrapS || v.Op == ir.WrapU
		return v.Args[0], wrap && int64(demand[id]) <= v.Imm, nil
	})
	if err == nil && clone.Check() == nil {
		s.Body = clone.Body
	}
	return nil
}
