package opt

import (
	"math/bits"

	"github.com/capodekappa/capo/gateware/ir"
)

// Divide turns divisions by constants into shifts and multiplications, where the product stays within ±2^62.
func Divide(s *ir.Stage) error {
	return rewrite(s, func(b *ir.Builder, _ ir.ID, v *ir.Value) (ir.ID, bool, error) {
		switch v.Op {
		case ir.DivFloor, ir.DivTrunc, ir.Rem:
			d := divider{b: b, pos: v.Pos}
			return d.divide(v)
		}
		return 0, false, nil
	})
}

// divider makes the operations of one division. The first error stays.
type divider struct {
	b   *ir.Builder
	pos ir.Pos
	err error
}

func (d *divider) op(op ir.Op, args ...ir.ID) ir.ID {
	id, err := d.b.Op(op, d.pos, args...)
	if d.err == nil {
		d.err = err
	}
	return id
}

func (d *divider) number(c int64) ir.ID {
	id, err := d.b.Const(c)
	if d.err == nil {
		d.err = err
	}
	return id
}

// divide returns what the value v, a division, becomes. It has v's range, which the parts of it cannot tell.
func (d *divider) divide(v *ir.Value) (ir.ID, bool, error) {
	a, by := v.Args[0], v.Imm
	q, ok := d.floor(a, max(by, -by))
	if !ok {
		return 0, false, nil
	}
	if by < 0 || v.Op != ir.DivFloor {
		q = d.adjust(v.Op, a, q, by)
	}
	if v.Op == ir.Rem {
		q = d.op(ir.Sub, a, d.op(ir.Mul, q, d.number(by)))
	}
	if d.err != nil {
		return 0, false, d.err
	}
	q, err := d.b.Bound(q, v.Lo, v.Hi, d.pos)
	return q, true, err
}

// floor makes floor(a / by), by > 0. What may be negative is lifted by a multiple of by first.
func (d *divider) floor(a ir.ID, by int64) (ir.ID, bool) {
	lo, hi := d.b.Value(a).Lo, d.b.Value(a).Hi
	if by&(by-1) == 0 {
		return d.op(ir.Shr, a, d.number(int64(bits.TrailingZeros64(uint64(by))))), true
	}
	const far = 1 << 60
	if lo < -far || hi > far {
		return 0, false
	}
	lift := (max(0, -lo) + by - 1) / by
	m, shift, ok := magic(by, hi+lift*by)
	if !ok {
		return 0, false
	}
	q := d.op(ir.Mul, d.op(ir.Add, a, d.number(lift*by)), d.number(m))
	return d.op(ir.Sub, d.op(ir.Shr, q, d.number(shift)), d.number(lift)), true
}

// adjust makes the wanted quotient of the floor by the divisor's magnitude.
func (d *divider) adjust(op ir.Op, a, q ir.ID, by int64) ir.ID {
	lo := d.b.Value(a).Lo
	if by < 0 {
		if op == ir.DivFloor { // the floor of -(a/|by|) is minus the ceiling: one less where there is a remainder
			exact := d.op(ir.Mul, q, d.number(-by))
			return d.op(ir.Sub, d.op(ir.Sub, d.number(0), q), d.op(ir.Ne, exact, a))
		}
		return d.op(ir.Sub, d.number(0), d.towardsZero(a, q, -by, lo))
	}
	return d.towardsZero(a, q, by, lo)
}

// towardsZero adds one to the floor of what is negative and has a remainder.
func (d *divider) towardsZero(a, q ir.ID, by, lo int64) ir.ID {
	if lo >= 0 {
		return q
	}
	inexact := d.op(ir.Ne, d.op(ir.Mul, q, d.number(by)), a)
	return d.op(ir.Add, q, d.op(ir.And, inexact, d.op(ir.Lt, a, d.number(0))))
}

// magic finds m and shift with floor(a / d) = a * m >> shift for all a within 0..hi, where a * m is not beyond 2^62.
//
// With m = ceil(2^shift / d) and e = m*d - 2^shift, a * m / 2^shift is a/d + a*e / (d * 2^shift). The fraction of a/d is at most
// (d-1)/d, so the floor is right while a * e < 2^shift.
func magic(by, hi int64) (m, shift int64, ok bool) {
	d := uint64(by)
	for shift := int64(1); shift < 62; shift++ {
		power := uint64(1) << shift
		m := (power + d - 1) / d
		if over, p := bits.Mul64(uint64(hi), m); over != 0 || p > ir.Far {
			return 0, 0, false
		}
		if high, product := bits.Mul64(uint64(hi), m*d-power); high == 0 && product < power {
			return int64(m), shift, true
		}
	}
	return 0, 0, false
}
