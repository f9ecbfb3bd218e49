package fuzz_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/gateware/fuzz"
	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/test/need"
)

func TestRandomKernelsMeanTheSameInEveryEngine(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // there is memory, and little time
	begin := time.Now()
	const n = 20_000
	tally, err := fuzz.Run(t.Context(), 0, n, fuzz.Medium, fuzz.Engines())
	t.Logf("%s in %s", tally, time.Since(begin).Round(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	if tally.Kernels != n {
		t.Errorf("%d kernels of %d", tally.Kernels, n)
	}
	for _, m := range tally.Missing() {
		t.Errorf("there was no %s", m)
	}
}

// TestRandomKernelsGoOnLong goes on for CAPO_FUZZ_TIME, from a seed that nobody chose or CAPO_FUZZ_SEED.
func TestRandomKernelsGoOnLong(t *testing.T) {
	need.Long(t)
	lasts, err := time.ParseDuration(os.Getenv("CAPO_FUZZ_TIME"))
	if err != nil {
		lasts = 2 * time.Minute
	}
	seed, err := strconv.ParseUint(os.Getenv("CAPO_FUZZ_SEED"), 10, 63)
	if err != nil {
		seed = rand.Uint64N(1 << 40)
	}
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	all := 0
	for ctx.Err() == nil {
		tally, err := fuzz.Run(ctx, seed, 5000, fuzz.Medium, fuzz.Engines())
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		all += tally.Kernels
		t.Logf("%d kernels; the last seed was %d", all, seed+5000)
		seed += 5000
	}
}

// wrong is an engine with a fault.
func wrong(when func(k *ir.Kernel, out []byte)) []fuzz.Engine {
	right := fuzz.Engines()[0]
	return []fuzz.Engine{{Name: "wrong", Open: func(ctx context.Context, seed uint64, k *ir.Kernel) (fuzz.Runner, func(), error) {
		run, done, err := right.Open(ctx, seed, k)
		return faulty{run, k, when}, done, err
	}}}
}

type faulty struct {
	fuzz.Runner
	k    *ir.Kernel
	when func(k *ir.Kernel, out []byte)
}

func (f faulty) Run(ctx context.Context, in []byte, width int) ([]byte, error) {
	out, err := f.Runner.Run(ctx, in, width)
	f.when(f.k, out)
	return out, err
}

func TestAnEngineThatIsWrongIsFoundAndTheKernelMadeSmaller(t *testing.T) {
	_, err := fuzz.Run(t.Context(), 0, 500, fuzz.Medium, wrong(func(k *ir.Kernel, out []byte) {
		if k.Stages[0].Uses(ir.Clz) && len(out) > 20 {
			out[20] ^= 1
		}
	}))
	var m *fuzz.Mismatch
	if !errors.As(err, &m) {
		t.Fatalf("nothing was found: %v", err)
	}
	whole := fuzz.Next(m.Case.Seed, fuzz.Medium)
	if !strings.Contains(m.Case.Source, "clz32") || len(m.Case.Source) > len(whole.Source) || m.Engine != "wrong" {
		t.Errorf("%s of\n%s", m, whole.Source)
	}
	if text := m.Error(); !strings.Contains(text, "fuzz.Next(") || !strings.Contains(text, "clz") {
		t.Error(text)
	}
}

func TestASeedMakesTheSameKernel(t *testing.T) {
	for seed := range uint64(200) {
		if a, b := fuzz.Next(seed, fuzz.Small), fuzz.Next(seed, fuzz.Small); a != b {
			t.Fatalf("%v\n%v", a, b)
		}
	}
}
