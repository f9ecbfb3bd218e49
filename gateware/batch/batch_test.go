package batch_test

import (
	"context"
	"math/rand/v2"
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

// An index that does not fit packed lanes once made a table of a negative length.
func TestTableBehindWhatDoesNotFitALane(t *testing.T) {
	k, err := ir.Parse(`kernel
stage word 1 1
  in i32
  out i32
  table 0 0 1 2 3 4 5 6 7 8 9 1 2 3 4 5 6
  v0 = in 0 0 0
  v1 = const 7
  v2 = and v0 v1
  v3 = const -8
  v4 = sub v3 v2
  v5 = abs v4
  v6 = table v5 0
  give v6
end
`)
	if err != nil {
		t.Fatal(err)
	}
	irtest.Same(t, rand.New(rand.NewPCG(1, 1)), k, open)
}
