package verilog

import (
	"math/rand/v2"
	"testing"

	"github.com/capodekappa/capo/gateware/frame"
	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/ir/irtest"
	"github.com/capodekappa/capo/gateware/sched"
)

// TestRandomKernels runs random kernels of all shapes, piped too, in one simulation.
func TestRandomKernels(t *testing.T) {
	s := newSimulation(t)
	r := rand.New(rand.NewPCG(3, 4))
	shapes := map[ir.Shape]int{}
	for i := range 100 {
		k := irtest.Kernel(r)
		sizes := sizesFor(k, r)
		if len(sizes) == 0 || wires(k) > 3000 {
			continue
		}
		for _, st := range k.Stages {
			shapes[st.Shape]++
		}
		part := sched.PartOf([]string{"up5k", "hx8k", "ecp5", "xc7z020"}[i%4])
		s.add(k, part, []float64{0, part.Period / 3, 100}[i%3], sizes)
	}
	s.run()
	t.Logf("%d kernels, stages by shape %v", len(s.tops), shapes)
	for shape := ir.WordShape; shape <= ir.BlockShape; shape++ {
		if shapes[shape] == 0 {
			t.Errorf("no random kernel has a stage of shape %s", shape)
		}
	}
}

// wires is a measure of what a simulation of a kernel costs.
func wires(k *ir.Kernel) (n int) {
	for _, s := range k.Stages {
		n += len(s.Body.Values) + s.Rows*s.Cols*len(s.In.Leaves())
	}
	return n
}

// sizesFor are sizes of frames that a kernel takes.
func sizesFor(k *ir.Kernel, r *rand.Rand) (sizes [][2]int) {
	first := k.Stages[0]
	c, rows := 1, 1
	if first.Shape == ir.BlockShape {
		c, rows = first.Cols, first.Rows
	}
	for _, w := range []int{1, 7, 2, 3, 13} {
		h := 1 + r.IntN(5)
		if plan, err := frame.New(k, w*c*h*rows*k.In().Bytes(), w*c); err == nil && plan.OutBytes < 4000 && w*c*h*rows < 600 {
			sizes = append(sizes, [2]int{w * c, h * rows})
		}
	}
	return sizes
}
