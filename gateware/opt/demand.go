package opt

import (
	"math/bits"

	"github.com/capodekappa/capo/gateware/ir"
)

// Exact is a value's demand when its users need all of it, its sign too.
const Exact = 64

// Demand returns how many low bits of each value its users look at. An engine may keep a value that has a demand below [Exact]
// modulo two to that power or more, whatever its range is: so the low half of a product needs no lane of twice the width. What
// is made of such a value is right in as many low bits as are demanded of it, and in no more, even if its range is small.
func Demand(s *ir.Stage) []uint8 {
	f := s.Body
	d := make([]uint8, len(f.Values))
	need := func(id ir.ID, n uint8) { d[id] = max(d[id], min(n, Exact)) }
	for i, l := range s.OutLeaves() {
		need(f.Outs[i], uint8(8*l.Word.Bytes()))
	}
	for _, id := range f.Next {
		need(id, Exact)
	}
	for i := len(f.Values) - 1; i >= 0; i-- {
		v := &f.Values[i]
		for k, a := range v.Operands() {
			need(a, ofOperand(f, v, k, d[i]))
		}
	}
	return d
}

// ofOperand is what a value of demand n asks of its operand k.
func ofOperand(f *ir.Func, v *ir.Value, k int, n uint8) uint8 {
	switch v.Op {
	case ir.Add, ir.Sub, ir.Mul, ir.Or, ir.Xor, ir.Bound:
		return n
	case ir.And:
		if c := &f.Values[v.Args[1]]; c.Op == ir.Const && c.Imm >= 0 && k == 0 {
			return min(n, uint8(bits.Len64(uint64(c.Imm))))
		}
		return n
	case ir.Shl:
		if k == 0 {
			return n
		}
	case ir.Shr:
		if c := &f.Values[v.Args[1]]; c.Op == ir.Const && k == 0 && n < Exact {
			return n + uint8(c.Imm)
		}
	case ir.Mux:
		if k > 0 {
			return n
		}
	case ir.WrapS, ir.WrapU:
		return min(n, uint8(v.Imm))
	}
	return Exact
}
