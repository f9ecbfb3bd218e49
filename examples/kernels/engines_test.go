package kernels

import (
	"bytes"
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/capodekappa/capo/gateware/batch"
	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/js"
	"github.com/capodekappa/capo/gateware/ref"
	"github.com/capodekappa/capo/gateware/scalar"
	"github.com/capodekappa/capo/gateware/soft"
	"github.com/capodekappa/capo/gateware/wasm"
)

// engine runs frames through a kernel.
type engine interface {
	Run(ctx context.Context, in []byte, width int) ([]byte, error)
}

// engines makes every engine of a kernel that needs no other program.
func engines(t *testing.T, k *js.Kernel) map[string]engine {
	t.Helper()
	all := map[string]engine{}
	add := func(name string, e engine, err error) {
		if err != nil {
			t.Fatalf("%s: %s: %v", name, k.Name, err)
		}
		all[name] = e
	}
	s, err := scalar.New(t.Context(), k.IR)
	add("scalar", s, err)
	r, err := ref.New(t.Context(), k)
	add("goja", r, err)
	b, err := batch.New(t.Context(), k.IR)
	add("batch", b, err)
	for name, options := range map[string][]wasm.Option{"wasm": {wasm.Scalar()}, "wasm-simd": nil, "wasm, interpreted": {wasm.Scalar(), wasm.Interpreter()}} {
		w, err := wasm.New(t.Context(), k.IR, options...)
		add(name, w, err)
		if err == nil {
			t.Cleanup(func() { w.Close(context.WithoutCancel(t.Context())) })
		}
	}
	return all
}

// newLibrary compiles the library.
func newLibrary(t *testing.T) library {
	t.Helper()
	files, err := filepath.Glob("*.ts")
	if err != nil {
		t.Fatal(err)
	}
	all := library{}
	for _, file := range files {
		list, err := js.Compile(t.Context(), file, js.Options{})
		if err != nil {
			t.Fatal(err)
		}
		all[file] = map[string]*js.Kernel{}
		for _, k := range list {
			all[file][k.Name] = k
		}
	}
	return all
}

// library is all kernels, by source and name.
type library map[string]map[string]*js.Kernel

// run calls a kernel on the engine that jobs get.
func (l library) run(t *testing.T, file, kernel string, in Frame) []byte {
	t.Helper()
	k := l[file][kernel]
	if k == nil {
		t.Fatalf("%s exports no kernel %s", file, kernel)
	}
	e, err := soft.New(t.Context(), k.IR)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(t.Context())
	out, err := e.Run(t.Context(), in.Words, in.Width)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEveryEngineGivesTheGoldens(t *testing.T) {
	lib := newLibrary(t)
	made := map[*js.Kernel]map[string]engine{}
	for _, g := range goldens(t) {
		k := lib[g.File][g.Kernel]
		if k == nil {
			t.Fatalf("%s exports no kernel %s", g.File, g.Kernel)
		}
		if made[k] == nil {
			made[k] = engines(t, k)
		}
		in, err := g.Frame(".")
		if err != nil {
			t.Fatal(err)
		}
		want, err := ReadFrame(g.Out)
		if err != nil {
			t.Fatal(err)
		}
		for name, e := range made[k] {
			got, err := e.Run(t.Context(), in.Words, in.Width)
			if err != nil {
				t.Errorf("%s: %s of %s: %v", name, g.Kernel, g.In, err)
			} else if at := firstDifference(got, want.Words); at >= 0 {
				t.Errorf("%s: %s of %s differs from %s at byte %d (%d bytes, wanted %d)", name, g.Kernel, g.In, g.Out, at, len(got), len(want.Words))
			}
		}
	}
	for file, kernels := range lib {
		for name, k := range kernels {
			if made[k] == nil {
				t.Errorf("%s#%s has no golden", file, name)
			}
		}
	}
}

// firstDifference is where two byte sequences begin to differ, -1 if nowhere.
func firstDifference(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// The C programs say what is right for any frame, so noise of awkward sizes goes through them as well.
func TestEveryEngineGivesWhatTheDefinitionsGiveForNoise(t *testing.T) {
	c, noise := compile(t), rand.New(rand.NewPCG(7, 7))
	for file, kernels := range newLibrary(t) {
		for name, k := range kernels {
			made := engines(t, k)
			for _, size := range [][2]int{{1, 1}, {1, 19}, {53, 1}, {13, 11}} {
				in := noiseFor(noise, k.IR, size)
				want := c.run(t, file, name, in)
				for engine, e := range made {
					got, err := e.Run(t.Context(), in.Words, in.Width)
					if err != nil {
						t.Errorf("%s: %s of %v: %v", engine, name, size, err)
					} else if at := firstDifference(got, want); at >= 0 {
						t.Errorf("%s: %s of %v differs from golden/%s.c at byte %d", engine, name, size, programs[file], at)
					}
				}
			}
		}
	}
}

// noiseFor is a frame of about that size which fits a kernel: of whole tiles where it works on tiles.
func noiseFor(noise *rand.Rand, k *ir.Kernel, size [2]int) Frame {
	width, rows := size[0], size[1]
	switch k.Name {
	case "dct":
		width, rows = 8*(width%4+1), 8*(rows%4+1)
	case "dctRows", "dctColumns", "quantise", "jpeg":
		width, rows = 8, 8*rows
	}
	bytes := k.In().Bytes()
	f := Frame{width, harsh(noise, width*rows*bytes)}
	if k.Name == "dctColumns" || k.Name == "quantise" { // the C programs read 16 bits
		for i := 1; i < len(f.Words); i += 2 {
			f.Words[i] = byte(int8(f.Words[i]) >> 4)
		}
	}
	return f
}
