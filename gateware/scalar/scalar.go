// Package scalar runs a kernel word by word with ir's own interpreter: slow, plain, and what the other engines are tested against.
package scalar

import (
	"context"

	"github.com/capodekappa/capo/gateware/frame"
	"github.com/capodekappa/capo/gateware/ir"
)

// Engine runs one kernel. It is safe for concurrent use.
type Engine struct{ k *ir.Kernel }

// New makes an engine. Errors: those of ir.Kernel.Check.
func New(_ context.Context, k *ir.Kernel) (*Engine, error) {
	if err := k.Check(); err != nil {
		return nil, err
	}
	return &Engine{k}, nil
}

// Run computes one frame. Errors: *frame.Error, the context's.
func (e *Engine) Run(ctx context.Context, in []byte, width int) ([]byte, error) {
	plan, err := frame.New(e.k, len(in), width)
	if err != nil {
		return nil, err
	}
	words := decode(in, e.k.In().Leaves())
	for i, s := range e.k.Stages {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		words = stage(s, plan.Stages[i], words)
	}
	return encode(words, e.k.Out().Leaves()), nil
}

// stage computes a whole stage; words are the leaves of all tokens, in order.
func stage(s *ir.Stage, g frame.Stage, words []int64) []int64 {
	if g.In.Tokens() == 0 {
		return nil
	}
	m := machine{Stage: s, geometry: g, words: words, leaves: s.In.Len()}
	switch s.Shape {
	case ir.FoldShape:
		return m.fold()
	case ir.BlockShape:
		return m.blocks()
	}
	return m.each()
}

// machine is a stage at work.
type machine struct {
	*ir.Stage
	geometry frame.Stage
	words    []int64
	leaves   int
	scratch  []int64
}

// at is a leaf of a token of the input.
func (m *machine) at(token int, leaf int32) int64 { return m.words[token*m.leaves+int(leaf)] }

// each computes words, taps and windows: one token for each place of the output.
func (m *machine) each() (out []int64) {
	in, size := m.geometry.In, m.geometry.Out
	for y := range size.Rows {
		for x := range size.Width {
			token := y*size.Width + x
			sample := token * m.HopCols // of taps
			c := ir.Call{X: int64(x), Y: int64(y), I: int64(token)}
			switch m.Shape {
			case ir.WordShape:
				c.In = func(p ir.Port) int64 { return m.at(token, p.Leaf) }
			case ir.TapsShape:
				c.I = int64(sample)
				c.In = func(p ir.Port) int64 {
					if back := sample - int(p.Col); back >= 0 {
						return m.at(back, p.Leaf)
					}
					return 0
				}
			case ir.WindowShape:
				c.In = func(p ir.Port) int64 {
					r := Mapped(y*m.HopRows+int(p.Row)-m.Rows/2, in.Rows, m.Edge)
					col := Mapped(x*m.HopCols+int(p.Col)-m.Cols/2, in.Width, m.Edge)
					if r < 0 || col < 0 {
						return 0
					}
					return m.at(r*in.Width+col, p.Leaf)
				}
			}
			given, _ := m.Body.Eval(c, m.scratch)
			out = append(out, given...)
		}
	}
	return out
}

// Mapped is the place that an edge rule shows at a place inside or outside 0..n-1; -1 is a zero.
func Mapped(at, n int, edge ir.Edge) int {
	switch {
	case at >= 0 && at < n:
		return at
	case edge == ir.Zero:
		return -1
	case edge == ir.Clamp:
		return min(max(at, 0), n-1)
	case n == 1:
		return 0
	}
	period := 2 * (n - 1)
	at = (at%period + period) % period
	return min(at, period-at)
}

func (m *machine) fold() (out []int64) {
	state := m.Init
	for i := range m.geometry.In.Tokens() {
		c := ir.Call{State: state, I: int64(i), In: func(p ir.Port) int64 { return m.at(i, p.Leaf) }}
		given, next := m.Body.Eval(c, m.scratch)
		state = next
		if m.Last {
			out = out[:0]
		}
		out = append(out, given...)
	}
	return out
}

func (m *machine) blocks() []int64 {
	in, size := m.geometry.In, m.geometry.Out
	leaves := m.Out.Len()
	out := make([]int64, size.Tokens()*leaves)
	across := in.Width / m.Cols
	for tile := range in.Tokens() / (m.Rows * m.Cols) {
		x, y := tile%across, tile/across
		first := y*m.Rows*in.Width + x*m.Cols
		given, _ := m.Body.Eval(ir.Call{X: int64(x), Y: int64(y), In: func(p ir.Port) int64 {
			return m.at(first+int(p.Row)*in.Width+int(p.Col), p.Leaf)
		}}, m.scratch)
		if !m.PerBlock() {
			copy(out[tile*leaves:], given)
			continue
		}
		for r := range m.Rows {
			n := m.Cols * leaves
			copy(out[(first+r*in.Width)*leaves:], given[r*n:(r+1)*n])
		}
	}
	return out
}

// decode reads words off the wire, each wrapped to its type.
func decode(in []byte, leaves []ir.Leaf) (words []int64) {
	for len(in) > 0 {
		for _, l := range leaves {
			var v uint64
			for i := range l.Word.Bytes() {
				v |= uint64(in[i]) << (8 * i)
			}
			in = in[l.Word.Bytes():]
			op := ir.WrapU
			if l.Word.Signed {
				op = ir.WrapS
			}
			words = append(words, ir.Apply(op, int64(l.Word.Bits), int64(v), 0, 0))
		}
	}
	return words
}

func encode(words []int64, leaves []ir.Leaf) (out []byte) {
	out = []byte{}
	for i, w := range words {
		for b := range leaves[i%len(leaves)].Word.Bytes() {
			out = append(out, byte(w>>(8*b)))
		}
	}
	return out
}
