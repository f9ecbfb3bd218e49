// Package opt rewrites bodies into ones that compute the same with less, and tells engines what they may leave out.
package opt

import (
	"fmt"

	"github.com/capodekappa/capo/gateware/ir"
)

// Pass rewrites the body of a stage in place.
type Pass func(*ir.Stage) error

// Software are the passes for engines that run on a processor, in order.
func Software() []Pass { return []Pass{Divide, Unwrap} }

// Run returns a kernel that computes the same, with passes applied to its stages in order. The one given is left alone.
func Run(k *ir.Kernel, passes ...Pass) (*ir.Kernel, error) {
	out := &ir.Kernel{Name: k.Name}
	for i, s := range k.Stages {
		clone := *s
		for _, p := range passes {
			if err := p(&clone); err != nil {
				return nil, fmt.Errorf("optimise stage %d of %s: %w", i, k.Name, err)
			}
		}
		out.Stages = append(out.Stages, &clone)
	}
	return out, nil
}

// rewrite builds a body anew, value by value: constants are folded, equal values become one, ranges are computed again. by returns what
// stands for a value (id is its place in the old body), whose operands are those of the new body already; ok is false where the value stays as it is.
func rewrite(s *ir.Stage, by func(b *ir.Builder, id ir.ID, v *ir.Value) (became ir.ID, ok bool, err error)) error {
	b := ir.NewBuilder(s)
	ids := make([]ir.ID, len(s.Body.Values))
	for i, v := range s.Body.Values {
		for k, a := range v.Operands() {
			v.Args[k] = ids[a]
		}
		id, ok, err := by(b, ir.ID(i), &v)
		if err == nil && !ok {
			id, err = again(b, s.Body, &v)
		}
		if err != nil {
			return fmt.Errorf("v%d: %w", i, err)
		}
		ids[i] = id
	}
	pick := func(old []ir.ID) (out []ir.ID) {
		for _, id := range old {
			out = append(out, ids[id])
		}
		return out
	}
	s.Body = b.Finish(pick(s.Body.Outs), pick(s.Body.Next))
	return nil
}

// again makes a value in another body.
func again(b *ir.Builder, old *ir.Func, v *ir.Value) (ir.ID, error) {
	switch v.Op {
	case ir.Const:
		return b.Const(v.Imm)
	case ir.In:
		return b.In(v.Port, v.Pos)
	case ir.State:
		return b.State(int(v.Port.Leaf), v.Pos)
	case ir.X, ir.Y, ir.I:
		return b.Position(v.Op, v.Pos)
	case ir.Bound:
		return b.Bound(v.Args[0], v.Lo, v.Hi, v.Pos)
	case ir.Table:
		return b.Table(old.Tables[v.Imm], v.Args[0], v.Pos)
	}
	return b.OpImm(v.Op, v.Imm, v.Pos, v.Operands()...)
}
