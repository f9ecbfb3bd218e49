package irtest_test

import (
	"math/rand/v2"
	"testing"

	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/ir/irtest"
)

func TestRandomKernelsAreKernelsAndHaveAllOperations(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[ir.Op]int{}
	frames := 0
	for range 3000 {
		k := irtest.Kernel(r)
		if err := k.Check(); err != nil {
			t.Fatalf("%v\n%s", err, k)
		}
		for _, s := range k.Stages {
			for _, v := range s.Body.Values {
				seen[v.Op]++
			}
		}
		if _, _, ok := irtest.Frame(r, k, 100); ok {
			frames++
		}
	}
	for _, op := range ir.Ops() {
		if seen[op] < 100 {
			t.Errorf("%s occurs %d times", op, seen[op])
		}
	}
	if frames < 2000 {
		t.Errorf("only %d of 3000 kernels have a frame", frames)
	}
}
