package batch_test

import (
	"context"
	"testing"

	"github.com/capodekappa/capo/gateware/band"
	"github.com/capodekappa/capo/gateware/batch"
	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/ir/irtest"
)

func BenchmarkOneCore(b *testing.B) {
	irtest.Bench(b, func(ctx context.Context, k *ir.Kernel) (irtest.Engine, error) {
		return batch.New(ctx, k, batch.Limits(band.Limits{Workers: 1}))
	})
}

func BenchmarkAllCores(b *testing.B) { irtest.Bench(b, open) }
