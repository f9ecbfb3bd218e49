package verilog

import (
	"testing"

	"github.com/capodekappa/capo/gateware/sched"
	"github.com/capodekappa/capo/gateware/verilog/hand"
	"github.com/capodekappa/capo/test/need"
)

// pair is a kernel's text and the pipeline that an engineer writes for it.
type pair struct {
	kernel string
	hand.Pipeline
}

func pairs(t *testing.T) []pair {
	t.Helper()
	all, err := hand.Pipelines()
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"gray": gray, "fir": fir, "sobel": sobel(64)}
	var out []pair
	for _, p := range all {
		out = append(out, pair{texts[p.Name], p})
	}
	return out
}

// TestHandWrittenPipelinesAreTheKernels holds what the cores are measured against to the same bytes.
func TestHandWrittenPipelinesAreTheKernels(t *testing.T) {
	s := newSimulation(t)
	for _, p := range pairs(t) {
		k := parse(t, p.kernel)
		core := &Core{Kernel: k, Module: p.Module, InBits: p.In, OutBits: p.Out, Width: p.Width}
		bench, err := core.Bench(random(t, k, anySizes, 3), BenchOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s.text.WriteString(p.Text)
		s.text.WriteString(bench)
		s.tops = append(s.tops, p.Module)
		s.add(k, sched.PartOf("up5k"), 0, anySizes)
	}
	s.run()
}

// measure builds a pipeline in its harness.
func measure(t *testing.T, p hand.Pipeline) hand.Cost {
	t.Helper()
	c, err := p.Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCellsAgainstHandWritten builds each kernel for the hand-written pipeline's frequency, and for 48 MHz; each may be planned
// for more than that.
func TestCellsAgainstHandWritten(t *testing.T) {
	need.Command(t, "yosys")
	need.Command(t, "nextpnr-ice40")
	for _, p := range pairs(t) {
		byHand := measure(t, p.Pipeline)
		build := func(mhz float64) (got hand.Cost) {
			for _, more := range []float64{1.12, 1.3, 1.5} {
				c, err := New(parse(t, p.kernel), Options{Part: sched.PartOf("up5k"), Period: 1000 / mhz / more})
				if err != nil {
					t.Fatal(err)
				}
				generated := p.Pipeline
				generated.Text, generated.Module = c.Text, c.Module
				if got = measure(t, generated); got.MHz >= mhz {
					break
				}
			}
			return got
		}
		same, fast := build(byHand.MHz), build(48)
		ratio := func(c hand.Cost) float64 { return float64(c.Cells) / float64(byHand.Cells) }
		t.Logf("%s: by hand %d cells at %.1f MHz; for that frequency %d at %.1f (%.2f); for 48 MHz %d at %.1f (%.2f)", p.Name,
			byHand.Cells, byHand.MHz, same.Cells, same.MHz, ratio(same), fast.Cells, fast.MHz, ratio(fast))
		if same.MHz < byHand.MHz || ratio(same) > 1.1 {
			t.Errorf("%s at %.1f MHz is not as small and fast as by hand", p.Name, byHand.MHz)
		}
		if fast.MHz < 48 || ratio(fast) > 1.35 {
			t.Errorf("%s for 48 MHz is too large or too slow", p.Name)
		}
	}
}
