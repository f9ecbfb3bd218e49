package fuzz_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/capodekappa/capo/gateware/fuzz"
	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/sched"
	"github.com/capodekappa/capo/gateware/verilog"
	"github.com/capodekappa/capo/test/need"
)

// simulated is how many random kernels become circuits at least. A few more are made: some have only frames that are too long to simulate.
const simulated, spare = 100, 8

// circuits makes circuits of kernels, with benches of what another engine gives.
type circuits struct {
	mu   sync.Mutex // guards the rest
	text strings.Builder
	tops []string
	of   map[string]string // the kernel of each
	errs []error
}

// engine hands a kernel to an engine that fuzz compares with goja, and keeps it.
func (c *circuits) engine(e fuzz.Engine) fuzz.Engine {
	return fuzz.Engine{Name: e.Name, Open: func(ctx context.Context, seed uint64, k *ir.Kernel) (fuzz.Runner, func(), error) {
		run, done, err := e.Open(ctx, seed, k)
		if err == nil {
			if err := c.add(ctx, seed, k, run); err != nil {
				c.mu.Lock()
				c.errs = append(c.errs, fmt.Errorf("seed %d: %w", seed, err))
				c.mu.Unlock()
			}
		}
		return run, done, err
	}}
}

func (c *circuits) add(ctx context.Context, seed uint64, k *ir.Kernel, run fuzz.Runner) error {
	part := sched.PartOf([]string{"up5k", "hx8k", "ecp5", "xc7z020"}[seed%4])
	core, err := verilog.New(k, verilog.Options{Part: part, Period: []float64{0, part.Period / 3, 200}[seed%3], Module: fmt.Sprintf("k%d", seed)})
	if err != nil {
		return err
	}
	var frames []verilog.Frame
	for _, f := range fuzz.Frames(seed, k) {
		out, err := run.Run(ctx, f.In, f.Width)
		if err != nil {
			return err
		}
		tokens := len(f.In) / k.In().Bytes()
		width := f.Width
		if width == 0 && k.Stages[0].Shape == ir.BlockShape {
			width = k.Stages[0].Cols
		} else if width == 0 {
			width = tokens
		}
		if tokens > 0 && tokens < 600 {
			frames = append(frames, verilog.Frame{In: f.In, Out: out, Width: width})
		}
	}
	if len(frames) == 0 {
		return nil
	}
	bench, err := core.Bench(frames, verilog.BenchOptions{Seed: uint32(seed)})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text.WriteString(core.Text + bench)
	c.tops = append(c.tops, core.Module)
	c.of[core.Module] = k.String()
	return nil
}

func TestRandomKernelsMeanTheSameAsCircuits(t *testing.T) {
	iverilog, vvp := need.Command(t, "iverilog"), need.Command(t, "vvp")
	c := &circuits{of: map[string]string{}}
	tally, err := fuzz.Run(t.Context(), 1_000_000, simulated+spare, fuzz.Medium, []fuzz.Engine{c.engine(fuzz.Engines()[0])})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range c.errs {
		t.Error(err)
	}
	dir := t.TempDir()
	source, program := filepath.Join(dir, "all.v"), filepath.Join(dir, "all.vvp")
	if err := os.WriteFile(source, []byte(c.text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"-g2005", "-o", program}
	for _, top := range c.tops {
		args = append(args, "-s", top+"_tb")
	}
	if out, err := exec.Command(iverilog, append(args, source)...).CombinedOutput(); err != nil {
		t.Fatalf("iverilog: %v\n%.2000s", err, out)
	}
	out, err := exec.Command(vvp, "-n", program).CombinedOutput()
	if err != nil {
		t.Fatalf("vvp: %v\n%.2000s", err, out)
	}
	passed := 0
	for _, top := range c.tops {
		if strings.Contains(string(out), "PASS "+top+":") {
			passed++
		} else if len(c.tops)-passed < 4 {
			t.Errorf("%s does not pass:\n%s", top, c.of[top])
		}
	}
	t.Logf("%d circuits pass of %d; %s", passed, len(c.tops), tally)
	if passed < simulated || passed != len(c.tops) {
		t.Errorf("%d circuits pass of %d:\n%.2000s", passed, len(c.tops), out)
	}
}
