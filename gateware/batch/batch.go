// Package batch runs kernels on any processor, in plain Go: each value of the body is a column of samples, each operation a loop
// over columns that lie in the processor's first cache.
package batch

import (
	"context"
	"fmt"
	"sync"

	"github.com/capodekappa/capo/gateware/band"
	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/opt"
)

// strip is the samples in a column.
const strip = 512

// Engine runs one kernel. It is safe for concurrent use.
type Engine struct {
	k        *ir.Kernel
	programs []*program
	limits   band.Limits
	unpacked bool
	machines sync.Pool
}

// Option changes how an engine runs.
type Option func(*Engine)

// Limits says how frames are cut, for instance that one core is used.
func Limits(l band.Limits) Option { return func(e *Engine) { e.limits = l } }

// Unpacked leaves out the lanes that are packed into a uint64, for comparison.
func Unpacked() Option { return func(e *Engine) { e.unpacked = true } }

// New makes the engine of a kernel. Errors: those of ir.Kernel.Check and of opt.Run.
func New(_ context.Context, k *ir.Kernel, options ...Option) (*Engine, error) {
	if err := k.Check(); err != nil {
		return nil, err
	}
	better, err := opt.Run(k, opt.Software()...)
	if err != nil {
		return nil, fmt.Errorf("batch: %w", err)
	}
	e := &Engine{k: better}
	for _, o := range options {
		o(e)
	}
	for i, s := range better.Stages {
		p := compile(s)
		if packed, err := compilePacked(k.Stages[i]); err == nil && !e.unpacked {
			p.packed = packed
		}
		e.programs = append(e.programs, p)
	}
	return e, nil
}

// Run computes one frame: the words of the wire in and out; width is the tokens in a row, 0 the kernel's default. Errors:
// *frame.Error, the context's.
func (e *Engine) Run(ctx context.Context, in []byte, width int) ([]byte, error) {
	return band.Run(ctx, e.k, e, e.limits, nil, in, width)
}

// RunInto is Run with the memory for what it returns: dst, if that is large enough. dst and in must not overlap.
func (e *Engine) RunInto(ctx context.Context, dst, in []byte, width int) ([]byte, error) {
	return band.Run(ctx, e.k, e, e.limits, dst, in, width)
}

// Close does nothing: an engine holds only memory.
func (e *Engine) Close(context.Context) error { return nil }

// Take is for band.
func (e *Engine) Take(context.Context) (band.Machine, error) {
	if m, ok := e.machines.Get().(*machine); ok {
		return m, nil
	}
	return newMachine(e.programs), nil
}

// Give is for band.
func (e *Engine) Give(m band.Machine) { e.machines.Put(m) }
