package ir

import (
	"errors"
	"fmt"
	"math/bits"
)

// Far is how far from zero a value may be: results of multiplications and shifts before they are wrapped.
const Far = 1<<62 - 1

// ErrRange says that a result may be further than [Far] from zero.
var ErrRange = errors.New("the result may be outside ±2^62")

// span is an interval.
type span struct{ lo, hi int64 }

func (s span) constant() bool { return s.lo == s.hi }

// hull is the least interval that holds all.
func hull(vs ...int64) span {
	s := span{vs[0], vs[0]}
	for _, v := range vs {
		s.lo, s.hi = min(s.lo, v), max(s.hi, v)
	}
	return s
}

// rangeOf bounds what an operation may give. Errors: ErrRange, an operand outside what the operation takes.
func rangeOf(op Op, imm int64, a, b, c span) (span, error) {
	switch op {
	case Add:
		return near(a.lo+b.lo, a.hi+b.hi)
	case Sub:
		return near(a.lo-b.hi, a.hi-b.lo)
	case Mul:
		return products(a, b)
	case And, Or, Xor:
		return bitwise(op, a, b), nil
	case Shl:
		if b.lo < 0 || b.hi > 31 {
			return span{}, fmt.Errorf("shift by %d..%d: 0 to 31 are possible", b.lo, b.hi)
		}
		return products(a, span{1 << b.lo, 1 << b.hi})
	case Shr:
		if b.lo < 0 || b.hi > 63 {
			return span{}, fmt.Errorf("shift by %d..%d: 0 to 63 are possible", b.lo, b.hi)
		}
		return hull(a.lo>>b.lo, a.lo>>b.hi, a.hi>>b.lo, a.hi>>b.hi), nil
	case Lt, Le, Eq, Ne:
		return compared(op, a, b), nil
	case Mux:
		if a.lo < 0 || a.hi > 1 {
			return span{}, fmt.Errorf("a condition within %d..%d, not 0..1", a.lo, a.hi)
		}
		return span{min(b.lo, c.lo), max(b.hi, c.hi)}, nil
	case Min:
		return span{min(a.lo, b.lo), min(a.hi, b.hi)}, nil
	case Max:
		return span{max(a.lo, b.lo), max(a.hi, b.hi)}, nil
	case Abs:
		if a.lo <= 0 && a.hi >= 0 {
			return span{0, max(-a.lo, a.hi)}, nil
		}
		return hull(magnitude(a.lo), magnitude(a.hi)), nil
	case Clz:
		if a.lo < 0 || a.hi > 1<<32-1 {
			return span{}, fmt.Errorf("clz of %d..%d: 32 bits are possible", a.lo, a.hi)
		}
		return span{int64(bits.LeadingZeros32(uint32(a.hi))), int64(bits.LeadingZeros32(uint32(a.lo)))}, nil
	case WrapS, WrapU:
		return wrapped(op, imm, a)
	case DivFloor, DivTrunc, Rem:
		return divided(op, imm, a)
	}
	return span{}, fmt.Errorf("%s has no range rule", op)
}

func magnitude(v int64) int64 { return max(v, -v) }

func near(lo, hi int64) (span, error) {
	if lo < -Far || hi > Far { // operands are within ±2^62, so sums do not leave an int64
		return span{}, ErrRange
	}
	return span{lo, hi}, nil
}

func products(a, b span) (span, error) {
	var all [4]int64
	for i, p := range [4][2]int64{{a.lo, b.lo}, {a.lo, b.hi}, {a.hi, b.lo}, {a.hi, b.hi}} {
		high, low := bits.Mul64(uint64(magnitude(p[0])), uint64(magnitude(p[1])))
		if high != 0 || low > Far {
			return span{}, ErrRange
		}
		all[i] = p[0] * p[1]
	}
	return hull(all[:]...), nil
}

// bitwise is as exact as the operands' widths.
func bitwise(op Op, a, b span) span {
	if a.lo >= 0 && b.lo >= 0 {
		ones := int64(1)<<bits.Len64(uint64(a.hi|b.hi)) - 1
		switch op {
		case And:
			return span{0, min(a.hi, b.hi)}
		case Or:
			return span{max(a.lo, b.lo), ones}
		}
		return span{0, ones}
	}
	if op == And && a.lo >= 0 {
		return span{0, a.hi}
	}
	if op == And && b.lo >= 0 {
		return span{0, b.hi}
	}
	n, _ := BitsOf(min(a.lo, b.lo, -1), max(a.hi, b.hi))
	all := span{-1 << (n - 1), 1<<(n-1) - 1}
	if negative := a.hi < 0 || b.hi < 0; op == Or && negative {
		all.hi = -1
		if a.hi < 0 {
			all.lo = max(all.lo, a.lo)
		}
		if b.hi < 0 {
			all.lo = max(all.lo, b.lo)
		}
	}
	if op == And && a.hi < 0 && b.hi < 0 {
		all.hi = min(a.hi, b.hi)
	}
	return all
}

func compared(op Op, a, b span) span {
	never, always := false, false
	switch op {
	case Lt:
		never, always = a.lo >= b.hi, a.hi < b.lo
	case Le:
		never, always = a.lo > b.hi, a.hi <= b.lo
	default:
		apart, same := a.hi < b.lo || b.hi < a.lo, a.constant() && a == b
		never, always = apart, same
		if op == Ne {
			never, always = same, apart
		}
	}
	switch {
	case never:
		return span{0, 0}
	case always:
		return span{1, 1}
	}
	return span{0, 1}
}

func wrapped(op Op, n int64, a span) (span, error) {
	if n < 1 || n > 53 {
		return span{}, fmt.Errorf("%s to %d bits: 1 to 53 are possible", op, n)
	}
	all := span{0, 1<<n - 1}
	if op == WrapS {
		all = span{-1 << (n - 1), 1<<(n-1) - 1}
	}
	// The interval is kept if it lies within one period.
	if (a.lo-all.lo)>>n == (a.hi-all.lo)>>n {
		shift := (a.lo - all.lo) >> n << n
		return span{a.lo - shift, a.hi - shift}, nil
	}
	return all, nil
}

func divided(op Op, by int64, a span) (span, error) {
	if by == 0 || by < -1<<53 || by > 1<<53 {
		return span{}, fmt.Errorf("%s by %d", op, by)
	}
	switch op {
	case DivFloor:
		return hull(floorDiv(a.lo, by), floorDiv(a.hi, by)), nil
	case DivTrunc:
		return hull(a.lo/by, a.hi/by), nil
	}
	m := magnitude(by) - 1
	if a.lo/by == a.hi/by && (a.lo >= 0 || a.hi <= 0) {
		return span{a.lo % by, a.hi % by}, nil
	}
	s := span{0, 0}
	if a.lo < 0 {
		s.lo = max(a.lo, -m)
	}
	if a.hi > 0 {
		s.hi = min(a.hi, m)
	}
	return s, nil
}

func floorDiv(a, by int64) int64 {
	q := a / by
	if a%by != 0 && (a < 0) != (by < 0) {
		q--
	}
	return q
}
