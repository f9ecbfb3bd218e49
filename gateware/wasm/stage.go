package wasm

import (
	"errors"

	"github.com/capodekappa/capo/gateware/ir"
)

// compileStage makes a stage's function, and says how many outputs it computes together.
func compileStage(s *ir.Stage, t *tables, c *config) ([]byte, int, error) {
	if !c.scalar && s.Shape != ir.FoldShape {
		body, strip, err := withLanes(s, t, c)
		if err == nil || !errors.Is(err, errWide) && !errors.Is(err, errSlow) {
			return body, strip, err
		}
	}
	w, err := newWidths(s, 32, 64)
	if err != nil {
		return nil, 0, err
	}
	f := newStageCode(s, 1)
	n := numbers{widths: w, layout: f.layout, g: newGraph(), trust: trusted(s.Body), made: map[place]ref{}, table: t}
	f.write(func() {
		n.results()
		f.step(&n)
		f.emit(n.g)
		f.setState()
	})
	return f.function(), 1, nil
}

// errSlow says that lanes do not pay.
var errSlow = errors.New("most of it would be done lane by lane")

// withLanes makes a stage's function with SIMD.
func withLanes(s *ir.Stage, t *tables, c *config) ([]byte, int, error) {
	w, err := newWidths(s, 8, 32)
	if err != nil {
		return nil, 0, err
	}
	lanes := c.lanes
	if lanes == 0 {
		if lanes = chooseLanes(s, w); slow(w, lanes) {
			return nil, 0, errSlow
		}
	}
	unroll := max(1, min(64/lanes, 4, 160/(len(s.Body.Values)+1)))
	f := newStageCode(s, lanes*unroll)
	f.write(func() {
		g := newGraph()
		trust := trusted(s.Body)
		paired := pairs(s, w, f.layout, lanes)
		for shift := range unroll {
			v := vectors{widths: w, layout: f.layout, g: g, lanes: lanes, shift: shift, pairs: paired, trust: trust, table: t, made: map[place]ref{}}
			v.results()
		}
		f.guard(g)
		f.emit(g)
	})
	return f.function(), lanes * unroll, nil
}

// chooseLanes is how many outputs fill the vectors well.
func chooseLanes(s *ir.Stage, w *widths) int {
	widest, narrowest := 8, 32
	for i := range w.home {
		if s.Body.Values[i].Op != ir.Const {
			widest = max(widest, w.home[i])
		}
	}
	for _, l := range append(s.In.Leaves(), s.OutLeaves()...) {
		narrowest = min(narrowest, 8*l.Word.Bytes())
	}
	switch {
	case widest <= 16 && narrowest == 8:
		return 16
	case narrowest <= 16:
		return 8
	}
	return 4
}

// slow estimates whether numbers would be faster: an operation lane by lane costs an extraction and an insertion besides.
func slow(w *widths, lanes int) bool {
	withLanes, without := 0, 0
	for i := range w.f.Values {
		v := &w.f.Values[i]
		if v.Op == ir.Const {
			continue
		}
		without += lanes
		switch dynamic := (v.Op == ir.Shl || v.Op == ir.Shr) && w.f.Values[v.Args[1]].Op != ir.Const; {
		case dynamic, v.Op == ir.Table, v.Op == ir.Clz, v.Op == ir.DivFloor, v.Op == ir.DivTrunc, v.Op == ir.Rem:
			withLanes += 3 * lanes
		default:
			withLanes += max(1, lanes*w.home[i]/128)
		}
	}
	return withLanes > without
}

// stageCode is a stage's function: a loop over rows, in which there is a loop over strips.
type stageCode struct {
	*code
	*layout
	strip int
	left  int // local: strips of the row to come
	next  []int
}

func newStageCode(s *ir.Stage, strip int) *stageCode {
	f := &stageCode{code: newCode(), layout: newLayout(s), strip: strip}
	f.left, f.x, f.i, f.source = f.local(i32), f.local(i32), f.local(i32), f.local(i32)
	for _, r := range f.usedRows() {
		if f.byRows() {
			f.rows[r] = f.local(i32)
		}
	}
	f.target[0] = f.local(i32)
	if s.PerBlock() {
		for r := 1; r < s.Rows; r++ {
			f.target[r] = f.local(i32)
		}
	}
	return f
}

// write writes the function around the body of its inner loop. The bumps of all addresses stand behind the body.
func (f *stageCode) write(body func()) {
	f.loadState()
	f.loop()
	f.beginRow()
	f.loop()
	body()
	f.advance()
	f.op(opGet, uint64(f.left))
	f.constant(1)
	f.op(opI32Sub)
	f.op(opTee, uint64(f.left))
	f.repeat()
	f.endRow()
	f.op(opGet, argRows)
	f.constant(1)
	f.op(opI32Sub)
	f.op(opTee, argRows)
	f.repeat()
	f.storeState()
}

// copy sets a local to another one plus a number.
func (f *stageCode) copy(to, from, plus int) {
	f.op(opGet, uint64(from))
	if plus != 0 {
		f.constant(int32(plus))
		f.op(opI32Add)
	}
	f.op(opSet, uint64(to))
}

// beginRow sets the addresses of a row's first output.
func (f *stageCode) beginRow() {
	f.op(opGet, argN)
	f.constant(int32(f.strip - 1))
	f.op(opI32Add)
	f.constant(int32(f.strip))
	f.op(opI32DivU)
	f.op(opSet, uint64(f.left))
	if f.Uses(ir.X) {
		f.copy(f.x, argX, 0)
	}
	if f.Uses(ir.I) {
		f.copy(f.i, argI, 0)
	}
	f.copy(f.source, argIn, -(f.Cols-1)*f.token)
	f.copy(f.target[0], argOut, 0)
	for _, r := range f.usedRows() {
		if !f.byRows() {
			break
		}
		f.op(opGet, argIn)
		if f.Shape == ir.WindowShape {
			f.op(opI32Load, 2, uint64(4*r))
			f.op(opGet, argX)
			f.constant(int32(f.inStep))
		} else {
			f.op(opGet, argInStride)
			f.constant(int32(r))
		}
		f.op(opI32Mul)
		f.op(opI32Add)
		f.op(opSet, uint64(f.rows[r]))
	}
	for r := 1; r < len(f.target); r++ {
		f.op(opGet, uint64(f.target[r-1]))
		f.op(opGet, argOutStride)
		f.op(opI32Add)
		f.op(opSet, uint64(f.target[r]))
	}
}

// advance moves all addresses and positions on by a strip.
func (f *stageCode) advance() {
	f.bump(f.source, f.strip*f.inStep)
	for _, r := range f.usedRows() {
		if f.byRows() {
			f.bump(f.rows[r], f.strip*f.inStep)
		}
	}
	for r := range len(f.target) {
		f.bump(f.target[r], f.strip*f.outStep)
	}
	if f.Uses(ir.X) {
		f.bump(f.x, f.strip)
	}
	if f.Uses(ir.I) {
		f.bump(f.i, f.strip*f.hop)
	}
}

// endRow moves the arguments on to the next row.
func (f *stageCode) endRow() {
	if f.Shape == ir.WindowShape {
		f.bump(argIn, 4*f.Rows)
	} else {
		f.op(opGet, argIn)
		f.op(opGet, argInStride)
		f.op(opI32Add)
		f.op(opSet, argIn)
	}
	f.op(opGet, argOut)
	f.op(opGet, argOutStride)
	f.op(opI32Add)
	f.op(opSet, argOut)
	if f.Uses(ir.Y) {
		f.bump(argY, 1)
	}
}

// guard reads the furthest byte of each address first, so that wazero checks each address once.
func (f *stageCode) guard(g *graph) {
	furthest := map[uint64]uint64{}
	var order []uint64
	for i := range g.nodes {
		n := &g.nodes[i]
		if !isMemory(n.op) && (n.op < opLoadLane || n.op > opLoadLane+7) {
			continue
		}
		base := &g.nodes[n.args[0]-1]
		if base.op != opGet {
			continue
		}
		if _, ok := furthest[base.imm[0]]; !ok {
			order = append(order, base.imm[0])
		}
		furthest[base.imm[0]] = max(furthest[base.imm[0]], n.imm[0]+1)
	}
	for _, local := range order {
		f.op(opGet, local)
		f.op(opLoad, 0, furthest[local]-1)
		f.op(opDrop)
	}
}

// loadState reads a fold's state into locals, each an i32: with a sign or without, as its type says.
func (f *stageCode) loadState() {
	if f.Shape != ir.FoldShape {
		return
	}
	for n := range f.State.Leaves() {
		f.state = append(f.state, f.local(i32))
		f.next = append(f.next, f.local(i32))
		f.op(opGet, argState)
		f.op(opI32Load, 2, uint64(8*n))
		f.op(opSet, uint64(f.state[n]))
	}
}

// storeState writes it back.
func (f *stageCode) storeState() {
	if f.Shape != ir.FoldShape {
		return
	}
	for n, leaf := range f.State.Leaves() {
		f.op(opGet, argState)
		f.op(opGet, uint64(f.state[n]))
		f.op(pick(leaf.Word.Signed, opI64ExtendS, opI64ExtendU))
		f.op(opI64Store, 3, uint64(8*n))
	}
}

// step computes the next state, all of it before any of it is set.
func (f *stageCode) step(m *numbers) {
	for n, id := range m.Body.Next {
		m.g.root(node{op: opSet, args: [3]ref{m.value(id, 32)}, imm: [2]uint64{uint64(f.next[n])}})
	}
}

func (f *stageCode) setState() {
	for n := range f.next {
		f.copy(f.state[n], f.next[n], 0)
	}
}
