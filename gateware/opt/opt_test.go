package opt_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/ir/irtest"
	"github.com/capodekappa/capo/gateware/opt"
	"github.com/capodekappa/capo/gateware/scalar"
)

var update = flag.Bool("update", false, "write the goldens anew")

var passes = map[string]opt.Pass{"divide": opt.Divide, "unwrap": opt.Unwrap, "unbound": opt.Unbound}

// TestPassesGiveTheirGoldens reads testdata/PASS.ir, a kernel, and compares what the pass makes of it with PASS.golden.
func TestPassesGiveTheirGoldens(t *testing.T) {
	for name, pass := range passes {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata", name+".ir"))
			if err != nil {
				t.Fatal(err)
			}
			k, err := ir.Parse(string(text))
			if err != nil {
				t.Fatal(err)
			}
			before := k.String()
			better, err := opt.Run(k, pass)
			if err != nil {
				t.Fatal(err)
			}
			if k.String() != before {
				t.Error("the kernel that was given is another one now")
			}
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(better.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(better.String(), "\n")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestPassesKeepWhatRandomKernelsMean(t *testing.T) {
	irtest.Compare(t, 9, 800, optimised)
}

// optimised opens the plain engine of a kernel after the passes.
func optimised(ctx context.Context, k *ir.Kernel) (irtest.Engine, error) {
	better, err := opt.Run(k, opt.Software()...)
	if err != nil {
		return nil, err
	}
	e, err := scalar.New(ctx, better)
	return plain{e}, err
}

// plain is the plain engine with a Close.
type plain struct{ *scalar.Engine }

func (plain) Close(context.Context) error { return nil }

func TestDemandOfALowHalf(t *testing.T) {
	k, err := ir.Parse("kernel\nstage word 1 1\n  in u30\n  out u8\n  v0 = in 0 0 0\n  v1 = mul v0 v0\n  v2 = const 4\n  v3 = shr v1 v2\n  v4 = wrapu v3 8\n  give v4\nend\n")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint8{12, 12, opt.Exact, 8, 8}, opt.Demand(k.Stages[0])); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func FuzzPassesKeepTheMeaning(f *testing.F) {
	f.Add(uint64(1), uint64(1))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		r := rand.New(rand.NewPCG(a, b))
		irtest.Same(t, r, irtest.Kernel(r), optimised)
	})
}
