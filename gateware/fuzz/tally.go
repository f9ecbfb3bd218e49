package fuzz

import (
	"fmt"
	"slices"
	"strings"

	"github.com/capodekappa/capo/gateware/ir"
)

// Shapes are the columns of a tally: the shapes of stages, and what a stage may have besides.
var shapes = [...]string{"word", "taps", "window", "hop", "fold", "block", "pipe", "table"}

// classes are the widths of values: the widest of a value and its operands.
var classes = [...]int{8, 16, 32, 64}

// cell is an operation of a width in a shape.
type cell struct {
	op    ir.Op
	class int // of classes
	shape int // of shapes
}

// Tally counts what was compared.
type Tally struct {
	Kernels int
	Frames  map[string]int // by engine
	values  map[cell]int
}

func (t *Tally) add(o *Tally) {
	t.Kernels += o.Kernels
	for name, n := range o.Frames {
		t.ran(name, n)
	}
	for c, n := range o.values {
		t.count(c, n)
	}
}

func (t *Tally) ran(engine string, frames int) {
	if t.Frames == nil {
		t.Frames = map[string]int{}
	}
	t.Frames[engine] += frames
}

func (t *Tally) count(c cell, n int) {
	if t.values == nil {
		t.values = map[cell]int{}
	}
	t.values[c] += n
}

// kernel counts a kernel's operations.
func (t *Tally) kernel(k *ir.Kernel) {
	t.Kernels++
	for _, s := range k.Stages {
		at := []int{slices.Index(shapes[:], s.Shape.String())}
		for name, is := range map[string]bool{"hop": s.HopRows*s.HopCols > 1, "pipe": len(k.Stages) > 1, "table": len(s.Body.Tables) > 0} {
			if is {
				at = append(at, slices.Index(shapes[:], name))
			}
		}
		for i := range s.Body.Values {
			v := &s.Body.Values[i]
			for _, shape := range at {
				t.count(cell{v.Op, class(s.Body, v), shape}, 1)
			}
		}
	}
}

// class is the width of the widest of a value and its operands.
func class(f *ir.Func, v *ir.Value) int {
	bits, _ := v.Bits()
	for _, a := range v.Operands() {
		b, _ := f.Values[a].Bits()
		bits = max(bits, b)
	}
	for i, c := range classes {
		if bits <= c {
			return i
		}
	}
	return len(classes) - 1
}

// possible tells whether JavaScript can lead to an operation of a width in a shape: its bit operators take 32 bits, words have
// at most 32, and positions are what they are.
func possible(c cell) bool {
	wide, shape := classes[c.class] > 32, shapes[c.shape]
	taps, fold, window := shape == "taps", shape == "fold", shape == "word" || shape == "window" || shape == "block"
	switch c.op {
	case ir.In, ir.Or, ir.Xor, ir.Shr, ir.Clz:
		return !wide
	case ir.State:
		return !wide && !taps && !window && shape != "hop"
	case ir.X:
		return classes[c.class] == 16 && (shape == "word" || shape == "window") || classes[c.class] == 8 && shape == "block"
	case ir.Y:
		return classes[c.class] == 32 && window
	case ir.I:
		return classes[c.class] == 32 && (taps || fold)
	}
	return true
}

// Missing lists what was possible and did not occur.
func (t *Tally) Missing() []string {
	var list []string
	for _, op := range ir.Ops() {
		for class := range classes {
			for shape := range shapes {
				if c := (cell{op, class, shape}); possible(c) && t.values[c] == 0 {
					list = append(list, fmt.Sprintf("%s of %d bits in a %s", op, classes[class], shapes[shape]))
				}
			}
		}
	}
	return list
}

// String is the table of operator × width class × shape.
func (t *Tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d kernels; frames by engine %v\n%-10s", t.Kernels, t.Frames, "bits "+strings.Trim(fmt.Sprint(classes), "[]"))
	for _, s := range shapes {
		fmt.Fprintf(&b, " %27s", s)
	}
	for _, op := range ir.Ops() {
		fmt.Fprintf(&b, "\n%-10s", op)
		for shape := range shapes {
			var parts []string
			for class := range classes {
				c := cell{op, class, shape}
				text := fmt.Sprint(t.values[c])
				if t.values[c] == 0 && !possible(c) {
					text = "-"
				}
				parts = append(parts, text)
			}
			fmt.Fprintf(&b, " %27s", strings.Join(parts, "/"))
		}
	}
	return b.String()
}
