package cell

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/dop251/goja"

	"github.com/capodekappa/capo/gateware/soft"
	"github.com/capodekappa/capo/jsrt"
)

// Kernels are made ready after everything else was taken from the process and before the system call filter comes: an engine that
// compiles needs executable memory once, and nothing that runs later can get any.

// appendKernels writes the payload of a kernels frame.
func appendKernels(b []byte, kernels map[string][]byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(kernels)))
	for _, name := range slices.Sorted(maps.Keys(kernels)) {
		b = appendBytes(appendBytes(b, name), kernels[name])
	}
	return b
}

func parseKernels(p []byte) (map[string][]byte, error) {
	d := decoder{rest: p}
	out := map[string][]byte{}
	for range d.count(2) {
		name, text := d.text(), d.bytes()
		out[name] = text
	}
	return out, d.end()
}

// giveKernels writes the kernels to a child that was told to expect them.
func (c *Cell) giveKernels() {
	if len(c.cfg.Kernels) == 0 {
		return
	}
	payload := appendKernels(nil, c.cfg.Kernels)
	c.cfg.Kernels = nil
	c.calls.Go(func() { _ = c.write(frame{kind: kindKernels, payload: payload}) }) // a child that does not take them says why
}

// kernel is a kernel of the program, or why there is none.
type kernel struct {
	engine *soft.Engine
	err    error
}

// openKernels reads the frame of the kernels and makes their engines. One that cannot be made says so when it is called.
func (c *child) openKernels() error {
	if !c.setup.Kernels {
		return nil
	}
	f, err := readFrame(c.in, MaxFrame)
	if err != nil {
		return fmt.Errorf("read the kernels: %w", err)
	}
	texts, err := parseKernels(f.payload)
	if err != nil || f.kind != kindKernels {
		return fmt.Errorf("read the kernels: frame of kind %d: %w", f.kind, err)
	}
	c.kernels = map[string]kernel{}
	for name, text := range texts {
		var k kernel
		k.engine, k.err = soft.Open(context.Background(), name, text)
		c.kernels[name] = k
	}
	return nil
}

// kernelNames is what env.kernels has.
func (h *handlers) kernelNames(goja.FunctionCall) goja.Value {
	return h.vm.ToValue(slices.Sorted(maps.Keys(h.c.kernels)))
}

// kernel is called with name, bytes and width, and returns bytes. It runs on the owner's goroutine: a cell has one processor, and so
// nothing has to be copied.
func (h *handlers) kernel(call goja.FunctionCall) goja.Value {
	name := call.Argument(0).String()
	k := h.c.kernels[name]
	in, ok := jsrt.Bytes(call.Argument(1))
	if !ok {
		panic(h.vm.NewTypeError("%s: a kernel takes bytes: a Uint8Array, an ArrayBuffer or another typed array", name))
	}
	width := 0
	if v := call.Argument(2); !goja.IsUndefined(v) {
		w := v.ToFloat()
		if w != math.Trunc(w) || w < 1 || w > math.MaxInt32 {
			panic(h.vm.NewTypeError("%s: width is %s: it counts the words in a row", name, v))
		}
		width = int(w)
	}
	out, err := h.c.runKernel(k, name, in, width)
	if err != nil {
		panic(h.newError(err.Error()))
	}
	return h.c.rt.Uint8Array(out)
}

func (c *child) runKernel(k kernel, name string, in []byte, width int) ([]byte, error) {
	if k.err != nil {
		return nil, k.err
	}
	plan, err := k.engine.Plan(len(in), width)
	if err != nil {
		return nil, err
	}
	if room := c.setup.Memory / 2; int64(plan.OutBytes) > room {
		return nil, fmt.Errorf("%s: the answer would have %d bytes, and half of the job's memory is %d (needs.mem)", name, plan.OutBytes, room)
	}
	c.mu.Lock()
	ctx := c.request
	c.mu.Unlock()
	return k.engine.Run(ctx, in, width)
}
