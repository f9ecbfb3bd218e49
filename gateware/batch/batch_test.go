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
  table 0 5 6 7 8
  v0 = in 0 0 0
  v1 = const -1000000
  v2 = mul v0 v1
  v3 = const 45
  v4 = shr v2 v3
  v5 = const 3
  v6 = and v4 v5
  v7 = table v6 0
  v8 = const 100
  v9 = add v7 v8
  give v9
end
`)
	if err != nil {
		t.Fatal(err)
	}
	irtest.Same(t, rand.New(rand.NewPCG(1, 1)), k, open)
}
