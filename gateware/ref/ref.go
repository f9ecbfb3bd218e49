// Package ref is what a kernel means: goja calls the user's function for one token after the other, as docs/kernels.md tells it,
// and typed arrays' rules store what it returns. It is thousands of times too slow for anything but tests and proofs, and runs
// the user's code: no node has it.
//
// Edges, taps, tiles and stores are written here once more, on purpose: they share nothing with the compiler but the
// geometry of a call.
package ref

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/dop251/goja"

	"github.com/capodekappa/capo/gateware/frame"
	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/js"
)

// Source is a script whose top level has run: kernels of one source may share it.
type Source struct {
	mu      sync.Mutex // guards the runtime: one call at a time
	rt      *goja.Runtime
	kernels *js.Kernels
	exports *goja.Object
}

// Load runs a script's top level.
func Load(ctx context.Context, s *js.Script) (*Source, error) {
	src := &Source{rt: goja.New()}
	src.rt.SetMaxCallStackSize(2000)
	err := src.guarded(ctx, func() error {
		var err error
		src.kernels, src.exports, err = js.Load(src.rt, s)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("run the top level of %s: %w", s.File, err)
	}
	return src, nil
}

// guarded runs JavaScript until the context ends.
func (s *Source) guarded(ctx context.Context, run func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { s.rt.Interrupt(ctx.Err()) })
	defer func() {
		stop()
		s.rt.ClearInterrupt()
	}()
	err := run()
	var late *goja.InterruptedError
	if errors.As(err, &late) && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Engine runs one kernel. It is safe for concurrent use; calls to one source's kernels wait for each other.
type Engine struct {
	src    *Source
	k      *ir.Kernel
	stages []goja.Callable
}

// New makes an engine of a kernel with a source of its own.
func New(ctx context.Context, k *js.Kernel) (*Engine, error) {
	src, err := Load(ctx, k.Script)
	if err != nil {
		return nil, err
	}
	return src.Engine(k)
}

// Engine makes an engine of one of the source's kernels.
func (s *Source) Engine(k *js.Kernel) (*Engine, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	made, ok := s.kernels.Stages(s.exports.Get(k.Name))
	if !ok || len(made) != len(k.IR.Stages) {
		return nil, fmt.Errorf("the source has no kernel %s of %d stages", k.Name, len(k.IR.Stages))
	}
	e := &Engine{src: s, k: k.IR}
	for i, m := range made {
		f, ok := goja.AssertFunction(m.Function)
		if !ok {
			return nil, fmt.Errorf("stage %d of %s has no function", i+1, k.Name)
		}
		e.stages = append(e.stages, f)
	}
	return e, nil
}

// Run calls the function for all tokens of one frame. Errors: *frame.Error, the context's, what the function throws.
func (e *Engine) Run(ctx context.Context, in []byte, width int) ([]byte, error) {
	plan, err := frame.New(e.k, len(in), width)
	if err != nil {
		return nil, err
	}
	var out []byte
	err = e.src.guarded(ctx, func() error {
		words := read(in, e.k.In().Leaves())
		for i, s := range e.k.Stages {
			st := stage{Stage: s, rt: e.src.rt, call: e.stages[i], in: plan.Stages[i].In, out: plan.Stages[i].Out, words: words, size: s.In.Len()}
			var err error
			if words, err = st.run(); err != nil {
				return fmt.Errorf("stage %d of %s: %w", i+1, e.k.Name, err)
			}
		}
		out = write(words, e.k.Out().Leaves())
		return nil
	})
	return out, err
}

// Close is there because engines have it.
func (e *Engine) Close(context.Context) error { return nil }

// read takes tokens off the wire: each word in 1, 2 or 4 bytes, little-endian, wrapped to its type.
func read(in []byte, leaves []ir.Leaf) []float64 {
	var words []float64
	for len(in) > 0 {
		for _, l := range leaves {
			v, scale := 0.0, 1.0
			for _, b := range in[:l.Word.Bytes()] {
				v += float64(b) * scale
				scale *= 256
			}
			in = in[l.Word.Bytes():]
			words = append(words, wrapped(v, l.Word))
		}
	}
	return words
}

// write puts words on the wire, negative ones as two's complement of their bytes.
func write(words []float64, leaves []ir.Leaf) []byte {
	out := []byte{}
	for i, v := range words {
		n := leaves[i%len(leaves)].Word.Bytes()
		bits := uint64(int64(v))
		for b := range n {
			out = append(out, byte(bits>>(8*b)))
		}
	}
	return out
}
