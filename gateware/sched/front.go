package sched

import (
	"fmt"

	"github.com/capodekappa/capo/gateware/ir"
)

// Unit is a stage of a kernel as hardware.
type Unit struct {
	Stage *ir.Stage
	*Graph
	Options Options
}

// front is what comes in beside the words.
type front struct {
	line, last ID // the token is the last of its row, of its frame
	begin      ID // of a window: the column is the first of its row
	above      []ID
	below      []ID
	counters   map[ir.Op]ID
	state      []ID
	keepRow    ID
	keepCol    ID
	rowEnd     ID // of a block: the word is the last of the tile's row; None if rows are one word
}

// Names of inputs that are no words.
const (
	InLine  = "line"   // the last of a row
	InLast  = "last"   // the last of a frame
	InBegin = "first"  // a window's column is the first of a row
	InFresh = "fresh"  // the step before a frame's first token: states and delays have their first values behind it
	InReal  = "actual" // the row whose centre is there now is a row of the frame
)

// Cell is the name of the input that is word leaf of the token that stood so many rows above.
func Cell(leaf, rows int) string { return fmt.Sprintf("w%d_%d", leaf, rows) }

// Above is the name of the flag that fewer than n rows lie above the centre's; Below, that fewer lie below.
func Above(n int) string { return fmt.Sprintf("above%d", n) }

// Below is Above's counterpart.
func Below(n int) string { return fmt.Sprintf("below%d", n) }

func (l *lowering) flag(name string) ID { return l.Input(In{Name: name}, 0, 1) }

// makeFront makes inputs and what tells which steps give tokens.
func (l *lowering) makeFront() {
	f := &l.front
	f.counters = map[ir.Op]ID{}
	f.line, f.keepRow, f.keepCol, f.rowEnd = None, None, None, None
	f.last = l.flag(InLast)
	s := l.stage
	if l.opts.LineIn {
		f.line = l.flag(InLine)
	}
	switch s.Shape {
	case ir.WindowShape:
		l.windowFront()
	case ir.TapsShape:
		if s.Cols > 1 {
			l.Clear = true
			l.clear()
		}
		if s.HopCols > 1 {
			l.Keep = l.phase(s.HopCols, None, l.clear())
		}
	case ir.FoldShape:
		for i, leaf := range s.State.Leaves() {
			lo, hi := leaf.Word.Range()
			f.state = append(f.state, l.State(lo, hi, s.Init[i], 0))
		}
		l.clear()
		if s.Last {
			l.Keep = f.last
		}
	case ir.BlockShape:
		f.rowEnd = l.cycle(s.Cols, None)
		l.Keep = l.all(f.rowEnd, l.cycle(s.Rows, f.rowEnd))
	}
	l.Last = f.last
	switch {
	case !l.opts.Lines:
	case s.Shape != ir.BlockShape && f.line == None, s.Shape == ir.TapsShape && s.HopCols > 1:
		l.Line = f.last // all is one row
	default:
		l.Line = f.line
	}
}

// clear is 1 in the step with which a frame's states end: its last, or one of their own.
func (l *lowering) clear() ID {
	if l.stage.Shape == ir.WindowShape || l.stage.Shape == ir.BlockShape {
		return l.front.last
	}
	if l.Fresh == None {
		l.Fresh = l.flag(InFresh)
	}
	return l.Fresh
}

// windowFront makes the tags of a window's columns. They travel with the columns, so that the centre's are those of some steps ago.
func (l *lowering) windowFront() {
	f, s := &l.front, l.stage
	half, high := s.Cols/2, s.Rows/2
	f.line, f.begin = l.flag(InLine), l.flag(InBegin)
	for k := 1; k <= high; k++ {
		f.above, f.below = append(f.above, l.flag(Above(k))), append(f.below, l.flag(Below(k)))
	}
	for i, leaf := range s.In.Leaves() {
		lo, hi := leaf.Word.Range()
		l.Tokens = append(l.Tokens, l.Input(In{Name: Cell(i, 0), Leaf: i}, lo, hi))
	}
	f.last = l.Delayed(f.last, half)
	real := None
	if half+high > 0 {
		real = l.Delayed(l.flag(InReal), half)
	}
	first, line := l.Delayed(f.begin, half), l.Delayed(f.line, half)
	f.keepCol = l.phase(s.HopCols, first, None)
	if s.HopRows > 1 {
		n := l.State(0, int64(s.HopRows-1), 0, l.group())
		up := l.mux(l.two(Eq, []ID{n, l.Const(int64(s.HopRows - 1))}), l.Const(0), l.increment(n))
		l.Feed(n, l.mux(l.all(line, real), up, n), f.last)
		f.keepRow = l.two(Eq, []ID{n, l.Const(0)})
	}
	l.Keep = l.all(real, f.keepCol, f.keepRow)
	f.begin, f.line = first, line
}

// cycle is 1 at each n-th of the steps in which a node is 1, or of all steps; None for n = 1.
func (l *lowering) cycle(n int, when ID) ID {
	if n == 1 {
		return None
	}
	count := l.State(0, int64(n-1), 0, l.group())
	end := l.two(Eq, []ID{count, l.Const(int64(n - 1))})
	next := l.mux(end, l.Const(0), l.increment(count))
	if when != None {
		next = l.mux(when, next, count)
	}
	l.Feed(count, next, None)
	return end
}

// phase is 1 at each n-th step, beginning with the first, which first tells or what follows a clear; None for n = 1.
func (l *lowering) phase(n int, first, clear ID) ID {
	if n == 1 {
		return None
	}
	// The state counts down to the step that is kept.
	s := l.State(0, int64(n-1), 0, l.group())
	zero := l.two(Eq, []ID{s, l.Const(0)})
	if first != None {
		zero = l.two(Or, []ID{zero, first})
	}
	less, _ := l.minus(s, 0, l.Const(1), 0)
	l.Feed(s, l.mux(zero, l.Const(int64(n-1)), l.cut(less, 0, int64(n-1))), clear)
	return zero
}

// all is 1 where all of them are; None are not asked.
func (l *lowering) all(ids ...ID) ID {
	sum := None
	for _, id := range ids {
		switch {
		case id == None:
		case sum == None:
			sum = id
		default:
			sum = l.two(And, []ID{sum, id})
		}
	}
	return sum
}

// increment is n + 1, modulo what n's wires hold.
func (l *lowering) increment(n ID) ID {
	w, _ := l.Nodes[n].Bits()
	id, _ := l.plus(n, 0, l.Const(1), 0, None)
	return l.make(Node{Op: Cut, Args: args(id), Lo: 0, Hi: 1<<w - 1})
}

// group names the next loop of feedback; 0 is the state of a fold.
func (l *lowering) group() int { return len(l.States) + 1 }

// input is a word that the function sees.
func (l *lowering) input(p ir.Port) ref {
	s := l.stage
	lo, hi := s.In.Leaves()[p.Leaf].Word.Range()
	in := func(rows int) ID {
		return l.Input(In{Name: Cell(int(p.Leaf), rows), Stage: min(rows, 1), Memory: rows > 0, Leaf: int(p.Leaf), Rows: rows}, lo, hi)
	}
	switch s.Shape {
	case ir.TapsShape:
		return ref{in(0), int(p.Col)}
	case ir.WindowShape:
		return ref{l.row(int(p.Row), in), int(p.Col)}
	case ir.BlockShape:
		return ref{in(0), s.Rows*s.Cols - 1 - int(p.Row)*s.Cols - int(p.Col)}
	}
	return ref{in(0), 0}
}

// feedback is a word of the state, or a counter.
func (l *lowering) feedback(v *ir.Value) ID {
	if v.Op == ir.State {
		return l.front.state[v.Port.Leaf]
	}
	if id, ok := l.front.counters[v.Op]; ok {
		return id
	}
	id := l.counter(v)
	l.front.counters[v.Op] = id
	return id
}

// counter makes x, y or i.
func (l *lowering) counter(v *ir.Value) ID {
	f, s := &l.front, l.stage
	n := l.State(0, v.Hi, 0, l.group())
	up := l.increment(n)
	switch {
	case s.Shape == ir.BlockShape:
		return l.tile(v.Op, n, up)
	case v.Op == ir.I:
		l.Feed(n, up, l.clear())
	case v.Op == ir.X && s.Shape == ir.WindowShape:
		return l.across(n, up)
	case v.Op == ir.X:
		l.Feed(n, l.mux(f.line, l.Const(0), up), l.clear())
	case v.Op == ir.Y && s.Shape == ir.WindowShape:
		row := l.all(f.line, l.real(), f.keepRow)
		l.Feed(n, l.mux(row, up, n), l.clear())
	default:
		l.Feed(n, l.mux(f.line, up, n), l.clear())
	}
	return n
}

// real tells whether the window's centre is a row of the frame.
func (l *lowering) real() ID {
	if l.stage.Cols/2+l.stage.Rows/2 == 0 {
		return None
	}
	return l.Delayed(l.flag(InReal), l.stage.Cols/2)
}

// across counts a window's columns: from the first of a row on.
func (l *lowering) across(n, up ID) ID {
	f := &l.front
	now := l.mux(f.begin, l.Const(0), n)
	next := l.mux(f.begin, l.Const(1), up)
	if f.keepCol != None {
		next = l.mux(f.keepCol, next, now)
	}
	l.Feed(n, next, None)
	return now
}

// tile counts tiles: their columns up to a row's end.
func (l *lowering) tile(op ir.Op, n, up ID) ID {
	f := &l.front
	done := f.line // the last tile of a row of tiles tells so with its last word
	switch {
	case op == ir.X && done == None:
		l.Feed(n, n, l.clear()) // frames are one tile wide
	case op == ir.X:
		l.Feed(n, l.mux(l.all(done, l.Keep), l.Const(0), l.count(n, up)), l.clear())
	case done == None:
		l.Feed(n, l.count(n, up), l.clear())
	default:
		l.Feed(n, l.mux(l.all(done, l.Keep), up, n), l.clear())
	}
	return n
}

// count is up after a tile.
func (l *lowering) count(n, up ID) ID {
	if l.Keep == None {
		return up
	}
	return l.mux(l.Keep, up, n)
}

// feed closes a fold's loop.
func (l *lowering) feed() {
	for i, id := range l.front.state {
		l.Feed(id, l.settle(l.ref(l.stage.Body.Next[i])), l.clear())
	}
}
