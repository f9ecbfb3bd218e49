package soft

import (
	"context"

	"github.com/capodekappa/capo/gateware/batch"
	"github.com/capodekappa/capo/gateware/ir"
)

// choose makes the fastest engine.
func choose(ctx context.Context, k *ir.Kernel) (string, runner, error) {
	e, err := batch.New(ctx, k)
	return Batch, e, err
}
