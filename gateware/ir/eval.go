package ir

import "math/bits"

// Call is what a function gets: the words of its input, a fold's state, the position.
type Call struct {
	In      func(Port) int64
	State   []int64
	X, Y, I int64
}

// Eval calls the function once and returns its results and a fold's new state. It is the plain meaning of the operations, and
// slow; scratch may be nil.
func (f *Func) Eval(c Call, scratch []int64) (outs, next []int64) {
	v := append(scratch[:0], make([]int64, len(f.Values))...)
	for i := range f.Values {
		n := &f.Values[i]
		switch n.Op {
		case Const:
			v[i] = n.Imm
		case In:
			v[i] = c.In(n.Port)
		case State:
			v[i] = c.State[n.Port.Leaf]
		case X:
			v[i] = c.X
		case Y:
			v[i] = c.Y
		case I:
			v[i] = c.I
		case Table:
			v[i] = Lookup(f.Tables[n.Imm], v[n.Args[0]])
		default:
			var args [3]int64
			for k, a := range n.Operands() {
				args[k] = v[a]
			}
			v[i] = Apply(n.Op, n.Imm, args[0], args[1], args[2])
		}
	}
	return pick(v, f.Outs), pick(v, f.Next)
}

func pick(v []int64, ids []ID) []int64 {
	out := make([]int64, len(ids))
	for i, id := range ids {
		out[i] = v[id]
	}
	return out
}

// Lookup is a table's entry; the nearest one where the index is outside, which happens only in arms that are not taken.
func Lookup(table []int64, index int64) int64 {
	return table[min(max(index, 0), int64(len(table)-1))]
}

// Apply computes one operation that has no port and no table. Arithmetic is that of an int64; what is within its range
// does not leave it.
func Apply(op Op, imm, a, b, c int64) int64 {
	switch op {
	case Add:
		return a + b
	case Sub:
		return a - b
	case Mul:
		return a * b
	case And:
		return a & b
	case Or:
		return a | b
	case Xor:
		return a ^ b
	case Shl:
		return a << (uint64(b) & 63)
	case Shr:
		return a >> (uint64(b) & 63)
	case Lt:
		return truth(a < b)
	case Le:
		return truth(a <= b)
	case Eq:
		return truth(a == b)
	case Ne:
		return truth(a != b)
	case Mux:
		if a != 0 {
			return b
		}
		return c
	case Min:
		return min(a, b)
	case Max:
		return max(a, b)
	case Abs:
		return magnitude(a)
	case Clz:
		return int64(bits.LeadingZeros32(uint32(a)))
	case WrapS:
		return a << (64 - imm) >> (64 - imm)
	case WrapU:
		return a & (1<<imm - 1)
	case DivFloor:
		return floorDiv(a, imm)
	case DivTrunc:
		return a / imm
	case Rem:
		return a % imm
	}
	return a // Bound
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
