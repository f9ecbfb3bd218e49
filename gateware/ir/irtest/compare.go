package irtest

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"

	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/scalar"
)

// Engine is what all engines are.
type Engine interface {
	Run(ctx context.Context, in []byte, width int) ([]byte, error)
	Close(ctx context.Context) error
}

// Compare runs random kernels on random frames through an engine and the plain one, and reports the first difference.
func Compare(t *testing.T, seed uint64, kernels int, open func(ctx context.Context, k *ir.Kernel) (Engine, error)) {
	t.Helper()
	for i := range kernels {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		if !Same(t, r, Kernel(r), open) {
			t.Fatalf("it was kernel %d of seed %d", i, seed)
		}
	}
}

// Same runs some random frames through a kernel's engine and the plain one, and tells whether they agree.
func Same(t *testing.T, r *rand.Rand, k *ir.Kernel, open func(ctx context.Context, k *ir.Kernel) (Engine, error)) bool {
	t.Helper()
	ctx := context.Background()
	want, err := scalar.New(ctx, k)
	if err != nil {
		t.Errorf("%v\n%s", err, k)
		return false
	}
	got, err := open(ctx, k)
	if err != nil {
		t.Errorf("%v\n%s", err, k)
		return false
	}
	defer func() { _ = got.Close(ctx) }()
	for range 3 {
		in, width, ok := Frame(r, k, 150)
		if ok && !sameFrame(t, k, want, got, in, width) {
			return false
		}
	}
	return true
}

func sameFrame(t *testing.T, k *ir.Kernel, want *scalar.Engine, got Engine, in []byte, width int) bool {
	t.Helper()
	w, err := want.Run(context.Background(), in, width)
	if err != nil {
		t.Fatal(err)
	}
	g, err := got.Run(context.Background(), in, width)
	if err != nil {
		t.Errorf("%v\n%s", err, k)
		return false
	}
	if bytes.Equal(w, g) {
		return true
	}
	at := 0
	for at < min(len(w), len(g)) && w[at] == g[at] {
		at++
	}
	t.Errorf("%d bytes in rows of %d: %d bytes came, %d are right; the first difference is at %d: % x… instead of % x…\n%s", len(in), width, len(g), len(w), at,
		g[at:min(at+8, len(g))], w[at:min(at+8, len(w))], k)
	return false
}
