package wasm

import "github.com/capodekappa/capo/gateware/ir"

// vectors makes the nodes of a body with SIMD: each value is one or more vectors ("parts") for the outputs of a strip.
type vectors struct {
	*widths
	*layout
	g     *graph
	lanes int // outputs in a strip
	shift int // which of the strips in a loop's body
	pairs bool
	trust []bool
	table *tables
	made  map[place]ref
}

// place names a part of a value at a width.
type place struct {
	id    ir.ID
	width int
	part  int
	mask  bool
}

// parts is how many vectors a value takes at a width.
func (m *vectors) parts(width int) int { return max(1, m.lanes*width/128) }

// value returns a part of a value at a width.
func (m *vectors) value(id ir.ID, width, part int) ref {
	at := place{id, width, part, false}
	if r, ok := m.made[at]; ok {
		return r
	}
	r := m.make(id, width, part)
	m.made[at] = r
	return r
}

func (m *vectors) make(id ir.ID, width, part int) ref {
	v := &m.f.Values[id]
	home := m.home[id]
	if m.pairs && home == 32 && width == 32 && v.Op != ir.Const {
		if f, ok := m.formOf(m.layout, id); ok && len(f.products) > 0 {
			return m.dot(f, part)
		}
	}
	switch {
	case v.Op == ir.Const:
		return m.g.splat(width, v.Imm)
	case m.mask[id]:
		return m.g.binary(v128, opAnd, m.truth(id, width, part), m.g.splat(width, 1))
	case v.Op == ir.In && width >= home:
		if r, ok := m.direct(v, width, part); ok {
			return r
		}
	case v.Op == ir.Bound && width == home:
		return m.value(v.Args[0], width, part)
	}
	switch {
	case width == home:
		return m.compute(id, v, width, part)
	case width > home:
		return m.widen(width, part, m.signed(id, width/2), func(part int) ref { return m.value(id, width/2, part) })
	}
	return m.narrow(id, v, width, part)
}

// widen makes a part of the next width out of half a part.
func (m *vectors) widen(width, part int, signed bool, of func(part int) ref) ref {
	ops := lanesOf(width)
	low, high := ops.lowU, ops.highU
	if signed {
		low, high = ops.lowS, ops.highS
	}
	if m.lanes*width < 256 || part%2 == 0 {
		return m.g.unary(v128, low, of(part/2))
	}
	return m.g.unary(v128, high, of(part/2))
}

// two returns the parts of twice the width that a part consists of.
func (m *vectors) two(width, part int, of func(part int) ref) (low, high ref) {
	low = of(min(2*part, m.parts(2*width)-1))
	return low, of(min(2*part+1, m.parts(2*width)-1))
}

// narrow makes a part of a value whose home is wider.
func (m *vectors) narrow(id ir.ID, v *ir.Value, width, part int) ref {
	wider := 2 * width
	if wider == m.home[id] {
		if f, ok := m.scaled(v); ok && m.woven(width) {
			return m.g.shuffle(m.dot(f, 0), m.dot(f, 1), woven(1))
		}
		if c := &m.f.Values[v.Args[1]]; v.Op == ir.Shr && c.Op == ir.Const && c.Imm == int64(width) {
			low, high := m.two(width, part, func(p int) ref { return m.value(v.Args[0], wider, p) })
			return m.g.shuffle(low, high, m.halves(width, 1))
		}
		if (v.Op == ir.WrapS || v.Op == ir.WrapU) && v.Imm == int64(width) {
			low, high := m.two(width, part, func(p int) ref { return m.value(v.Args[0], wider, p) })
			return m.g.shuffle(low, high, m.halves(width, 0))
		}
		if inner, ok := m.saturates(v, width); ok && !m.woven(width) {
			low, high := m.two(width, part, func(p int) ref { return m.value(inner, wider, p) })
			return m.pack(v.Lo < 0, width, low, high)
		}
	}
	low, high := m.two(width, part, func(p int) ref { return m.value(id, wider, p) })
	signed, unsigned := fits(v, width)
	if m.valid[id] < whole || !signed && !unsigned || m.woven(width) {
		return m.g.shuffle(low, high, m.halves(width, 0))
	}
	return m.pack(!unsigned, width, low, high)
}

func (m *vectors) pack(signed bool, width int, low, high ref) ref {
	if signed {
		return m.g.binary(v128, lanesOf(width).narrowS, low, high)
	}
	return m.g.binary(v128, lanesOf(width).narrowU, low, high)
}

// woven tells whether vectors of twice the width have every second output.
func (m *vectors) woven(width int) bool { return m.pairs && width == 16 }

func (m *vectors) halves(width, half int) [16]byte {
	if m.woven(width) {
		return woven(half)
	}
	return halves(width, half)
}

// halves picks the low (0) or high (1) half of each lane of twice the width.
func halves(width, half int) (pick [16]byte) {
	size := width / 8
	for i := range pick {
		pick[i] = byte(i/size*2*size + half*size + i%size)
	}
	return pick
}

// saturates tells whether a value is another one clamped to all that a word of the width holds, which narrowing does by itself.
func (m *vectors) saturates(v *ir.Value, width int) (ir.ID, bool) {
	if v.Op != ir.Min && v.Op != ir.Max || !clamped(m.f, v) {
		return 0, false
	}
	unsigned := v.Lo == 0 && v.Hi == 1<<width-1
	if !unsigned && (v.Lo != -1<<(width-1) || v.Hi != 1<<(width-1)-1) {
		return 0, false
	}
	inner := m.f.Values[v.Args[0]].Args[0]
	signed, _ := fits(&m.f.Values[inner], 2*width)
	return inner, signed
}

// truth returns a part of a condition, 0 or -1 in each lane.
func (m *vectors) truth(id ir.ID, width, part int) ref {
	at := place{id, width, part, true}
	if r, ok := m.made[at]; ok {
		return r
	}
	r := m.condition(id, width, part)
	m.made[at] = r
	return r
}

func (m *vectors) condition(id ir.ID, width, part int) ref {
	v := &m.f.Values[id]
	if !m.mask[id] {
		return m.g.binary(v128, lanesOf(width).ne, m.value(id, width, part), m.g.splat(width, 0))
	}
	switch v.Op {
	case ir.And, ir.Or, ir.Xor:
		op := map[ir.Op]opcode{ir.And: opAnd, ir.Or: opOr, ir.Xor: opXor}[v.Op]
		return m.g.binary(v128, op, m.truth(v.Args[0], width, part), m.truth(v.Args[1], width, part))
	}
	home := m.home[id]
	switch {
	case width > home:
		return m.widen(width, part, true, func(p int) ref { return m.truth(id, width/2, p) })
	case width < home:
		low, high := m.two(width, part, func(p int) ref { return m.truth(id, 2*width, p) })
		if m.woven(width) {
			return m.g.shuffle(low, high, woven(0))
		}
		return m.pack(true, width, low, high)
	}
	_, signed := m.common(width, v.Operands()...)
	ops := lanesOf(width)
	op := ops.eq
	switch v.Op {
	case ir.Ne:
		op = ops.ne
	case ir.Lt:
		op = pick(signed, ops.ltS, ops.ltU)
	case ir.Le:
		op = pick(signed, ops.leS, ops.leU)
	}
	return m.g.binary(v128, op, m.value(v.Args[0], width, part), m.value(v.Args[1], width, part))
}
