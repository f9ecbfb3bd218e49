package ir

// simpler finds a value that is the same as v, where v is none of its own. s are the operands' ranges.
func (b *Builder) simpler(v *Value, s [3]span) (ID, bool) {
	x, y := v.Args[0], v.Args[1]
	c, known := int64(0), false
	if v.Op.Arity() > 1 {
		c, known = b.Constant(y)
	}
	switch v.Op {
	case Add, Sub, Or, Xor, Shl, Shr:
		if known && c == 0 {
			return x, true
		}
		return x, v.Op == Or && x == y
	case Mul:
		return x, known && c == 1
	case And:
		return x, x == y || known && c == -1 || known && s[0].lo >= 0 && c&(c+1) == 0 && s[0].hi <= c
	case Min:
		if s[0].hi <= s[1].lo || x == y {
			return x, true
		}
		return y, s[1].hi <= s[0].lo
	case Max:
		if s[0].lo >= s[1].hi || x == y {
			return x, true
		}
		return y, s[1].lo >= s[0].hi
	case Abs:
		return x, s[0].lo >= 0
	case Ne: // a truth value is not 0, is not 1
		return x, known && c == 0 && s[0] == span{0, 1}
	case Eq:
		return x, known && c == 1 && s[0] == span{0, 1}
	case Mux:
		return b.simplerMux(v)
	case WrapS, WrapU, Rem:
		return x, v.Lo == s[0].lo && v.Hi == s[0].hi && keeps(v, s[0])
	case DivFloor, DivTrunc:
		return x, v.Imm == 1
	}
	return 0, false
}

// keeps tells whether a wrap or a remainder is the identity on an interval.
func keeps(v *Value, a span) bool {
	return Apply(v.Op, v.Imm, a.lo, 0, 0) == a.lo && Apply(v.Op, v.Imm, a.hi, 0, 0) == a.hi && a.hi-a.lo == v.Hi-v.Lo
}

func (b *Builder) simplerMux(v *Value) (ID, bool) {
	condition, then, other := v.Args[0], v.Args[1], v.Args[2]
	if c, known := b.Constant(condition); known {
		if c != 0 {
			return then, true
		}
		return other, true
	}
	if then == other {
		return then, true
	}
	one, isOne := b.Constant(then)
	zero, isZero := b.Constant(other)
	return condition, isOne && isZero && one == 1 && zero == 0
}

// Finish returns the body with these results, without what nothing uses. The builder is not to be used after it.
func (b *Builder) Finish(outs, next []ID) *Func {
	f := Func{Outs: outs, Next: next, Values: b.f.Values, Tables: b.f.Tables}
	return f.Compact()
}

// Compact returns the function without the values and tables that nothing uses, in the same order.
func (f *Func) Compact() *Func {
	used := make([]bool, len(f.Values))
	for _, ids := range [][]ID{f.Outs, f.Next} {
		for _, id := range ids {
			used[id] = true
		}
	}
	for i := len(f.Values) - 1; i >= 0; i-- {
		if used[i] {
			for _, a := range f.Values[i].Operands() {
				used[a] = true
			}
		}
	}
	g := &Func{}
	ids := make([]ID, len(f.Values))
	tables := map[int64]int64{}
	for i, v := range f.Values {
		if !used[i] {
			continue
		}
		for k, a := range v.Operands() {
			v.Args[k] = ids[a]
		}
		if v.Op == Table {
			n, ok := tables[v.Imm]
			if !ok {
				n = int64(len(g.Tables))
				g.Tables = append(g.Tables, f.Tables[v.Imm])
				tables[v.Imm] = n
			}
			v.Imm = n
		}
		ids[i] = ID(len(g.Values))
		g.Values = append(g.Values, v)
	}
	for _, id := range f.Outs {
		g.Outs = append(g.Outs, ids[id])
	}
	for _, id := range f.Next {
		g.Next = append(g.Next, ids[id])
	}
	return g
}
