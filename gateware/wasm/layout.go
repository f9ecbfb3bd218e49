package wasm

import "github.com/capodekappa/capo/gateware/ir"

// layout is where a stage's words are while its loop runs: in the memory, and in locals.
type layout struct {
	*ir.Stage
	in, out []ir.Leaf
	inAt    []int // bytes of a leaf in its token
	token   int   // bytes
	inStep  int   // bytes from one output's words to the next one's
	outStep int
	hop     int         // samples from one output to the next
	source  int         // the local with the address of the first output's words
	rows    map[int]int // of a window and a block: such a local for each row
	target  map[int]int // locals with the address of the output; of a block with words, for each row
	x, i    int         // locals
	state   []int       // locals
}

func newLayout(s *ir.Stage) *layout {
	l := &layout{Stage: s, in: s.In.Leaves(), out: s.OutLeaves(), token: s.In.Bytes(), hop: 1, rows: map[int]int{}, target: map[int]int{}}
	at := 0
	for _, leaf := range l.in {
		l.inAt = append(l.inAt, at)
		at += leaf.Word.Bytes()
	}
	l.inStep, l.outStep = l.token, s.Out.Bytes()
	switch s.Shape {
	case ir.TapsShape:
		l.hop = s.HopCols
		l.inStep *= s.HopCols
	case ir.WindowShape:
		l.inStep *= s.HopCols
	case ir.BlockShape:
		l.inStep *= s.Cols
		if s.PerBlock() {
			l.outStep *= s.Cols
		}
	case ir.FoldShape:
		if s.Last {
			l.outStep = 0
		}
	}
	return l
}

// byRows tells whether the stage's input lies in rows that have addresses of their own.
func (l *layout) byRows() bool { return l.Shape == ir.WindowShape || l.Shape == ir.BlockShape }

// usedRows are the rows of the window or block that the body looks at, in order.
func (l *layout) usedRows() (rows []int) {
	used := map[int]bool{}
	for i := range l.Body.Values {
		if v := &l.Body.Values[i]; v.Op == ir.In {
			used[int(v.Port.Row)] = true
		}
	}
	for r := range l.Rows {
		if used[r] {
			rows = append(rows, r)
		}
	}
	return rows
}

// address is the local and the offset of a port's token for the first output; the leaf is inAt bytes further.
func (l *layout) address(p ir.Port) (local, offset int) {
	if l.byRows() {
		return l.rows[int(p.Row)], int(p.Col) * l.token
	}
	return l.source, (l.Cols - 1 - int(p.Col)) * l.token
}

// position is the local of X, Y or I.
func (l *layout) position(op ir.Op) int {
	switch op {
	case ir.X:
		return l.x
	case ir.Y:
		return argY
	}
	return l.i
}

// spot is where an out word goes: the row of the block it is in, and bytes from there.
func (l *layout) spot(n int) (row, offset int) {
	for _, leaf := range l.out[:n] {
		offset += leaf.Word.Bytes()
	}
	if l.PerBlock() {
		return offset / l.outStep, offset % l.outStep
	}
	return 0, offset
}
