package fuzz_test

import (
	"testing"
	"time"

	"github.com/capodekappa/capo/gateware/fuzz"
)

func TestRandomKernelsMeanTheSameInEveryEngine(t *testing.T) {
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
