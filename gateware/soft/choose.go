package soft

import (
	"context"

	"github.com/capodekappa/capo/gateware/batch"
	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/wasm"
)

// maxCompiled is how many values a kernel may have to be compiled: wazero's time and memory grow with them.
const maxCompiled = 1 << 13

// choose makes the fastest engine: WebAssembly where it compiles here, and soon enough.
func choose(ctx context.Context, k *ir.Kernel) (string, runner, error) {
	values := 0
	for _, s := range k.Stages {
		values += len(s.Body.Values)
	}
	if values <= maxCompiled {
		if e, err := wasm.New(ctx, k); err == nil {
			if e.SIMD() {
				return WasmSIMD, e, nil
			}
			return Wasm, e, nil
		}
	}
	e, err := batch.New(ctx, k)
	return Batch, e, err
}
