package fuzz

import (
	"context"
	"errors"

	"github.com/capodekappa/capo/gateware/band"
	"github.com/capodekappa/capo/gateware/batch"
	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/scalar"
	"github.com/capodekappa/capo/gateware/wasm"
)

// Runner is a kernel in an engine.
type Runner interface {
	Run(ctx context.Context, in []byte, width int) ([]byte, error)
}

// Engine is one that is compared with goja.
type Engine struct {
	Name string
	// Open makes a kernel's runner and what gives it back. A nil runner: this engine is not for this kernel or machine.
	Open func(ctx context.Context, seed uint64, k *ir.Kernel) (Runner, func(), error)
}

// limits cut frames in another way for each kernel: whole, or in pieces and bands as small as they may be.
func limits(seed uint64) band.Limits {
	switch seed % 3 {
	case 0:
		return band.Limits{Workers: 1}
	case 1:
		return band.Limits{Workers: 2, Piece: 64, Band: 8}
	}
	return band.Limits{Workers: 1, Piece: 256}
}

// Engines are those in software. WebAssembly without SIMD is compared for every few of the kernels: it costs as much as all others.
func Engines() []Engine {
	return []Engine{
		{"ir", func(ctx context.Context, _ uint64, k *ir.Kernel) (Runner, func(), error) {
			e, err := scalar.New(ctx, k)
			return e, func() {}, err
		}},
		{"batch", func(ctx context.Context, seed uint64, k *ir.Kernel) (Runner, func(), error) {
			e, err := batch.New(ctx, k, batch.Limits(limits(seed)))
			return e, func() {}, err
		}},
		{"wasm-simd", func(ctx context.Context, seed uint64, k *ir.Kernel) (Runner, func(), error) {
			return openWasm(ctx, k, wasm.Limits(limits(seed+1)))
		}},
		{"wasm", func(ctx context.Context, seed uint64, k *ir.Kernel) (Runner, func(), error) {
			if seed%scalarEvery != 0 {
				return nil, nil, nil
			}
			return openWasm(ctx, k, wasm.Limits(limits(seed+2)), wasm.Scalar())
		}},
	}
}

// scalarEvery is of how many kernels one goes through WebAssembly without SIMD.
const scalarEvery = 2

func openWasm(ctx context.Context, k *ir.Kernel, options ...wasm.Option) (Runner, func(), error) {
	e, err := wasm.New(ctx, k, options...)
	if errors.Is(err, wasm.ErrUnavailable) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return e, func() { _ = e.Close(ctx) }, nil // it holds only memory
}
