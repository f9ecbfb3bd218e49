package batch

import (
	"math/bits"

	"github.com/capodekappa/capo/gateware/ir"
)

func (m *packer) shift(h held, n uint, v *ir.Value) held {
	rest := h.base & (1<<n - 1)
	if h.top+rest > m.most() {
		m.err = errNotPacked
	}
	keep := m.all(1<<(uint(m.width)-n) - 1)
	return m.emit(packedInstr{code: pShift, a: h.r, k: m.all(rest), k2: keep, n: n}, h.base>>n, (h.top+rest)>>n)
}

// bitwise is for operands that are not negative, and masks of any value.
func (m *packer) bitwise(v *ir.Value) (held, bool) {
	x, y := &m.f.Values[v.Args[0]], &m.f.Values[v.Args[1]]
	if y.Op == ir.Const && v.Op == ir.And && y.Imm >= 0 && y.Imm <= m.most() {
		return m.mask(m.value(v.Args[0]), y.Imm, 0), true
	}
	if x.Lo < 0 || y.Lo < 0 {
		return held{}, false
	}
	a, b := m.based(m.value(v.Args[0]), 0), m.based(m.value(v.Args[1]), 0)
	codes := map[ir.Op]packedCode{ir.And: pAnd, ir.Or: pOr, ir.Xor: pXor}
	return m.emit(packedInstr{code: codes[v.Op], a: a.r, b: b.r}, 0, v.Hi), true
}

// mask keeps bits of a value plus a number.
func (m *packer) mask(h held, keep, plus int64) held {
	rest := (h.base + plus) & (1<<bits.Len64(uint64(keep)) - 1)
	if h.top+rest > m.most() {
		m.err = errNotPacked
	}
	return m.emit(packedInstr{code: pMask, a: h.r, k: m.all(rest), k2: m.all(keep)}, 0, keep)
}

func (m *packer) wrap(h held, v *ir.Value) held {
	if int(v.Imm) > m.width {
		m.err = errNotPacked
		return h
	}
	if v.Op == ir.WrapU {
		return m.mask(h, 1<<v.Imm-1, 0)
	}
	half := int64(1) << (v.Imm - 1)
	h = m.mask(h, 2*half-1, half)
	h.base = -half
	return h
}

// bound is Min and Max; with a constant of the opposite one below it, both at once.
func (m *packer) bound(v *ir.Value) held {
	c, ok := m.number(v.Args[1])
	if !ok {
		x, y := m.two(v.Args[0], v.Args[1])
		m.compare(x, y)
		code := pMin
		if v.Op == ir.Max {
			code = pMax
		}
		return m.emit(packedInstr{code: code, a: x.r, b: y.r}, x.base, max(x.top, y.top))
	}
	inner := &m.f.Values[v.Args[0]]
	c2, both := m.number(inner.Args[1])
	low, high := min(c, c2), max(c, c2)
	if both && (inner.Op == ir.Min || inner.Op == ir.Max) && inner.Op != v.Op && m.uses[v.Args[0]] == 1 && (v.Op == ir.Max) == (c == low) {
		h := m.value(inner.Args[0])
		h = m.based(h, min(h.base, low))
		m.compare(h)
		return m.emit(packedInstr{code: pClampK, a: h.r, k: m.small(low - h.base), k2: m.small(high - h.base)}, h.base, max(h.top, low-h.base))
	}
	h := m.value(v.Args[0])
	h = m.based(h, min(h.base, c))
	m.compare(h)
	code := pMinK
	if v.Op == ir.Max {
		code = pMaxK
	}
	return m.emit(packedInstr{code: code, a: h.r, k: m.small(c - h.base)}, h.base, max(h.top, c-h.base))
}

// small puts a number into each lane that must not touch the highest bit.
func (m *packer) small(v int64) uint64 {
	if v < 0 || v > m.half() {
		m.err = errNotPacked
	}
	return m.all(v)
}

func (m *packer) magnitude(h held) held {
	if h.base >= 0 {
		return h
	}
	zero := -h.base
	m.compare(h)
	return m.emit(packedInstr{code: pAbs, a: h.r, k: m.small(zero)}, 0, max(zero, h.top-zero))
}

// look makes a table of lanes.
func (m *packer) look(v *ir.Value) held {
	h := m.value(v.Args[0])
	entries := m.f.Tables[v.Imm]
	if m.err != nil || h.top < 0 || h.top >= ir.MaxTableEntries {
		m.err = errNotPacked
		return h
	}
	table := make([]uint64, h.top+1)
	for i := range table {
		at := h.base + int64(i)
		if at >= 0 && at < int64(len(entries)) && entries[at] >= v.Lo && entries[at] <= v.Hi {
			table[i] = uint64(entries[at] - v.Lo)
		}
	}
	return m.emit(packedInstr{code: pLook, a: h.r, table: table}, v.Lo, v.Hi-v.Lo)
}

// each computes what lanes cannot do together.
func (m *packer) each(v *ir.Value) held {
	i := packedInstr{code: pEach, op: v.Op, imm: v.Imm, a: none, b: none, c: none}
	for n, id := range v.Operands() {
		h := m.value(id)
		i.bases[n] = h.base
		*[]*reg{&i.a, &i.b, &i.c}[n] = h.r
	}
	i.bases[3] = v.Lo
	return m.emit(i, v.Lo, v.Hi-v.Lo)
}

// read makes the load of a port.
func (m *packer) read(v *ir.Value) held {
	l := lowering{program: &program{stage: m.stage, inStep: m.inStep}, leaves: m.leaves, at: m.at}
	p := l.port(v.Port)
	base := int64(0)
	if p.signed {
		base = -1 << (p.bits - 1)
	}
	i := packedInstr{code: pRead, port: p, k: m.all(-base)} // adding half is flipping the highest bit
	i.k2 = m.all(1<<p.bits - 1)
	return m.emit(i, base, 1<<p.bits-1)
}
