package synth_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/synth"
	"github.com/capodekappa/capo/gateware/synth/part"
)

// TestAKernelFarTooLargeIsRefusedWithoutTools has 400 taps, each multiplied by another number.
func TestAKernelFarTooLargeIsRefusedWithoutTools(t *testing.T) {
	var b strings.Builder
	b.WriteString("kernel \"long\"\nstage taps 1 400\n  in i16\n  out i32\n")
	sum, n := "", 0
	value := func(format string, args ...any) string {
		fmt.Fprintf(&b, "  v%d = %s\n", n, fmt.Sprintf(format, args...))
		n++
		return fmt.Sprintf("v%d", n-1)
	}
	for tap := range 400 {
		x := value("in 0 0 %d", tap)
		p := value("mul %s %s", x, value("const %d", 2*tap+3))
		if sum == "" {
			sum = p
			continue
		}
		sum = value("add %s %s", sum, p)
	}
	fmt.Fprintf(&b, "  give %s\nend\n", value("wraps %s 32", sum))
	k, err := ir.Parse(b.String())
	if err != nil {
		t.Fatal(err)
	}
	p, err := part.Load("ice40up5k")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	_, err = synth.Kernel(t.Context(), k, p, synth.Options{})
	var large *synth.TooLarge
	if !errors.As(err, &large) || large.Needs < 6600 || large.Has != 5280 || !strings.Contains(err.Error(), "kernel long: ") {
		t.Fatalf("%v", err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}
