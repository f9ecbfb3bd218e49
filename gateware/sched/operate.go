package sched

import (
	"fmt"
	"math/bits"

	"github.com/capodekappa/capo/gateware/ir"
)

// operation lowers an operation on values of one place.
func (l *lowering) operation(v *ir.Value, in []ID) (ID, error) {
	switch v.Op {
	case ir.Add:
		id, s := l.plus(in[0], 0, in[1], 0, None)
		return l.shl(id, s), nil
	case ir.Sub:
		id, s := l.minus(in[0], 0, in[1], 0)
		return l.shl(id, s), nil
	case ir.Mul:
		return l.product(in[0], in[1]), nil
	case ir.And:
		return l.two(And, in), nil
	case ir.Or:
		return l.two(Or, in), nil
	case ir.Xor:
		return l.two(Xor, in), nil
	case ir.Shl:
		if n, known := l.Constant(in[1]); known {
			return l.shl(in[0], int(n)), nil
		}
		return l.two(ShlBy, in), nil
	case ir.Shr:
		if n, known := l.Constant(in[1]); known {
			return l.shr(in[0], int(n)), nil
		}
		return l.two(ShrBy, in), nil
	case ir.Lt:
		return l.less(in[0], in[1]), nil
	case ir.Le:
		return l.not(l.less(in[1], in[0])), nil
	case ir.Eq:
		return l.two(Eq, in), nil
	case ir.Ne:
		return l.two(Ne, in), nil
	case ir.Mux:
		return l.mux(in[0], in[1], in[2]), nil
	case ir.Min:
		return l.least(in[0], in[1]), nil
	case ir.Max:
		return l.mux(l.less(in[0], in[1]), in[1], in[0]), nil
	case ir.Abs:
		return l.magnitude(in[0]), nil
	case ir.Clz:
		return l.leadingZeros(in[0]), nil
	case ir.WrapS, ir.WrapU:
		return l.wrap(v, in[0]), nil
	case ir.Bound:
		return l.make(Node{Op: Cut, Args: args(in[0]), Lo: v.Lo, Hi: v.Hi}), nil
	case ir.Table:
		return l.make(Node{Op: Rom, Args: args(in[0]), Imm: v.Imm, Lo: v.Lo, Hi: v.Hi}), nil
	case ir.DivFloor, ir.DivTrunc, ir.Rem:
		return l.divided(v, in[0]), nil
	}
	return None, fmt.Errorf("there is no hardware for %s", v.Op)
}

func (l *lowering) two(op Op, in []ID) ID { return l.make(Node{Op: op, Args: args(in[0], in[1])}) }

func (l *lowering) mux(c, a, b ID) ID {
	if a == b {
		return a
	}
	if k, known := l.Constant(c); known {
		if k != 0 {
			return a
		}
		return b
	}
	return l.make(Node{Op: Mux, Args: args(c, a, b)})
}

// wrap takes low bits; the body's range may be narrower than they are.
func (l *lowering) wrap(v *ir.Value, a ID) ID {
	lo, hi := int64(0), int64(1)<<v.Imm-1
	if v.Op == ir.WrapS {
		lo, hi = -1<<(v.Imm-1), 1<<(v.Imm-1)-1
	}
	if n := &l.Nodes[a]; n.Lo >= lo && n.Hi <= hi {
		return a
	}
	return l.make(Node{Op: Cut, Args: args(a), Lo: lo, Hi: hi})
}

// not turns a truth value.
func (l *lowering) not(a ID) ID {
	n := l.Nodes[a]
	switch n.Op {
	case Eq, Ne:
		n.Op = Eq + Ne - n.Op
		return l.make(n)
	}
	return l.make(Node{Op: Eq, Args: args(a, l.Const(0))})
}

// less is a < b. Against a power of two no carry chain is needed.
func (l *lowering) less(a, b ID) ID {
	if c, known := l.Constant(a); known && c < 1<<62 {
		return l.not(l.below(b, c+1))
	}
	if c, known := l.Constant(b); known {
		return l.below(a, c)
	}
	return l.two(Lt, []ID{a, b})
}

// below is a < c.
func (l *lowering) below(a ID, c int64) ID {
	n := &l.Nodes[a]
	switch {
	case n.Hi < c:
		return l.Const(1)
	case n.Lo >= c:
		return l.Const(0)
	case c == 0:
		w, _ := n.Bits()
		return l.bit(a, w-1)
	case c == 1 && n.Lo == 0:
		return l.two(Eq, []ID{a, l.Const(0)})
	case c > 0 && c&(c-1) == 0 && n.Lo >= 0:
		return l.two(Eq, []ID{l.shr(a, bits.TrailingZeros64(uint64(c))), l.Const(0)})
	}
	return l.two(Lt, []ID{a, l.Const(c)})
}

// least is min(a, b); of a value that is not negative and a row of ones it takes gates only.
func (l *lowering) least(a, b ID) ID {
	c, known := l.Constant(b)
	if n := &l.Nodes[a]; known && n.Lo >= 0 && c > 0 && c&(c+1) == 0 && n.Hi > c {
		return l.mux(l.below(a, c+1), l.cut(a, 0, c), b)
	}
	return l.mux(l.less(b, a), b, a)
}

// magnitude is |a|: the bits flipped by the sign, plus the sign. In a sum the sign is some adder's carry.
func (l *lowering) magnitude(a ID) ID {
	n := l.Nodes[a]
	switch {
	case n.Lo >= 0:
		return a
	case n.Hi <= 0:
		id, _ := l.minus(l.Const(0), 0, a, 0)
		return id
	}
	sign := l.below(a, 0)
	flip := l.make(Node{Op: Flip, Args: args(a, sign)})
	l.within(flip, 0, max(n.Hi, -n.Lo-1))
	id, _ := l.plus(flip, 0, sign, 0, None)
	return id
}

// leadingZeros halves the field that is looked at five times.
func (l *lowering) leadingZeros(a ID) ID {
	count := l.Const(0)
	for s := 16; s > 0; s /= 2 {
		empty := l.below(a, 1<<(32-s))
		up := l.cut(l.shl(a, s), 0, 1<<32-1)
		a = l.mux(empty, up, a)
		count = l.two(Or, []ID{count, l.shl(empty, [17]int{16: 4, 8: 3, 4: 2, 2: 1}[s])})
	}
	id, _ := l.plus(count, 0, l.below(a, 1<<31), 0, None)
	return id
}

// product of two values: where the tools have no multipliers, a sum of one factor for each bit of the other.
func (l *lowering) product(a, b ID) ID {
	wa, _ := l.Nodes[a].Bits()
	wb, signed := l.Nodes[b].Bits()
	if wa < wb {
		return l.product(b, a)
	}
	if l.opts.Multipliers {
		return l.two(Mul, []ID{a, b})
	}
	var list []addend
	for i := range wb {
		part := l.mux(l.bit(b, i), a, l.Const(0))
		list = append(list, addend{part, i, signed && i == wb-1})
	}
	return l.total(list, 0)
}
