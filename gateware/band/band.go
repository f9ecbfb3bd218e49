// Package band cuts a frame into pieces that fit caches, cores and a limit of time, and runs them through a kernel's stages.
//
// A frame's output is cut in bands, one for each worker. A worker has a [Machine] and computes what its band needs of every
// stage's input (halos composed). Tokens stream through the stages in order, a piece at a time, over buffers in the machine's
// memory, so that what lies between two stages stays in a cache. Rows of windows are kept in a ring, with their edges
// written beside them: a machine sees no edges.
package band

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/capodekappa/capo/gateware/frame"
	"github.com/capodekappa/capo/gateware/ir"
)

// Call is a piece of a stage's work: Rows rows of N outputs. For a block, an output is a tile, and Rows is 1.
// Addresses are places in the machine's memory.
//
// Where the words of an output are: of a word and a fold at In + row*InStride + n tokens. Of taps, tap 0 is there times
// HopCols, the others before it. Of a block, its upper left one is at In + n*Cols tokens, the next row InStride bytes on.
// Of a window, In is a table of little-endian 32-bit addresses, Rows of the stage for each row of outputs; at an address is
// the token in column 0 of the window whose X is 0.
//
// A machine may read anything of the memory, and may write up to Strip-1 outputs more than asked for behind each row.
type Call struct {
	Stage               int
	In, Out             int
	Rows, N             int
	InStride, OutStride int // bytes; of a fold that gives its last only, every output goes to Out
	X, Y                int // of the first output
	I                   int // the index of the first output's sample; of taps they are HopCols apart
	State               int // of a fold: 8 bytes little-endian for each word, read and written
}

// Machine computes calls. It is used by one goroutine at a time.
type Machine interface {
	// Memory returns at least size bytes, of which the first Reserved are the machine's own. What it returned before is not
	// used any more.
	Memory(size int) ([]byte, error)
	Reserved() int
	// Strip is how many outputs of a stage are computed together.
	Strip(stage int) int
	Run(ctx context.Context, c *Call) error
}

// Pool hands out machines.
type Pool interface {
	Take(ctx context.Context) (Machine, error)
	Give(Machine)
}

// Limits say how a frame is cut. What is 0 is chosen.
type Limits struct {
	Workers int // machines that work on one frame: GOMAXPROCS
	Piece   int // bytes of a buffer, where a row is not longer: 40 KiB
	Band    int // words of input or output that are worth a worker of their own: 32,768
}

func (l Limits) orDefaults() Limits {
	if l.Workers <= 0 {
		l.Workers = runtime.GOMAXPROCS(0)
	}
	if l.Piece <= 0 {
		l.Piece = 40 << 10
	}
	if l.Band <= 0 {
		l.Band = 1 << 15
	}
	return l
}

// Run computes one frame. What it returns is in dst's array if that is large enough; dst and in must not overlap. Errors:
// *frame.Error, the context's, those of machines.
func Run(ctx context.Context, k *ir.Kernel, pool Pool, limits Limits, dst, in []byte, width int) ([]byte, error) {
	limits = limits.orDefaults()
	plan, err := frame.New(k, len(in), width)
	if err != nil {
		return nil, err
	}
	out := dst
	if cap(out) < plan.OutBytes || out == nil {
		out = make([]byte, plan.OutBytes)
	}
	out = out[:plan.OutBytes]
	if plan.OutBytes == 0 {
		return out, ctx.Err()
	}
	bands := cut(k, plan, limits)
	if len(bands) == 1 {
		return out, runBand(ctx, k, plan, pool, limits, bands[0], in, out)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, len(bands))
	for i, b := range bands {
		wg.Go(func() {
			defer func() { // in PID 1, a panic of this goroutine would end the machine
				if p := recover(); p != nil {
					errs[i] = fmt.Errorf("kernel %s: internal error: %v", k.Name, p)
					cancel()
				}
			}()
			if errs[i] = runBand(ctx, k, plan, pool, limits, b, in, out); errs[i] != nil {
				cancel()
			}
		})
	}
	wg.Wait()
	return out, first(errs)
}

// first is the error that stopped the others.
func first(errs []error) error {
	var found error
	for _, err := range errs {
		if err != nil && (found == nil || errors.Is(found, context.Canceled)) {
			found = err
		}
	}
	return found
}

// runBand computes one band of the output.
func runBand(ctx context.Context, k *ir.Kernel, plan *frame.Plan, pool Pool, limits Limits, b span, in, out []byte) error {
	m, err := pool.Take(ctx)
	if err != nil {
		return err
	}
	w, err := newWorker(ctx, k, plan, m, limits.Piece, b, out)
	if err == nil {
		err = w.run(in)
	}
	if err == nil {
		pool.Give(m)
	}
	return err
}

// cut says which tokens of the output each worker computes.
func cut(k *ir.Kernel, plan *frame.Plan, limits Limits) []span {
	last := plan.Stages[len(plan.Stages)-1].Out
	tokens := last.Tokens()
	work := max(tokens*k.Out().Len(), plan.Stages[0].In.Tokens()*k.In().Len())
	workers := min(limits.Workers, tokens, work/limits.Band)
	for _, s := range k.Stages {
		if s.Shape == ir.FoldShape {
			workers = 1
		}
	}
	workers = max(workers, 1)
	unit := 1
	if last.Rows >= 4*workers {
		unit = last.Width
	}
	units := tokens / unit
	bands := make([]span, workers)
	for i := range bands {
		bands[i] = span{units * i / workers * unit, units * (i + 1) / workers * unit}
	}
	return bands
}
