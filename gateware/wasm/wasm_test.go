package wasm_test

import (
	"context"
	"testing"

	"github.com/capodekappa/capo/gateware/band"
	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/ir/irtest"
	"github.com/capodekappa/capo/gateware/wasm"
)

func open(options ...wasm.Option) func(context.Context, *ir.Kernel) (irtest.Engine, error) {
	return func(ctx context.Context, k *ir.Kernel) (irtest.Engine, error) { return wasm.New(ctx, k, options...) }
}

func TestRandomKernelsGiveWhatTheirBodySaysWithoutLanes(t *testing.T) {
	irtest.Compare(t, 1, 1000, open(wasm.Scalar()))
}

func TestRandomKernelsGiveWhatTheirBodySays(t *testing.T) {
	irtest.Compare(t, 2, 1000, open())
}

func TestFramesInSmallPiecesOverManyWorkersAreTheSame(t *testing.T) {
	for i, lanes := range []int{4, 8, 16} {
		irtest.Compare(t, uint64(10+i), 300, open(wasm.Lanes(lanes), wasm.Limits(band.Limits{Workers: 3, Piece: 100, Band: 50})))
	}
}
