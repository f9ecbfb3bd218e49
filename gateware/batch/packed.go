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
