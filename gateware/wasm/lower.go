package wasm

import (
	"errors"

	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/opt"
)

// errWide says that a value does not fit a lane of 32 bits.
var errWide = errors.New("a value needs more than 32 bits")

// widths decides how wide each value is kept. A value lies in its lane as far as its users look: wholly, or some of its low bits.
type widths struct {
	f      *ir.Func
	leaves []ir.Leaf
	demand []uint8
	least  int // 8 for lanes, 32 for numbers
	most   int
	home   []int
	valid  []int  // how many low bits are right; whole if the lane holds the value, with or without a sign
	mask   []bool // it is kept as 0 or -1
}

func newWidths(s *ir.Stage, least, most int) (*widths, error) {
	w := &widths{f: s.Body, leaves: s.In.Leaves(), demand: opt.Demand(s), least: least, most: most}
	w.home = make([]int, len(s.Body.Values))
	w.valid = make([]int, len(s.Body.Values))
	w.mask = make([]bool, len(s.Body.Values))
	for i := range s.Body.Values {
		w.home[i] = w.choose(ir.ID(i))
		if w.home[i] > most {
			return nil, errWide
		}
		w.mask[i] = w.isMask(ir.ID(i))
		w.valid[i] = w.right(&s.Body.Values[i], w.home[i])
	}
	return w, nil
}

const whole = 255

// right says how many low bits of a value are right when it is computed at a width.
func (w *widths) right(v *ir.Value, width int) int {
	n := whole
	switch v.Op {
	case ir.Add, ir.Sub, ir.Mul, ir.And, ir.Or, ir.Xor, ir.Bound, ir.WrapS, ir.WrapU:
		n = min(w.valid[v.Args[0]], w.valid[v.Args[v.Op.Arity()-1]])
	case ir.Shl:
		n = w.valid[v.Args[0]]
	case ir.Mux:
		n = min(w.valid[v.Args[1]], w.valid[v.Args[2]])
	case ir.Shr:
		if n = w.valid[v.Args[0]]; n < whole {
			n -= int(w.f.Values[v.Args[1]].Imm)
		}
		return n
	default:
		return n // it looks at all of its operands
	}
	signed, unsigned := fits(v, width)
	switch wrap := v.Op == ir.WrapS || v.Op == ir.WrapU; {
	case wrap && int(v.Imm) <= min(n, width), n >= width && (signed || unsigned):
		return whole
	}
	return min(n, width)
}

// fits tells whether a range fits a width with a sign, without.
func fits(v *ir.Value, width int) (withSign, without bool) {
	if width >= 64 {
		return true, v.Lo >= 0
	}
	half := int64(1) << (width - 1)
	return v.Lo >= -half && v.Hi < half, v.Lo >= 0 && v.Hi < 2*half
}

// hold is the least width that a value's users can do with.
func (w *widths) hold(id ir.ID) int {
	v := &w.f.Values[id]
	for width := w.least; ; width *= 2 {
		withSign, without := fits(v, width)
		if withSign || without || int(w.demand[id]) <= width {
			return width
		}
	}
}

// common is the least width at which all fit with a sign, or all without.
func (w *widths) common(least int, ids ...ir.ID) (width int, withSign bool) {
	for width = least; ; width *= 2 {
		signed, unsigned := true, true
		for _, id := range ids {
			s, u := fits(&w.f.Values[id], width)
			signed, unsigned = signed && s, unsigned && u
		}
		if signed || unsigned {
			return width, signed
		}
	}
}

// widest is the greatest home of operands that are not constant.
func (w *widths) widest(least int, ids []ir.ID) int {
	for _, id := range ids {
		if w.f.Values[id].Op != ir.Const {
			least = max(least, w.home[id])
		}
	}
	return least
}

// choose is the width at which a value is computed.
func (w *widths) choose(id ir.ID) int {
	v := &w.f.Values[id]
	hold := w.hold(id)
	switch v.Op {
	case ir.In:
		return max(w.least, 8*w.leaves[v.Port.Leaf].Word.Bytes())
	case ir.State:
		return 32
	case ir.Add, ir.Sub:
		return hold
	case ir.Mul, ir.Shl:
		return max(hold, min(16, w.most))
	case ir.And, ir.Or, ir.Xor, ir.WrapU, ir.WrapS, ir.Bound:
		return max(hold, min(w.widest(w.least, v.Operands()), w.limit(id)))
	case ir.Shr:
		least := max(w.widest(max(w.least, min(16, w.most)), v.Args[:1]), w.hold(v.Args[0]))
		if w.f.Values[v.Args[1]].Op == ir.Const {
			return least
		}
		return w.withSign(v.Args[0], max(least, 32))
	case ir.Lt, ir.Le, ir.Eq, ir.Ne:
		if w.least == 32 {
			return 32 // a number that is 0 or 1, whatever is compared
		}
		return w.compared(v)
	case ir.Min, ir.Max:
		return w.compared(v)
	case ir.Abs:
		return w.withSign(v.Args[0], w.widest(w.least, v.Operands()))
	case ir.Clz:
		return 32
	case ir.DivFloor, ir.DivTrunc, ir.Rem:
		return w.withSign(v.Args[0], max(32, w.widest(w.least, v.Operands())))
	}
	return hold
}

// compared is the width at which operands are compared.
func (w *widths) compared(v *ir.Value) int {
	width, _ := w.common(w.widest(w.least, v.Operands()), v.Operands()...)
	return width
}

// withSign is the least width at which a value fits with a sign.
func (w *widths) withSign(id ir.ID, least int) int {
	for width := least; ; width *= 2 {
		if signed, _ := fits(&w.f.Values[id], width); signed {
			return width
		}
	}
}

// limit keeps bit operations out of lanes of 64 bits where nobody needs them.
func (w *widths) limit(id ir.ID) int {
	if w.demand[id] <= 32 {
		return 32
	}
	return 64
}

// isMask tells whether a value is the outcome of comparisons.
func (w *widths) isMask(id ir.ID) bool {
	v := &w.f.Values[id]
	switch v.Op {
	case ir.Lt, ir.Le, ir.Eq, ir.Ne:
		return true
	case ir.And, ir.Or, ir.Xor:
		return w.mask[v.Args[0]] && w.mask[v.Args[1]]
	}
	return false
}

// signed tells how a value in a lane of its home's width is to be read when it is widened or shifted.
func (w *widths) signed(id ir.ID, width int) bool {
	signed, _ := fits(&w.f.Values[id], width)
	return signed
}

// trusted tells which values cannot leave their range, not even in arms that are not taken or behind the end of a row.
func trusted(f *ir.Func) []bool {
	t := make([]bool, len(f.Values))
	for i := range f.Values {
		v := &f.Values[i]
		switch v.Op {
		case ir.Bound, ir.X, ir.I:
			continue
		case ir.Lt, ir.Le, ir.Eq, ir.Ne:
			t[i] = true
		case ir.WrapU, ir.WrapS: // its whole range: not kept from the operand's
			t[i] = v.Hi-v.Lo == 1<<v.Imm-1
		case ir.And:
			c := &f.Values[v.Args[1]]
			t[i] = c.Op == ir.Const && c.Imm >= 0 && v.Lo == 0 && v.Hi == c.Imm
		case ir.Min, ir.Max:
			t[i] = clamped(f, v)
		}
		all := true
		for _, a := range v.Operands() {
			all = all && t[a]
		}
		t[i] = t[i] || all
	}
	return t
}

// clamped tells whether a value is a bound of the opposite bound of anything, both constant.
func clamped(f *ir.Func, v *ir.Value) bool {
	inner, c := &f.Values[v.Args[0]], &f.Values[v.Args[1]]
	if c.Op != ir.Const || inner.Op != ir.Min && inner.Op != ir.Max || inner.Op == v.Op {
		return false
	}
	c2 := &f.Values[inner.Args[1]]
	low, high := min(c.Imm, c2.Imm), max(c.Imm, c2.Imm)
	return c2.Op == ir.Const && v.Lo == low && v.Hi == high
}
