// Package fuzz makes random kernels as JavaScript source, over all shapes, operators and widths, with frames for them; and runs
// them through all engines, which must give the same bytes as goja.
package fuzz

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/capodekappa/capo/gateware/frame"
	"github.com/capodekappa/capo/gateware/ir"
)

// Size is how large random kernels are.
type Size int

// The sizes.
const (
	Small  Size = iota // a few operations: it fits the smallest part
	Medium             // what the engines in software are tested with
)

// Case is a random kernel as source.
type Case struct {
	Seed   uint64
	Name   string // it is exported under
	Source string // its declarations, without the import; names are its own, so that many fit in a file
}

// Next makes the kernel of a seed: the same one each time.
func Next(seed uint64, size Size) Case {
	g := &generator{r: rand.New(rand.NewPCG(seed, 0xca90)), seed: seed, size: size}
	c := Case{Seed: seed, Name: fmt.Sprintf("k%d", seed)}
	text := g.kernel()
	c.Source = g.declarations.String() + "export const " + c.Name + " = " + text + "\n"
	return c
}

// Prelude stands at the begin of a file with random kernels.
const Prelude = `import { kernel } from 'capo:kernel'
const SINE = Array.from({ length: 64 }, (_, i) => Math.round(2047 * Math.sin(i * Math.PI / 32)))
const POWERS = [1, 2, 4, 8, 16, 32, 64, 128], WIDE = [0, -1, 4503599627370495, -4503599627370496, 65537, -3, 2147483648, 99]
const GRID = [[1, -2, 3, 4], [50, 60, 70, 80], [-900, 1000, 1100, 1200], [7, 7, 7, -70000]]
const FLAGS = [true, false, false, true], PAIRS = [{ a: 3, b: [1, 2] }, { a: -8, b: [30, 40] }, { a: 0, b: [5, -6] }, { a: 100, b: [7, 8] }]
const clamp = (v, lo, hi) => v < lo ? lo : v > hi ? hi : v
function bits(v) { let n = 0; for (let i = 0; i < 8; i++) if (v >> i & 1) n++; return n }
function wrapped(v, { by = 3 } = {}) { if (v < 0) return -1; v = v | 0; return v % by }
const apply = (f, a, b) => f(a, b), { max, min, abs } = Math
`

// File is a source with many kernels.
func File(cases []Case) string {
	var b strings.Builder
	b.WriteString(Prelude)
	for _, c := range cases {
		b.WriteString(c.Source)
	}
	return b.String()
}

// Frame is one call's input.
type Frame struct {
	In    []byte
	Width int
}

// Frames makes calls for a kernel: a single token where it takes one, a row, a prime width, and less than its window; of noise
// and of extreme words.
func Frames(seed uint64, k *ir.Kernel) []Frame {
	r := rand.New(rand.NewPCG(seed, 0xf3a))
	var list []Frame
	wide := []int{5, 7, 17, 31, 67}[r.IntN(5)]
	for _, size := range [][2]int{{1, 1}, {1, wide}, {3, 5}, {2 + r.IntN(3), 1 + r.IntN(13)}} {
		if f, ok := fitting(r, k, size[0], size[1]); ok {
			list = append(list, f)
		}
	}
	if r.IntN(64) == 0 {
		if f, ok := fitting(r, k, 1+r.IntN(2), 509+r.IntN(60)); ok {
			list = append(list, f)
		}
	}
	return list
}

// fitting is a frame of about a size that a kernel takes.
func fitting(r *rand.Rand, k *ir.Kernel, rows, width int) (Frame, bool) {
	for _, s := range k.Stages {
		if s.Shape == ir.BlockShape { // whole tiles
			rows, width = max(rows/s.Rows, 1)*s.Rows, max(width/s.Cols, 1)*s.Cols
		}
		if s.MaxWidth > 0 {
			width = min(width, s.MaxWidth)
		}
	}
	in := make([]byte, rows*width*k.In().Bytes())
	if _, err := frame.New(k, len(in), width); err != nil {
		return Frame{}, false
	}
	extreme := r.IntN(3) == 0
	for i := range in {
		in[i] = byte(r.Uint32())
		if extreme {
			in[i] = []byte{0, 0xff, 0x7f, 0x80}[r.IntN(4)]
		}
	}
	return Frame{in, width}, true
}
