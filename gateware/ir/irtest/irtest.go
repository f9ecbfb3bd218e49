// Package irtest makes random kernels and frames, for tests that compare engines.
package irtest

import (
	"math/rand/v2"

	"github.com/capodekappa/capo/gateware/ir"
)

// Kernel makes a random kernel that passes ir.Kernel.Check: one to three stages of any shape.
func Kernel(r *rand.Rand) *ir.Kernel {
	k := &ir.Kernel{Name: "random"}
	in := randomType(r, true)
	for range 1 + r.IntN(5)/3 + r.IntN(6)/5 {
		s := Stage(r, ir.Shape(r.IntN(5)), in)
		k.Stages = append(k.Stages, s)
		in = s.Out
		if s.Shape == ir.FoldShape && s.Last {
			break
		}
	}
	return k
}

// Stage makes a random stage of a shape.
func Stage(r *rand.Rand, shape ir.Shape, in ir.Type) *ir.Stage {
	s := &ir.Stage{Shape: shape, In: in, Out: randomType(r, shape != ir.BlockShape), Rows: 1, Cols: 1, HopRows: 1, HopCols: 1}
	odd := func(most int) int { return 1 + 2*r.IntN(most/2+1) }
	hop := func() int { return 1 + r.IntN(3)*r.IntN(2) }
	switch shape {
	case ir.TapsShape:
		s.Cols, s.HopCols = 1+r.IntN(9), hop()
	case ir.WindowShape:
		s.Rows, s.Cols, s.HopRows, s.HopCols = odd(5), odd(5), hop(), hop()
		s.Edge, s.MaxWidth = ir.Edge(r.IntN(3)), ir.DefaultMaxWidth
	case ir.BlockShape:
		s.Rows, s.Cols = 1+r.IntN(4), 1+r.IntN(8)
		s.MaxWidth = s.Cols * (1 + r.IntN(64))
		if r.IntN(3) == 0 {
			elem := s.Out
			s.Out = ir.Type{Elem: &elem, N: 1 + r.IntN(5)}
		}
	case ir.FoldShape:
		s.State, s.Last = randomType(r, true), r.IntN(4) == 0
		for _, l := range s.State.Leaves() {
			lo, hi := l.Word.Range()
			s.Init = append(s.Init, min(max(int64(r.IntN(100)-20), lo), hi))
		}
	}
	s.Body = body(r, s)
	return s
}

// randomType is a word, a record or an array.
func randomType(r *rand.Rand, arrays bool) ir.Type {
	switch n := r.IntN(8); {
	case n == 0 && arrays:
		elem := ir.WordType(word(r))
		return ir.Type{Elem: &elem, N: 1 + r.IntN(6)}
	case n <= 2:
		var t ir.Type
		same := word(r)
		mixed := r.IntN(2) == 0
		for i := range 2 + r.IntN(3) {
			if mixed {
				same = word(r)
			}
			t.Fields = append(t.Fields, ir.Field{Name: string(rune('a' + i)), Type: ir.WordType(same)})
		}
		return t
	}
	return ir.WordType(word(r))
}

func word(r *rand.Rand) ir.Word {
	bits := []int{8, 8, 8, 16, 16, 32, 2 + r.IntN(31)}[r.IntN(7)]
	return ir.Word{Bits: bits, Signed: r.IntN(2) == 0, Clamp: r.IntN(4) == 0}
}

// maker makes a body.
type maker struct {
	*ir.Builder
	r     *rand.Rand
	stage *ir.Stage
	pool  []ir.ID
	reach int64 // values stay within ±reach where the operation grows them
}

func body(r *rand.Rand, s *ir.Stage) *ir.Func {
	m := &maker{Builder: ir.NewBuilder(s), r: r, stage: s, reach: []int64{1 << 7, 1 << 14, 1 << 30, 1 << 52}[r.IntN(4)]}
	m.inputs()
	for range r.IntN(30) {
		m.operation()
	}
	return m.Finish(m.results(s.OutLeaves()), m.results(s.State.Leaves()))
}

func (m *maker) keep(id ir.ID, err error) {
	if err == nil {
		m.pool = append(m.pool, id)
	}
}

func (m *maker) inputs() {
	leaves := m.stage.In.Len()
	for range 1 + m.r.IntN(12) {
		p := ir.Port{Leaf: int32(m.r.IntN(leaves)), Row: int32(m.r.IntN(m.stage.Rows)), Col: int32(m.r.IntN(m.stage.Cols))}
		m.keep(m.In(p, ir.Pos{}))
	}
	if m.stage.Shape == ir.FoldShape {
		for i := range m.stage.Init {
			m.keep(m.State(i, ir.Pos{}))
		}
	}
	if m.r.IntN(4) > 0 {
		return
	}
	switch m.stage.Shape {
	case ir.TapsShape, ir.FoldShape:
		m.keep(m.Position(ir.I, ir.Pos{}))
	default:
		m.keep(m.Position([]ir.Op{ir.X, ir.Y}[m.r.IntN(2)], ir.Pos{}))
	}
}

// any picks a value: a late one or a constant.
func (m *maker) any() ir.ID {
	switch m.r.IntN(6) {
	case 0:
		id, _ := m.Const([]int64{0, 1, -1, 2, 3, 7, 255, 256, -128, 1000, 32767, 65535, -40000, 1 << 20}[m.r.IntN(14)])
		return id
	case 1, 2, 3:
		return m.pool[max(0, len(m.pool)-1-m.r.IntN(4))]
	}
	return m.pool[m.r.IntN(len(m.pool))]
}

// within wraps a value into lo..hi, a range of a power of two.
func (m *maker) within(id ir.ID, bits int64) ir.ID {
	if v := m.Value(id); v.Lo >= 0 && v.Hi < 1<<bits {
		return id
	}
	id, _ = m.OpImm(ir.WrapU, bits, ir.Pos{}, id)
	return id
}

func (m *maker) operation() {
	ops := ir.Ops()
	op := ops[int(ir.Add)+m.r.IntN(len(ops)-int(ir.Add))]
	a, b, c, imm := m.any(), m.any(), m.any(), int64(0)
	switch op {
	case ir.Shl:
		b = m.within(b, int64(1+m.r.IntN(4)))
	case ir.Shr:
		b = m.within(b, int64(1+m.r.IntN(5)))
	case ir.Mux:
		m.mux(a, b, c)
		return
	case ir.Clz:
		a = m.within(a, 32)
	case ir.WrapS, ir.WrapU:
		imm = []int64{1, 5, 8, 8, 16, 16, 31, 32, 32, 40}[m.r.IntN(10)]
	case ir.DivFloor, ir.DivTrunc, ir.Rem:
		imm = []int64{1, -1, 2, 3, 4, 5, 7, 10, -6, 100, 255, 256, 641, 1 << 20}[m.r.IntN(14)]
	case ir.Bound:
		return
	case ir.Table:
		m.table(a)
		return
	}
	id, err := m.OpImm(op, imm, ir.Pos{}, []ir.ID{a, b, c}[:op.Arity()]...)
	if err != nil {
		return
	}
	if v := m.Value(id); (v.Lo < -m.reach || v.Hi > m.reach) && m.r.IntN(3) > 0 {
		id, err = m.OpImm([]ir.Op{ir.WrapS, ir.WrapU}[m.r.IntN(2)], []int64{8, 16, 32}[m.r.IntN(3)], ir.Pos{}, id)
	}
	m.keep(id, err)
}

// mux chooses by a comparison, sometimes with a bound that the comparison proves, behind which there may be a table.
func (m *maker) mux(a, b, c ir.ID) {
	limit, _ := m.Const(int64(m.r.IntN(300)))
	small, err := m.Op([]ir.Op{ir.Lt, ir.Le}[m.r.IntN(2)], ir.Pos{}, a, limit)
	if err != nil {
		return
	}
	if m.r.IntN(2) == 0 {
		if b, err = m.Bound(a, m.Value(a).Lo, m.Value(limit).Hi, ir.Pos{}); err != nil {
			return
		}
		if v := m.Value(b); v.Lo >= 0 && m.r.IntN(2) == 0 {
			b, err = m.Table(m.entries(int(v.Hi+1)), b, ir.Pos{})
		}
	}
	if err == nil {
		m.keep(m.Op(ir.Mux, ir.Pos{}, small, b, c))
	}
}

func (m *maker) entries(n int) []int64 {
	entries := make([]int64, n)
	for i := range entries {
		entries[i] = m.r.Int64N(2*m.reach) - m.reach
		if m.r.IntN(2) == 0 {
			entries[i] = int64(m.r.IntN(256))
		}
	}
	return entries
}

func (m *maker) table(a ir.ID) {
	bits := 1 + m.r.IntN(9)
	m.keep(m.Table(m.entries(1<<bits), m.within(a, int64(bits)), ir.Pos{}))
}

// results puts values into the range of words, by wrapping or clamping.
func (m *maker) results(leaves []ir.Leaf) (ids []ir.ID) {
	for _, l := range leaves {
		id := m.any()
		lo, hi := l.Word.Range()
		if l.Word.Clamp {
			least, _ := m.Const(lo)
			most, _ := m.Const(hi)
			id, _ = m.Op(ir.Max, ir.Pos{}, id, least)
			id, _ = m.Op(ir.Min, ir.Pos{}, id, most)
		} else if l.Word.Signed {
			id, _ = m.OpImm(ir.WrapS, int64(l.Word.Bits), ir.Pos{}, id)
		} else {
			id, _ = m.OpImm(ir.WrapU, int64(l.Word.Bits), ir.Pos{}, id)
		}
		ids = append(ids, id)
	}
	return ids
}
