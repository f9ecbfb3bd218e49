// Package wasm runs kernels as WebAssembly that it makes itself, compiled by wazero: with SIMD lanes as narrow as the ranges of
// values allow, or without. It needs a processor that wazero compiles for (amd64 with SSE 4.1, arm64).
package wasm

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/tetratelabs/wazero"

	"github.com/capodekappa/capo/gateware/band"
	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/opt"
)

// ErrUnavailable says that this processor or system has no compiler for WebAssembly; gateware/batch runs everywhere.
var ErrUnavailable = errors.New("wazero does not compile for " + runtime.GOOS + "/" + runtime.GOARCH)

// Engine runs one kernel. It is safe for concurrent use.
type Engine struct {
	k        *ir.Kernel
	config   config
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	module   *module

	mu   sync.Mutex // guards free
	free []*machine
}

// config is what options set.
type config struct {
	limits      band.Limits
	interpreter bool
	scalar      bool
	lanes       int // of SIMD; 0: chosen
}

// Option changes how an engine runs.
type Option func(*config)

// Limits says how frames are cut, for instance that one core is used.
func Limits(l band.Limits) Option { return func(c *config) { c.limits = l } }

// Interpreter has wazero interpret, which is slow and works on any processor.
func Interpreter() Option { return func(c *config) { c.interpreter = true } }

// Scalar leaves SIMD out.
func Scalar() Option { return func(c *config) { c.scalar = true } }

// Lanes sets how many outputs are computed together where SIMD is used: 4, 8 or 16.
func Lanes(n int) Option { return func(c *config) { c.lanes = n } }

// New compiles a kernel. Errors: ErrUnavailable, those of ir.Kernel.Check and opt.Run.
func New(ctx context.Context, k *ir.Kernel, options ...Option) (*Engine, error) {
	if err := k.Check(); err != nil {
		return nil, err
	}
	e := &Engine{}
	for _, o := range options {
		o(&e.config)
	}
	var err error
	if e.k, err = opt.Run(k, opt.Software()...); err != nil {
		return nil, fmt.Errorf("wasm: %w", err)
	}
	if e.module, err = generate(e.k, &e.config); err != nil {
		return nil, fmt.Errorf("kernel %s: make WebAssembly: %w", k.Name, err)
	}
	if e.runtime, err = newRuntime(ctx, e.config.interpreter); err != nil {
		return nil, err
	}
	if e.compiled, err = e.runtime.CompileModule(ctx, e.module.bytes); err != nil {
		return nil, errors.Join(fmt.Errorf("kernel %s: compile WebAssembly: %w", k.Name, err), e.runtime.Close(ctx))
	}
	return e, nil
}

// newRuntime starts wazero. Its constructor panics where it cannot compile.
func newRuntime(ctx context.Context, interpreter bool) (r wazero.Runtime, err error) {
	c := wazero.NewRuntimeConfigInterpreter()
	if !interpreter {
		if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
			return nil, ErrUnavailable
		}
		defer func() {
			if recover() != nil {
				r, err = nil, ErrUnavailable
			}
		}()
		c = wazero.NewRuntimeConfigCompiler()
	}
	return wazero.NewRuntimeWithConfig(ctx, c.WithDebugInfoEnabled(false)), nil
}

// Run computes one frame: the words of the wire in and out; width is the tokens in a row, 0 the kernel's default. Errors:
// *frame.Error, the context's.
func (e *Engine) Run(ctx context.Context, in []byte, width int) ([]byte, error) {
	return band.Run(ctx, e.k, e, e.config.limits, nil, in, width)
}

// RunInto is Run with the memory for what it returns: dst, if that is large enough. dst and in must not overlap.
func (e *Engine) RunInto(ctx context.Context, dst, in []byte, width int) ([]byte, error) {
	return band.Run(ctx, e.k, e, e.config.limits, dst, in, width)
}

// SIMD tells whether all stages use it.
func (e *Engine) SIMD() bool {
	for _, s := range e.module.strips {
		if s == 1 {
			return false
		}
	}
	return true
}

// Code is the module.
func (e *Engine) Code() []byte { return e.module.bytes }

// Close gives memory and code back. No Run may be under way.
func (e *Engine) Close(ctx context.Context) error { return e.runtime.Close(ctx) }

// Take is for band.
func (e *Engine) Take(ctx context.Context) (band.Machine, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := len(e.free); n > 0 {
		m := e.free[n-1]
		e.free = e.free[:n-1]
		return m, nil
	}
	return newMachine(ctx, e)
}

// Give is for band.
func (e *Engine) Give(m band.Machine) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.free = append(e.free, m.(*machine))
}
