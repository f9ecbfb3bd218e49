// Package soft runs a kernel in software, with the engine that is the fastest on this machine.
//
// A kernel travels as its canonical text without a name, so that the text's SHA-256 is the kernel's digest; [Open] reads it.
package soft

import (
	"context"
	"fmt"

	"github.com/capodekappa/capo/gateware/frame"
	"github.com/capodekappa/capo/gateware/ir"
)

// The names of engines.
const (
	Batch    = "batch"     // columns of samples in Go
	Wasm     = "wasm"      // WebAssembly, a sample at a time
	WasmSIMD = "wasm-simd" // WebAssembly, a vector at a time
)

// Engine is a kernel, ready to be called. Its methods may be called from any goroutine.
type Engine struct {
	kernel *ir.Kernel
	name   string
	run    runner
}

// runner is what every engine is.
type runner interface {
	Run(ctx context.Context, in []byte, width int) ([]byte, error)
	Close(ctx context.Context) error
}

// Text is the form in which a kernel travels.
func Text(k *ir.Kernel) []byte {
	anonymous := ir.Kernel{Stages: k.Stages}
	return []byte(anonymous.String())
}

// Open reads a kernel's text, which may come from anybody, and makes its engine; name is what errors call it. Errors:
// *ir.SyntaxError, those of [ir.Kernel.Check] and of [New].
func Open(ctx context.Context, name string, text []byte) (*Engine, error) {
	k, err := ir.Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", name, err)
	}
	k.Name = name
	return New(ctx, k)
}

// New makes a kernel's engine.
func New(ctx context.Context, k *ir.Kernel) (e *Engine, err error) {
	defer func() {
		if p := recover(); p != nil { // of a compiler, over a text from outside
			e, err = nil, fmt.Errorf("kernel %s: the engine cannot be made: %v", k.Name, p)
		}
	}()
	name, run, err := choose(ctx, k)
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", k.Name, err)
	}
	return &Engine{kernel: k, name: name, run: run}, nil
}

// Name is the engine's.
func (e *Engine) Name() string { return e.name }

// Plan is the geometry of a call, before it is made. Errors: *frame.Error.
func (e *Engine) Plan(bytes, width int) (*frame.Plan, error) {
	return frame.New(e.kernel, bytes, width)
}

// Run calls the kernel on one frame: the words of the wire in and out. width counts the words in a row; 0 is the kernel's
// default. Errors: *frame.Error, that of ctx when it has ended.
func (e *Engine) Run(ctx context.Context, in []byte, width int) ([]byte, error) {
	return e.run.Run(ctx, in, width)
}

// Close gives back what the engine holds.
func (e *Engine) Close(ctx context.Context) error { return e.run.Close(ctx) }
