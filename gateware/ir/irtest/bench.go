package irtest

import (
	"context"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/ir"
)

// Known returns the kernels of docs/kernels.md and others by name.
func Known(t testing.TB) map[string]*ir.Kernel {
	t.Helper()
	var entries strings.Builder
	for _, e := range crc32.IEEETable {
		fmt.Fprintf(&entries, " %d", e)
	}
	all := map[string]*ir.Kernel{}
	for _, text := range []string{Gray, FIR, Sobel, fmt.Sprintf(CRC, entries.String())} {
		k, err := ir.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		all[k.Name] = k
	}
	return all
}

// Bench measures an engine on frames of 1920 by 1080 tokens of noise.
func Bench(b *testing.B, open func(ctx context.Context, k *ir.Kernel) (Engine, error)) {
	known := Known(b)
	for _, name := range []string{"gray", "fir", "sobel", "crc"} {
		b.Run(name, func(b *testing.B) {
			ctx := context.Background()
			k := known[name]
			e, err := open(ctx, k)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = e.Close(ctx) }()
			in := fill(rand.New(rand.NewPCG(1, 1)), make([]byte, 1920*1080*k.In().Bytes()))
			for b.Loop() {
				if _, err := e.Run(ctx, in, 1920); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(1920*1080*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mpx/s")
		})
	}
}
