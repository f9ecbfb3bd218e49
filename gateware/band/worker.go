package band

import (
	"context"
	"fmt"

	"github.com/capodekappa/capo/gateware/frame"
	"github.com/capodekappa/capo/gateware/ir"
)

const maxMemory = 1 << 30 // of a machine

// worker computes a band.
type worker struct {
	ctx    context.Context
	m      Machine
	mem    []byte
	piece  int // bytes of a buffer
	stages []stage
	out    []byte // the frame's
	band   span   // of out, in tokens
	// bytes of a token of the frame's input
	inToken int
}

// stage takes tokens and hands on what it makes of them.
type stage interface {
	// layout reserves buffers.
	layout(a *arena)
	// start fills them with what they hold at first.
	start()
	// feed takes the tokens from first on. They are in data; at is where that is in the memory, or -1.
	feed(first int, data []byte, at int) error
	// takes is which tokens the stage wants.
	takes() span
}

// arena hands out places in a machine's memory.
type arena struct {
	size, over int // over: what may be read behind the end
}

func (a *arena) take(n int) int {
	at := a.size
	a.size = (a.size + n + 63) &^ 63
	return at
}

func newWorker(ctx context.Context, k *ir.Kernel, plan *frame.Plan, m Machine, piece int, b span, out []byte) (*worker, error) {
	w := &worker{ctx: ctx, m: m, piece: piece, out: out, band: b, inToken: k.In().Bytes()}
	a := arena{size: (m.Reserved() + 63) &^ 63}
	for i, n := range needs(k, plan, b) {
		s := newStage(w, i, k.Stages[i], plan.Stages[i], n)
		w.stages = append(w.stages, s)
		s.layout(&a)
		if a.size < 0 || a.size > maxMemory {
			return nil, fmt.Errorf("kernel %s: a frame this wide needs more than %d bytes of scratch memory", k.Name, maxMemory)
		}
	}
	var err error
	if w.mem, err = m.Memory(a.size + a.over); err != nil {
		return nil, err
	}
	for _, s := range w.stages {
		s.start()
	}
	return w, nil
}

// run streams the band's input through.
func (w *worker) run(in []byte) error {
	first := w.stages[0]
	take := first.takes()
	if err := w.ctx.Err(); err != nil {
		return err
	}
	return first.feed(take.first, in[take.first*w.inToken:take.end*w.inToken], -1)
}

// hand gives tokens to the next stage, or to the output.
func (w *worker) hand(from, first, at, tokens, size int) error {
	data := w.mem[at : at+tokens*size]
	if from+1 < len(w.stages) {
		next := w.stages[from+1]
		take := next.takes()
		skip := max(0, take.first-first)
		end := min(tokens, take.end-first)
		if skip >= end {
			return nil
		}
		return next.feed(first+skip, data[skip*size:end*size], at+skip*size)
	}
	skip := max(0, w.band.first-first)
	end := min(tokens, w.band.end-first)
	if skip < end {
		copy(w.out[(first+skip)*size:], data[skip*size:end*size])
	}
	return nil
}

// common is what all stages have.
type common struct {
	*ir.Stage
	w       *worker
	index   int
	g       frame.Stage
	n       need
	in, out int // bytes of a token
	strip   int
	pace    pace
}

func (c *common) takes() span { return c.n.in }

func newStage(w *worker, index int, s *ir.Stage, g frame.Stage, n need) stage {
	c := common{Stage: s, w: w, index: index, g: g, n: n, in: s.In.Bytes(), out: s.Out.Bytes(), strip: w.m.Strip(index)}
	c.pace = newPace(s)
	switch s.Shape {
	case ir.WindowShape:
		return &window{common: c}
	case ir.BlockShape:
		return &block{common: c}
	case ir.TapsShape:
		return &taps{common: c}
	}
	return &words{common: c}
}

// call runs a piece and learns how long it takes.
func (c *common) call(call *Call) error {
	if err := c.w.ctx.Err(); err != nil {
		return err
	}
	call.Stage = c.index
	began := c.pace.begin()
	err := c.w.m.Run(c.w.ctx, call)
	c.pace.end(began, call.Rows*call.N)
	return err
}

// pieces is how many things of a size fit a buffer.
func (c *common) pieces(size int) int { return max(1, c.w.piece/size) }
