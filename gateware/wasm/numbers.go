package wasm

import "github.com/capodekappa/capo/gateware/ir"

// numbers makes the nodes of a body without SIMD: one output at a time, in i32 and i64.
type numbers struct {
	*widths
	*layout
	g     *graph
	trust []bool
	made  map[place]ref
	table *tables
}

func typeOf(width int) valtype {
	if width == 64 {
		return i64
	}
	return i32
}

// value returns a value at a width.
func (m *numbers) value(id ir.ID, width int) ref {
	at := place{id: id, width: width}
	if r, ok := m.made[at]; ok {
		return r
	}
	v := &m.f.Values[id]
	home := m.home[id]
	var r ref
	switch {
	case v.Op == ir.Const:
		r = m.g.number(width, v.Imm)
	case width == home:
		r = m.compute(id, v, width)
	case width > home:
		r = m.g.unary(i64, pick(m.signed(id, home), opI64ExtendS, opI64ExtendU), m.value(id, home))
	default:
		r = m.g.unary(i32, opI32Wrap, m.value(id, home))
	}
	m.made[at] = r
	return r
}

// truth is a condition as the i32 that a branch looks at.
func (m *numbers) truth(id ir.ID) ref {
	if m.home[id] == 64 {
		return m.g.unary(i32, opI32Wrap, m.value(id, 64))
	}
	return m.value(id, 32)
}

// compute makes a value at its home's width.
func (m *numbers) compute(id ir.ID, v *ir.Value, width int) ref {
	t, ops := typeOf(width), wordsOf(width)
	arg := func(n int) ref { return m.value(v.Args[n], width) }
	simple := func(op opcode) ref { return m.g.binary(t, op, arg(0), arg(1)) }
	switch v.Op {
	case ir.In:
		return m.input(v, width)
	case ir.State:
		return m.g.local(i32, m.state[v.Port.Leaf])
	case ir.X, ir.Y, ir.I:
		return m.g.local(i32, m.position(v.Op))
	case ir.Add:
		return simple(ops.add)
	case ir.Sub:
		return simple(ops.sub)
	case ir.Mul:
		return simple(ops.mul)
	case ir.And:
		return simple(ops.and)
	case ir.Or:
		return simple(ops.or)
	case ir.Xor:
		return simple(ops.xor)
	case ir.Shl, ir.Shr:
		return m.shifted(v, width)
	case ir.Lt, ir.Le, ir.Eq, ir.Ne:
		return m.compare(v)
	case ir.Mux:
		return m.choose(t, m.truth(v.Args[0]), arg(1), arg(2))
	case ir.Min, ir.Max:
		_, signed := m.common(width, v.Operands()...)
		less := m.g.binary(i32, pick(signed, ops.ltS, ops.ltU), arg(0), arg(1))
		if v.Op == ir.Max {
			return m.choose(t, less, arg(1), arg(0))
		}
		return m.choose(t, less, arg(0), arg(1))
	case ir.Abs:
		negative := m.g.binary(i32, ops.ltS, arg(0), m.g.number(width, 0))
		return m.choose(t, negative, m.g.binary(t, ops.sub, m.g.number(width, 0), arg(0)), arg(0))
	case ir.Clz:
		return m.g.unary(i32, opI32Clz, arg(0))
	case ir.WrapU, ir.WrapS:
		return m.wrapped(v, width)
	case ir.Bound:
		return arg(0)
	case ir.Table:
		return m.entry(v, width)
	}
	return m.divided(v, width)
}

func (m *numbers) choose(t valtype, condition, a, b ref) ref {
	return m.g.add(t, node{op: opSelect, args: [3]ref{a, b, condition}})
}

func (m *numbers) compare(v *ir.Value) ref {
	width, signed := m.common(max(32, m.widest(32, v.Operands())), v.Operands()...)
	ops := wordsOf(width)
	op := ops.eq
	switch v.Op {
	case ir.Ne:
		op = ops.ne
	case ir.Lt:
		op = pick(signed, ops.ltS, ops.ltU)
	case ir.Le:
		op = pick(signed, ops.leS, ops.leU)
	}
	return m.g.binary(i32, op, m.value(v.Args[0], width), m.value(v.Args[1], width))
}

func (m *numbers) wrapped(v *ir.Value, width int) ref {
	t, ops := typeOf(width), wordsOf(width)
	a := m.value(v.Args[0], width)
	switch bits := int(v.Imm); {
	case bits >= width:
		return a
	case v.Op == ir.WrapU:
		return m.g.binary(t, ops.and, a, m.g.number(width, 1<<bits-1))
	case width == 32 && bits == 8:
		return m.g.unary(t, opI32Extend8, a)
	case width == 32 && bits == 16:
		return m.g.unary(t, opI32Extend16, a)
	default:
		by := m.g.number(width, int64(width-bits))
		return m.g.binary(t, ops.shrS, m.g.binary(t, ops.shl, a, by), by)
	}
}

// shifted takes care that WebAssembly shifts by the amount modulo the width.
func (m *numbers) shifted(v *ir.Value, width int) ref {
	t, ops := typeOf(width), wordsOf(width)
	a := m.value(v.Args[0], width)
	c := &m.f.Values[v.Args[1]]
	op := ops.shl
	if v.Op == ir.Shr {
		op = pick(m.signed(v.Args[0], width), ops.shrS, ops.shrU)
	}
	if c.Op == ir.Const {
		n := c.Imm
		if n >= int64(width) && op != ops.shrS {
			return m.g.number(width, 0)
		}
		return m.g.binary(t, op, a, m.g.number(width, min(n, int64(width-1))))
	}
	by := m.value(v.Args[1], width)
	if v.Op == ir.Shr && c.Hi >= int64(width) {
		most := m.g.number(width, int64(width-1))
		by = m.choose(t, m.g.binary(i32, ops.ltU, by, most), by, most)
	}
	return m.g.binary(t, op, a, by)
}

// divided is a division that opt.Divide has left.
func (m *numbers) divided(v *ir.Value, width int) ref {
	t, ops := typeOf(width), wordsOf(width)
	a, by, zero := m.value(v.Args[0], width), m.g.number(width, v.Imm), m.g.number(width, 0)
	rest := m.g.binary(t, ops.remS, a, by)
	if v.Op == ir.Rem {
		return rest
	}
	q := m.g.binary(t, ops.divS, a, by)
	if v.Op == ir.DivTrunc {
		return q
	}
	less := m.g.binary(i32, ops.ltS, rest, zero)
	if v.Imm < 0 {
		less = m.g.binary(i32, ops.ltS, zero, rest)
	}
	if width == 64 {
		less = m.g.unary(i64, opI64ExtendU, less)
	}
	return m.g.binary(t, ops.sub, q, less)
}

// entry reads a table. What may be outside reads the first entry.
func (m *numbers) entry(v *ir.Value, width int) ref {
	table := m.f.Tables[v.Imm]
	size, load := entrySize(v, width)
	index := m.value(v.Args[0], 32)
	if !m.trust[v.Args[0]] {
		inside := m.g.binary(i32, wordsOf(32).ltU, index, m.g.number(32, int64(len(table))))
		index = m.choose(i32, inside, index, m.g.number(32, 0))
	}
	if size > 1 {
		index = m.g.binary(i32, opI32Shl, index, m.g.number(32, map[int]int64{2: 1, 4: 2, 8: 3}[size]))
	}
	return m.g.load(typeOf(width), load, index, m.table.place(table, size))
}

// entrySize is the bytes in which a table's entries are kept, and the instruction that reads one at a width.
func entrySize(v *ir.Value, width int) (int, opcode) {
	if width == 64 {
		return 8, opI64Load
	}
	for _, o := range []struct {
		bits             int
		signed, unsigned opcode
	}{{8, opI32Load8S, opI32Load8U}, {16, opI32Load16S, opI32Load16U}} {
		s, u := fits(v, o.bits)
		if u {
			return o.bits / 8, o.unsigned
		}
		if s {
			return o.bits / 8, o.signed
		}
	}
	return 4, opI32Load
}
