package sched

import (
	"math/bits"

	"github.com/capodekappa/capo/gateware/ir"
)

// divided lowers a quotient or a remainder by a constant.
func (l *lowering) divided(v *ir.Value, a ID) ID {
	d := v.Imm
	switch v.Op {
	case ir.DivFloor:
		if d < 0 {
			a, _ = l.minus(l.Const(0), 0, a, 0)
			d = -d
		}
		return l.floored(a, d)
	case ir.DivTrunc:
		q := l.truncated(a, max(d, -d))
		if d < 0 {
			q, _ = l.minus(l.Const(0), 0, q, 0)
		}
		return q
	}
	d = max(d, -d)
	if d&(d-1) == 0 && l.Nodes[a].Lo >= 0 {
		return l.cut(a, 0, d-1)
	}
	// What is left is below d in size, so that low bits are enough.
	whole := l.times(l.truncated(a, d), d)
	id, s := l.minus(a, 0, whole.id, whole.shift)
	return l.make(Node{Op: Cut, Args: args(l.shl(id, s)), Lo: v.Lo, Hi: v.Hi})
}

// floored is a/d rounded down: negative values are moved up by a multiple of d.
func (l *lowering) floored(a ID, d int64) ID {
	n := l.Nodes[a]
	if d&(d-1) == 0 {
		return l.shr(a, bits.TrailingZeros64(uint64(d)))
	}
	if n.Lo >= 0 {
		return l.quotient(a, d)
	}
	up := (-n.Lo + d - 1) / d
	moved := l.total([]addend{{id: a}}, up*d)
	l.within(moved, n.Lo+up*d, n.Hi+up*d)
	return l.total([]addend{{id: l.quotient(moved, d)}}, -up)
}

// truncated is a/d rounded towards zero: d-1 is added to what is negative, and then it is rounded down.
func (l *lowering) truncated(a ID, d int64) ID {
	n := l.Nodes[a]
	switch {
	case n.Lo >= 0:
		return l.floored(a, d)
	case n.Hi <= 0:
		a, _ = l.minus(l.Const(0), 0, a, 0)
		q, _ := l.minus(l.Const(0), 0, l.floored(a, d), 0)
		return q
	}
	more := l.mux(l.below(a, 0), l.Const(d-1), l.Const(0))
	id, _ := l.plus(a, 0, more, 0, None)
	l.within(id, n.Lo+d-1, max(n.Hi, d-2))
	q := l.floored(id, d)
	return l.within(q, n.Lo/d, n.Hi/d)
}

// quotient is a/d of a value that is not negative: a product with 2^s/d, rounded up, where an s exists for which that is exact.
func (l *lowering) quotient(a ID, d int64) ID {
	hi := uint64(l.Nodes[a].Hi)
	if hi < uint64(d) {
		return l.Const(0)
	}
	for s := bits.Len64(uint64(d)); s < 62; s++ {
		m := (uint64(1)<<s + uint64(d) - 1) / uint64(d)
		over, slack := bits.Mul64(hi, m*uint64(d)-1<<s)
		far, product := bits.Mul64(hi, m)
		if far != 0 || product >= farthest {
			break
		}
		if over == 0 && slack < 1<<s {
			t := l.times(a, int64(m))
			id := l.shr(l.shl(t.id, t.shift), s)
			return l.within(id, 0, int64(hi)/d)
		}
	}
	return l.make(Node{Op: Quo, Args: args(a), Imm: d})
}
