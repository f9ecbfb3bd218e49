package opt

import "github.com/capodekappa/capo/gateware/ir"

// Unbound takes out what is known by conditions only, so that each value stays in its range in arms that are not taken, too. Errors:
// a table's index that may be outside without the condition, a range that becomes too large.
func Unbound(s *ir.Stage) error {
	return rewrite(s, func(_ *ir.Builder, _ ir.ID, v *ir.Value) (ir.ID, bool, error) {
		return v.Args[0], v.Op == ir.Bound, nil
	})
}
