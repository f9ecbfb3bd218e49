package batch

import "github.com/capodekappa/capo/gateware/ir"

// stepCode is what a step does with numbers; k is a constant. Those of ir that are rare stand for themselves, behind sOther.
type stepCode uint8

const (
	sAdd  stepCode = iota // a + b
	sAddK                 // a + k
	sSub                  // a - b
	sSubK                 // k - a
	sMul                  // a * b
	sMulK                 // a * k
	sAnd                  // a & b
	sAndK                 // a & k
	sOr                   // a | b
	sXor                  // a ^ b
	sXorK                 // a ^ k
	sShlK                 // a << k
	sShrK                 // a >> k
	sMin                  // of a and b
	sMax
	sMinK // of a and k
	sMaxK
	sLt     // a < b
	sLtK    // a < k
	sGtK    // a > k
	sLe     // a <= b
	sEq     // a == b
	sNe     // a != b
	sEqK    // a == k
	sNeK    // a != k
	sAbs    // |a|
	sMux    // a ? b : c
	sExt    // the sign in bit 63 - k
	sLook   // table[a]
	sLookK  // table[a & k]
	sClampK // a within k..k2
	sMuxLtK // a < k ? b : c
	sMuxGtK // a > k ? b : c
	sMuxEqK // a == k ? b : c
	sMuxNeK // a != k ? b : c
	sOther  // op
)

// step is an operation on numbers, of which there are at most 256 at a time.
type step struct {
	code       stepCode
	d, a, b, c uint8
	op         ir.Op
	k, k2      int64
	table      []int64
}

// numbers is where a core computes.
type numbers = [256]int64

// run computes all steps once.
func (c *core) run(v *numbers) {
	for i := range c.code {
		s := &c.code[i]
		a := v[s.a]
		switch s.code {
		case sAdd:
			a += v[s.b]
		case sAddK:
			a += s.k
		case sSub:
			a -= v[s.b]
		case sSubK:
			a = s.k - a
		case sMul:
			a *= v[s.b]
		case sMulK:
			a *= s.k
		case sAnd:
			a &= v[s.b]
		case sAndK:
			a &= s.k
		case sOr:
			a |= v[s.b]
		case sXor:
			a ^= v[s.b]
		case sXorK:
			a ^= s.k
		case sShlK:
			a <<= uint64(s.k) & 63
		case sShrK:
			a >>= uint64(s.k) & 63
		case sMin:
			a = min(a, v[s.b])
		case sMax:
			a = max(a, v[s.b])
		case sMinK:
			a = min(a, s.k)
		case sMaxK:
			a = max(a, s.k)
		case sLt:
			a = truth[int64](a < v[s.b])
		case sLtK:
			a = truth[int64](a < s.k)
		case sGtK:
			a = truth[int64](a > s.k)
		case sLe:
			a = truth[int64](a <= v[s.b])
		case sEq:
			a = truth[int64](a == v[s.b])
		case sNe:
			a = truth[int64](a != v[s.b])
		case sEqK:
			a = truth[int64](a == s.k)
		case sNeK:
			a = truth[int64](a != s.k)
		case sAbs:
			a = max(a, -a)
		case sMux:
			if x := v[s.c]; a == 0 {
				a = x
			} else {
				a = v[s.b]
			}
		case sExt:
			a = a << (uint64(s.k) & 63) >> (uint64(s.k) & 63)
		case sLook, sLookK:
			if s.code == sLookK {
				a &= s.k
			}
			if uint64(a) < uint64(len(s.table)) {
				a = s.table[a]
			} else {
				a = 0
			}
		case sClampK:
			a = max(s.k, min(s.k2, a))
		case sMuxLtK:
			if a < s.k {
				a = v[s.b]
			} else {
				a = v[s.c]
			}
		case sMuxGtK:
			if a > s.k {
				a = v[s.b]
			} else {
				a = v[s.c]
			}
		case sMuxEqK:
			if a == s.k {
				a = v[s.b]
			} else {
				a = v[s.c]
			}
		case sMuxNeK:
			if a != s.k {
				a = v[s.b]
			} else {
				a = v[s.c]
			}
		default:
			a = ir.Apply(s.op, s.k, a, v[s.b], v[s.c])
		}
		v[s.d] = a
	}
}

// codes are the steps of operations with two numbers, and with a constant as the second one.
func codes(op ir.Op) (plain, withK stepCode) {
	switch op {
	case ir.Add:
		return sAdd, sAddK
	case ir.Sub:
		return sSub, sAddK
	case ir.Mul:
		return sMul, sMulK
	case ir.And:
		return sAnd, sAndK
	case ir.Or:
		return sOr, sOther
	case ir.Xor:
		return sXor, sXorK
	case ir.Shl:
		return sOther, sShlK
	case ir.Shr:
		return sOther, sShrK
	case ir.Min:
		return sMin, sMinK
	case ir.Max:
		return sMax, sMaxK
	case ir.Lt:
		return sLt, sLtK
	case ir.Le:
		return sLe, sOther
	case ir.Eq:
		return sEq, sEqK
	case ir.Ne:
		return sNe, sNeK
	}
	return sOther, sOther
}
