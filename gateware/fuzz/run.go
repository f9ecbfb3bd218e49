package fuzz

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/capodekappa/capo/gateware/js"
	"github.com/capodekappa/capo/gateware/ref"
)

// perFile is how many kernels share a source, and so one run of esbuild and one runtime.
const perFile = 100

// Mismatch is a kernel that an engine computes otherwise than goja does, or not at all.
type Mismatch struct {
	Case   Case
	Size   Size
	Engine string
	Frame  Frame
	Want   []byte // goja's
	Got    []byte
	Err    error // instead of Got
	IR     string
}

// Error shows the kernel, and how to make it again.
func (m *Mismatch) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "fuzz.Next(%d, %d): %s differs from goja\n%s%s\nwidth %d, in %x\n", m.Case.Seed, m.Size, m.Engine, Prelude, m.Case.Source, m.Frame.Width, m.Frame.In)
	if m.Err != nil {
		fmt.Fprintf(&b, "error: %v\n", m.Err)
	} else {
		fmt.Fprintf(&b, "want %x\ngot  %x\n", m.Want, m.Got)
	}
	return b.String() + m.IR
}

// Run compares n kernels, from a seed on, in all engines, and counts what was compared. It stops at the first mismatch.
// Errors: *[Mismatch], the context's.
func Run(ctx context.Context, first uint64, n int, size Size, engines []Engine) (*Tally, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	files := make(chan uint64)
	tally := &Tally{}
	var mu sync.Mutex // guards tally
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for seed := range files {
				counts, err := compareFile(ctx, seed, min(perFile, int(first)+n-int(seed)), size, engines)
				if err != nil {
					cancel(err)
				}
				mu.Lock()
				tally.add(counts)
				mu.Unlock()
			}
		})
	}
	for seed := first; seed < first+uint64(n) && ctx.Err() == nil; seed += perFile {
		files <- seed
	}
	close(files)
	wg.Wait()
	return tally, context.Cause(ctx)
}

// compareFile compares the kernels of one source.
func compareFile(ctx context.Context, first uint64, n int, size Size, engines []Engine) (*Tally, error) {
	var cases []Case
	for i := range n {
		cases = append(cases, Next(first+uint64(i), size))
	}
	tally := &Tally{}
	kernels, src, err := compile(ctx, cases)
	if err != nil {
		return tally, shrink(ctx, &Mismatch{Case: culprit(ctx, cases), Size: size, Engine: "js", Err: err}, engines)
	}
	for i, k := range kernels {
		m, err := compareOne(ctx, cases[i], k, src, engines, tally)
		if err != nil {
			return tally, err
		}
		if m != nil {
			m.Size = size
			return tally, shrink(ctx, m, engines)
		}
	}
	return tally, ctx.Err()
}

// compile compiles cases, and runs their source's top level for goja.
func compile(ctx context.Context, cases []Case) ([]*js.Kernel, *ref.Source, error) {
	kernels, err := js.CompileSource(ctx, "fuzz.js", File(cases), js.Options{})
	if err != nil {
		return nil, nil, err
	}
	if len(kernels) != len(cases) {
		return nil, nil, fmt.Errorf("%d kernels came of %d", len(kernels), len(cases))
	}
	src, err := ref.Load(ctx, kernels[0].Script)
	return kernels, src, err
}

// culprit is the first case that does not compile.
func culprit(ctx context.Context, cases []Case) Case {
	for _, c := range cases {
		if _, _, err := compile(ctx, []Case{c}); err != nil {
			return c
		}
	}
	return cases[0]
}

// compareOne compares one kernel on its frames.
func compareOne(ctx context.Context, c Case, k *js.Kernel, src *ref.Source, engines []Engine, tally *Tally) (*Mismatch, error) {
	meaning, err := src.Engine(k)
	if err != nil {
		return nil, err
	}
	frames := Frames(c.Seed, k.IR)
	want := make([][]byte, len(frames))
	for i, f := range frames {
		if want[i], err = meaning.Run(ctx, f.In, f.Width); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return &Mismatch{Case: c, Engine: "goja", Frame: f, Err: err, IR: k.IR.String()}, nil
		}
	}
	for _, e := range engines {
		m, err := compareEngine(ctx, c, k, e, frames, want, tally)
		if m != nil || err != nil {
			return m, err
		}
	}
	tally.kernel(k.IR)
	return nil, nil
}

func compareEngine(ctx context.Context, c Case, k *js.Kernel, e Engine, frames []Frame, want [][]byte, tally *Tally) (m *Mismatch, err error) {
	bad := &Mismatch{Case: c, Engine: e.Name, IR: k.IR.String()}
	defer func() {
		if r := recover(); r != nil {
			bad.Err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
			m, err = bad, nil
		}
	}()
	run, done, err := e.Open(ctx, c.Seed, k.IR)
	if err != nil {
		bad.Err = err
		return bad, ctx.Err()
	}
	if run == nil {
		return nil, nil
	}
	defer done()
	for i, f := range frames {
		got, err := run.Run(ctx, f.In, f.Width)
		if err != nil || !bytes.Equal(got, want[i]) {
			bad.Frame, bad.Want, bad.Got, bad.Err = f, want[i], got, err
			return bad, ctx.Err()
		}
	}
	tally.ran(e.Name, len(frames))
	return nil, nil
}
