package band

import (
	"context"
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/ir"
)

// broken is a pool whose machines are at fault.
type broken struct{}

func (broken) Take(context.Context) (Machine, error) { panic("no machine") }
func (broken) Give(Machine)                          {}

func TestAFaultOfAMachineIsAnErrorOnEveryWorker(t *testing.T) {
	k, err := ir.Parse("kernel \"k\"\nstage word 1 1\n  in u8\n  out u8\n  v0 = in 0 0 0\n  give v0\nend\n")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Run(t.Context(), k, broken{}, Limits{Workers: 4, Band: 1}, nil, make([]byte, 64), 0)
	if err == nil || !strings.Contains(err.Error(), "kernel k: internal error: no machine") {
		t.Errorf("%v", err)
	}
}
