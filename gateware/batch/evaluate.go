package batch

import (
	"encoding/binary"

	"github.com/capodekappa/capo/gateware/ir"
)

// evaluate computes a strip of a fold whose core is too large, with ir's interpreter.
func (w *work) evaluate() {
	s := w.stage
	leaves, at := s.In.Leaves(), offsets(s.In.Leaves())
	state := make([]int64, len(s.Init))
	for k := range state {
		state[k] = w.state(k)
	}
	outs, outAt := s.Out.Leaves(), offsets(s.Out.Leaves())
	scratch := make([]int64, 0, len(s.Body.Values))
	for n := range w.n {
		sample := w.x + n
		c := ir.Call{State: state, I: int64(w.call.I + sample), X: int64(w.call.X + sample), Y: int64(w.call.Y + w.row)}
		c.In = func(p ir.Port) int64 {
			var d [1]int64
			word := leaves[p.Leaf].Word
			from := w.call.In + w.row*w.call.InStride + sample*w.inStep + at[p.Leaf]
			read(d[:], w.mem[from:], &port{stride: 1, size: word.Bytes(), signed: word.Signed, bits: word.Bits})
			return d[0]
		}
		given, next := s.Body.Eval(c, scratch)
		state = next
		to := w.call.Out + w.row*w.call.OutStride + sample*w.outStep
		for k, v := range given {
			var word [8]byte
			binary.LittleEndian.PutUint64(word[:], uint64(v))
			copy(w.mem[to+outAt[k]:], word[:outs[k].Word.Bytes()])
		}
	}
	for k, v := range state {
		w.setState(k, v)
	}
}
