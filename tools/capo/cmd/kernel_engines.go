package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/capodekappa/capo/gateware/batch"
	"github.com/capodekappa/capo/gateware/ref"
	"github.com/capodekappa/capo/gateware/soft"
	"github.com/capodekappa/capo/gateware/wasm"
	"github.com/capodekappa/capo/jsrt/job"
)

// The names of the engines, beside those of package soft.
const (
	engineGoja      = "goja"
	engineVerilog   = "verilog"
	engineBitstream = "bitstream"
)

// defaultPart is the part that a bitstream is for unless somebody says another.
const defaultPart = "ice40up5k-sg48"

// errNoTool: an engine cannot be had on this machine.
var errNoTool = errors.New("not available here")

// kernelEngine is one way to run a kernel.
type kernelEngine struct {
	row       kernelRow
	simulates bool // it is shown the beginning of an input
	slow      bool // it is run once
	open      func(ctx context.Context) error
	run       func(ctx context.Context, in []byte, width int) ([]byte, error) // after open; nil if that failed
	close     func()
}

// runner is what the engines of packages are.
type kernelRunner interface {
	Run(ctx context.Context, in []byte, width int) ([]byte, error)
	Close(ctx context.Context) error
}

// newEngine is an engine that make makes.
func newEngine(s *kernelSource, name string, make func(context.Context) (kernelRunner, error)) *kernelEngine {
	e := &kernelEngine{row: kernelRow{Name: s.Name, Engine: name}, close: func() {}}
	e.open = func(ctx context.Context) error {
		r, err := make(ctx)
		if err != nil {
			return err
		}
		e.run, e.close = r.Run, func() { _ = r.Close(context.WithoutCancel(ctx)) } // only memory
		return nil
	}
	return e
}

// softwareEngines are those that need nothing but this program, goja first.
func softwareEngines(s *kernelSource) []*kernelEngine {
	goja := newEngine(s, engineGoja, func(ctx context.Context) (kernelRunner, error) { return ref.New(ctx, s.Kernel) })
	goja.slow = true
	return []*kernelEngine{
		goja,
		newEngine(s, soft.Batch, func(ctx context.Context) (kernelRunner, error) { return batch.New(ctx, s.kernel) }),
		newEngine(s, soft.Wasm, func(ctx context.Context) (kernelRunner, error) { return compiled(ctx, s, wasm.Scalar()) }),
		newEngine(s, soft.WasmSIMD, func(ctx context.Context) (kernelRunner, error) { return compiled(ctx, s) }),
	}
}

// compiled is WebAssembly, where this machine compiles it.
func compiled(ctx context.Context, s *kernelSource, options ...wasm.Option) (kernelRunner, error) {
	e, err := wasm.New(ctx, s.kernel, options...)
	if errors.Is(err, wasm.ErrUnavailable) {
		return nil, fmt.Errorf("%w: %w", errNoTool, err)
	}
	return e, err
}

// softwareEngine is one of them by its name, or the fastest.
func softwareEngine(s *kernelSource, name string) (*kernelEngine, error) {
	if name == "" {
		e := newEngine(s, "", nil)
		e.open = func(ctx context.Context) error {
			r, err := soft.New(ctx, s.kernel)
			if err != nil {
				return err
			}
			e.row.Engine = r.Name()
			e.run, e.close = r.Run, func() { _ = r.Close(context.WithoutCancel(ctx)) }
			return nil
		}
		return e, nil
	}
	var names []string
	for _, e := range softwareEngines(s) {
		if e.row.Engine == name {
			return e, nil
		}
		names = append(names, e.row.Engine)
	}
	return nil, usage(fmt.Errorf("--engine %s: there are %s", name, strings.Join(names, ", ")))
}

// enginesFor are the engines of a proof.
func (a *app) enginesFor(s *kernelSource, o proofOptions) ([]*kernelEngine, error) {
	p, err := loadPart(o.part)
	if err != nil {
		return nil, err
	}
	all := append(softwareEngines(s), verilogEngine(s, p), bitstreamEngine(s, p))
	if len(o.engines) == 0 {
		return all, nil
	}
	var names []string
	for _, e := range all {
		names = append(names, e.row.Engine)
	}
	for _, name := range o.engines {
		if !slices.Contains(names, name) {
			return nil, usage(fmt.Errorf("--engine %s: there are %s", name, strings.Join(names, ", ")))
		}
	}
	return slices.DeleteFunc(all, func(e *kernelEngine) bool {
		return e.row.Engine != engineGoja && !slices.Contains(o.engines, e.row.Engine)
	}), nil
}

// parseNoise reads how much noise a proof is made with.
func parseNoise(text string) (int, error) {
	n, err := job.ParseSize(text)
	if err != nil || n < 64 || n > 1<<28 {
		return 0, usage(fmt.Errorf("--noise %s: want a size from 64 to 256M", text))
	}
	return int(n), nil
}
