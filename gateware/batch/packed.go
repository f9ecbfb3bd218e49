package batch

import (
	"errors"
	"math/bits"

	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/opt"
)

// packedStrip is the samples in a packed column.
const packedStrip = 1024

// errNotPacked says that a stage does not go into packed lanes.
var errNotPacked = errors.New("a value does not fit the lane")

// held is a value in a column: the lane plus base, the lane at most top.
type held struct {
	r    reg
	base int64
	top  int64
}

// packer makes a packed program.
type packer struct {
	*packed
	f      *ir.Func
	uses   []int32
	made   map[ir.ID]held
	leaves []ir.Leaf
	at     []int
	count  int
	err    error
}

// compilePacked makes the packed program of a stage, with the narrowest lanes that hold all values. Errors: one that says why there is none.
func compilePacked(s *ir.Stage) (*packed, error) {
	if s.Shape == ir.FoldShape || s.In.Len() > 64 {
		return nil, errNotPacked
	}
	plain := *s
	err := opt.Unbound(&plain)
	if err != nil {
		return nil, err
	}
	for _, width := range []int{16, 32} {
		if bits.UintSize < 2*width {
			break
		}
		var p *packed
		if p, err = tryPacked(&plain, width); err == nil {
			return p, nil
		}
	}
	return nil, err
}

func tryPacked(s *ir.Stage, width int) (*packed, error) {
	l := lowering{program: &program{stage: s}}
	l.steps()
	m := &packer{packed: &packed{stage: s, width: width, inStep: l.inStep, outStep: l.outStep}, f: s.Body, made: map[ir.ID]held{}, leaves: s.In.Leaves()}
	m.uses, m.at = uses(s.Body), offsets(m.leaves)
	leaves := s.OutLeaves()
	offset, row := 0, 0
	for i, id := range s.Body.Outs {
		size := leaves[i].Word.Bytes()
		h := m.value(id)
		if 8*size > width {
			m.err = errNotPacked
		}
		m.outs = append(m.outs, packedResult{h.r, m.all(h.base & (1<<(8*min(size, width/8)) - 1)), row, offset, size})
		if offset += size; s.PerBlock() && offset == m.outStep {
			offset, row = 0, row+1
		}
		if m.err != nil {
			return nil, m.err
		}
	}
	m.allocate()
	return m.packed, nil
}

// all puts a number into each lane.
func (m *packed) all(v int64) uint64 {
	n := uint64(v) & (1<<m.width - 1)
	for w := m.width; w < 64; w *= 2 {
		n |= n << w
	}
	return n
}

// most is the greatest number in a lane.
func (m *packed) most() int64 { return 1<<m.width - 1 }

// half is the greatest number in a lane that is compared.
func (m *packed) half() int64 { return m.most() / 2 }

// compare checks that lanes may be compared.
func (m *packer) compare(all ...held) {
	for _, h := range all {
		if h.top > m.half() {
			m.err = errNotPacked
		}
	}
}

func (m *packer) emit(i packedInstr, base, top int64) held {
	if top > m.most() || base < -ir.Far || base > ir.Far {
		m.err = errNotPacked
	}
	i.d = reg(m.count)
	m.count++
	m.code = append(m.code, i)
	return held{i.d, base, top}
}

// value returns the column of a value.
func (m *packer) value(id ir.ID) held {
	if h, ok := m.made[id]; ok {
		return h
	}
	v := &m.f.Values[id]
	h := held{top: m.most()}
	if v.Hi-v.Lo > m.most() {
		m.err = errNotPacked
	}
	if m.err == nil {
		h = m.compute(v)
		h.top = min(h.top, v.Hi-h.base)
	}
	if m.err != nil {
		h = held{}
	}
	m.made[id] = h
	return h
}

// based returns a column with a given base, at most its least value.
func (m *packer) based(h held, base int64) held {
	if h.base == base {
		return h
	}
	if h.base-base+h.top > m.most() {
		m.err = errNotPacked
	}
	k := m.all(h.base - base)
	if base > h.base {
		k = -m.all(base - h.base)
	}
	return m.emit(packedInstr{code: pRebase, a: h.r, k: k}, base, h.top+h.base-base)
}

// two returns columns of the same base.
func (m *packer) two(a, b ir.ID) (x, y held) {
	x, y = m.value(a), m.value(b)
	base := min(x.base, y.base)
	return m.based(x, base), m.based(y, base)
}

// number tells whether a value is constant.
func (m *packer) number(id ir.ID) (int64, bool) {
	v := &m.f.Values[id]
	return v.Imm, v.Op == ir.Const
}

func (m *packer) compute(v *ir.Value) held {
	a, b := v.Args[0], v.Args[1]
	switch v.Op {
	case ir.Const:
		return m.emit(packedInstr{code: pZero}, v.Imm, 0)
	case ir.In:
		return m.read(v)
	case ir.X, ir.Y, ir.I:
		return m.emit(packedInstr{code: pPlace, op: v.Op, limit: v.Hi}, 0, v.Hi)
	case ir.Add, ir.Sub:
		return m.linear(v)
	case ir.Mul, ir.Shl:
		if _, ok := m.number(b); ok {
			return m.linear(v)
		}
	case ir.Shr:
		if c, ok := m.number(b); ok && int(c) < m.width {
			return m.shift(m.value(a), uint(c), v)
		}
	case ir.And, ir.Or, ir.Xor:
		if h, ok := m.bitwise(v); ok {
			return h
		}
	case ir.WrapU, ir.WrapS:
		return m.wrap(m.value(a), v)
	case ir.Min, ir.Max:
		return m.bound(v)
	case ir.Abs:
		return m.magnitude(m.value(a))
	case ir.Lt, ir.Le, ir.Eq, ir.Ne:
		x, y := m.two(a, b)
		m.compare(x, y)
		codes := map[ir.Op]packedCode{ir.Lt: pLt, ir.Le: pLe, ir.Eq: pEq, ir.Ne: pNe}
		return m.emit(packedInstr{code: codes[v.Op], a: x.r, b: y.r}, 0, 1)
	case ir.Mux:
		condition := m.based(m.value(a), 0)
		x, y := m.two(b, v.Args[2])
		return m.emit(packedInstr{code: pMux, a: condition.r, b: x.r, c: y.r}, x.base, max(x.top, y.top))
	case ir.Table:
		return m.look(v)
	}
	return m.each(v)
}

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
