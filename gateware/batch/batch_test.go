package batch_test

import (
	"context"
	"testing"

	"github.com/capodekappa/capo/gateware/band"
	"github.com/capodekappa/capo/gateware/batch"
	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/ir/irtest"
)

func open(ctx context.Context, k *ir.Kernel) (irtest.Engine, error) { return batch.New(ctx, k) }

func TestRandomKernelsGiveWhatTheirBodySays(t *testing.T) {
	irtest.Compare(t, 1, 2500, open)
}

func TestRandomKernelsGiveWhatTheirBodySaysWithoutPackedLanes(t *testing.T) {
	irtest.Compare(t, 3, 1500, func(ctx context.Context, k *ir.Kernel) (irtest.Engine, error) {
		return batch.New(ctx, k, batch.Unpacked())
	})
}

func TestFramesInSmallPiecesOverManyWorkersAreTheSame(t *testing.T) {
	irtest.Compare(t, 2, 1000, func(ctx context.Context, k *ir.Kernel) (irtest.Engine, error) {
		return batch.New(ctx, k, batch.Limits(band.Limits{Workers: 3, Piece: 100, Band: 50}))
	})
}
