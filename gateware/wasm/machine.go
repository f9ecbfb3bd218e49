package wasm

import (
	"context"
	"fmt"
	"strconv"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/capodekappa/capo/gateware/band"
)

const page = 1 << 16

// machine is an instance of the module.
type machine struct {
	instance api.Module
	memory   api.Memory
	calls    []api.Function
	module   *module
	stack    [arguments]uint64
}

func newMachine(ctx context.Context, e *Engine) (*machine, error) {
	instance, err := e.runtime.InstantiateModule(ctx, e.compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return nil, fmt.Errorf("kernel %s: start WebAssembly: %w", e.k.Name, err)
	}
	m := &machine{instance: instance, memory: instance.Memory(), module: e.module}
	for i := range e.k.Stages {
		m.calls = append(m.calls, instance.ExportedFunction(strconv.Itoa(i)))
	}
	return m, nil
}

// Memory is for band.
func (m *machine) Memory(size int) ([]byte, error) {
	if have := int(m.memory.Size()); size > have {
		if _, ok := m.memory.Grow(uint32((size - have + page - 1) / page)); !ok {
			return nil, fmt.Errorf("the machine's memory does not grow to %d bytes", size)
		}
	}
	view, ok := m.memory.Read(0, m.memory.Size())
	if !ok {
		return nil, fmt.Errorf("the machine's memory of %d bytes cannot be read", m.memory.Size())
	}
	return view, nil
}

// Reserved is for band.
func (m *machine) Reserved() int { return m.module.reserved }

// Strip is for band.
func (m *machine) Strip(stage int) int { return m.module.strips[stage] }

// Run is for band.
func (m *machine) Run(ctx context.Context, c *band.Call) error {
	for i, v := range [arguments]int{c.In, c.Out, c.Rows, c.N, c.InStride, c.OutStride, c.X, c.Y, c.I, c.State} {
		m.stack[i] = uint64(uint32(v))
	}
	if err := m.calls[c.Stage].CallWithStack(ctx, m.stack[:]); err != nil {
		return fmt.Errorf("call stage %d: %w", c.Stage, err)
	}
	return nil
}
