package synth_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/ir/irtest"
	"github.com/capodekappa/capo/gateware/js"
	"github.com/capodekappa/capo/gateware/scalar"
	"github.com/capodekappa/capo/gateware/sched"
	"github.com/capodekappa/capo/gateware/synth"
	"github.com/capodekappa/capo/gateware/synth/artefact"
	"github.com/capodekappa/capo/gateware/synth/proof"
	"github.com/capodekappa/capo/gateware/synth/spi"
	"github.com/capodekappa/capo/gateware/synth/toolchain"
	"github.com/capodekappa/capo/gateware/verilog"
	"github.com/capodekappa/capo/test/need"
)

// shapes are kernels of every shape that the wrapper has to do with.
const shapes = `import { kernel } from 'capo:kernel'
export const gray = kernel({ in: { r: 'u8', g: 'u8', b: 'u8' }, out: 'u8' }, ({ r, g, b }) => (77 * r + 150 * g + 29 * b + 128) >> 8)
export const wide = kernel({ in: 'u8', out: 'u32' }, x => x * x * x)
export const place = kernel({ in: 'u8', out: 'u16' }, (v, { x, y }) => v + 3 * x + 7 * y)
export const fir = kernel({ in: 'i16', taps: 5, out: 'i16' }, t => { let s = 0; for (let i = 0; i < 5; i++) s += t[i] * [1, 4, 6, 4, 1][i]; return s >> 4 })
export const every = kernel({ in: 'u8', taps: 3, hop: 3, out: 'u8' }, t => (t[0] + t[1] + t[2]) & 255)
export const sobel = kernel({ in: 'u8', window: [3, 3], maxWidth: 64, out: 'u8c' }, w => {
  const gx = w[0][2] + 2*w[1][2] + w[2][2] - w[0][0] - 2*w[1][0] - w[2][0]
  const gy = w[2][0] + 2*w[2][1] + w[2][2] - w[0][0] - 2*w[0][1] - w[0][2]
  return Math.abs(gx) + Math.abs(gy) })
export const half = kernel({ in: 'u8', window: [3, 3], maxWidth: 64, hop: [2, 2], edge: 'mirror', out: 'u8' }, w => (w[0][0] + w[1][1] + w[2][2]) >> 2)
export const sum = kernel({ in: 'u8', state: 'u32', init: 0, out: 'u32', emit: 'last' }, (s, x) => { const n = s + x; return { state: n, out: n } })
export const count = kernel({ in: 'u8', state: 'u8', init: 0, out: 'u8' }, (s, x) => { const n = (s + x) & 255; return { state: n, out: n } })
export const turn = kernel({ in: 'u8', block: [2, 2], maxWidth: 32, out: 'u8' }, b => [[b[1][0], b[0][0]], [b[1][1], b[0][1]]])
export const pair = kernel({ in: 'u8', block: [1, 4], out: ['u8', 2] }, b => [b[0][0] ^ b[0][1], b[0][2] ^ b[0][3]])
const next = kernel({ in: 'u8', out: 'u8' }, x => (x * 3 + 1) & 255)
export const deep = next.pipe(next).pipe(next).pipe(next).pipe(next).pipe(next).pipe(next).pipe(next).pipe(next).pipe(next)
export const quotient = kernel({ in: 'i32', out: 'i32' }, x => Math.floor(x / 7) * 3)
export const edges = gray.pipe(sobel)
export const total = half.pipe(sum)
export const soft = sobel.pipe(half).pipe(count)
`

func compiled(t testing.TB, name, source string) []*ir.Kernel {
	t.Helper()
	kernels, err := js.CompileSource(t.Context(), name, source, js.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var all []*ir.Kernel
	for _, k := range kernels {
		all = append(all, k.IR)
	}
	return all
}

// want is what a kernel must give, by the plain engine.
func want(t testing.TB, k *ir.Kernel, in []byte, width int) []byte {
	t.Helper()
	e, err := scalar.New(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Run(t.Context(), in, width)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// sizes are frames that fit a kernel.
func sizes(k *ir.Kernel) [][2]int {
	if s := k.Stages[0]; s.Shape == ir.BlockShape {
		return [][2]int{{s.Cols, s.Rows}, {s.Cols, 5 * s.Rows}, {s.MaxWidth, 3 * s.Rows}}
	}
	return [][2]int{{1, 1}, {1, 6}, {17, 1}, {5, 3}, {32, 7}}
}

func TestGeneratedCoresGiveTheirBytesBehindTheWrapper(t *testing.T) {
	need.Command(t, "iverilog")
	framings := map[spi.Framing]bool{}
	for _, k := range compiled(t, "shapes.ts", shapes) {
		v, err := verilog.New(k, verilog.Options{Part: sched.PartOf("ice40up5k")})
		if err != nil {
			t.Fatal(err)
		}
		core := synth.CoreOf(v)
		top, err := spi.Wrap(core)
		if err != nil {
			t.Fatal(err)
		}
		link, err := core.Link()
		if err != nil {
			t.Fatal(err)
		}
		framings[link.Framing] = true
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			d := &proof.Design{Module: spi.Top, Verilog: []string{top, core.Verilog}}
			for _, size := range sizes(k) {
				in := noise(5, size[0]*size[1]*core.InBytes)
				got, err := proof.Frame(t.Context(), d, link, in, size[0])
				if err != nil {
					t.Errorf("%d by %d: %v", size[0], size[1], err)
					continue
				}
				if w := want(t, k, in, size[0]); !bytes.Equal(got, w) {
					t.Errorf("%s, %d by %d:\ngot  %x\nwant %x", link.Framing, size[0], size[1], got, w)
				}
			}
		})
	}
	if len(framings) != 3 {
		t.Errorf("framings: %v", framings)
	}
}

func TestAKernelBecomesABitstreamThatGivesItsBytes(t *testing.T) {
	need.Command(t, "iverilog")
	tc := tools(t, toolchain.Native)
	p := load(t, "ice40up5k")
	for _, k := range compiled(t, "shapes.ts", shapes) {
		if k.Name != "gray" && k.Name != "sobel" && k.Name != "half" {
			continue
		}
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			made, err := synth.Kernel(t.Context(), k, p, synth.Options{Tools: tc})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d cells, %d BRAMs, latency %d, %s", made.Result.Report.Cells, made.Result.Report.BRAMs, made.Core.Latency, made.Result.Report.Timing())
			in := noise(9, 13*7*made.Core.InBytes)
			file, err := made.File([]artefact.Vector{{Width: 13, In: in, Out: want(t, k, in, 13)}})
			if err != nil {
				t.Fatal(err)
			}
			name, err := file.Save(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if got := filepath.Base(name); got != fmt.Sprintf("%s.ice40up5k-sg48.kernel", k.Name) || file.Manifest.Kernel != k.Digest() {
				t.Errorf("%s is of kernel %s, not %s", got, file.Manifest.Kernel, k.Digest())
			}
			if err := synth.Prove(t.Context(), file); err != nil {
				t.Error(err)
			}
			file.Manifest.Golden[0].Out[3] ^= 1
			if err := synth.Prove(t.Context(), file); err == nil {
				t.Error("a wrong answer is taken")
			}
		})
	}
}

// TestRandomKernelsBecomeBitstreams takes kernels of any shape through all tools; those that are too large are passed over.
func TestRandomKernelsBecomeBitstreams(t *testing.T) {
	need.Command(t, "iverilog")
	tc, p := tools(t, toolchain.Native), load(t, "ice40up5k")
	const kernels = 3
	r := rand.New(rand.NewPCG(5, 48))
	for built, tried := 0, 0; built < kernels; tried++ {
		if tried == 30 {
			t.Fatalf("only %d of %d random kernels fit", built, tried)
		}
		k := irtest.Kernel(r)
		in, width, ok := irtest.Frame(r, k, 40)
		if !ok || len(in) == 0 || len(in) > 600 || len(k.String()) > 3000 {
			continue
		}
		made, err := synth.Kernel(t.Context(), k, p, synth.Options{Tools: tc, Seeds: 1, MHz: 12})
		var large *synth.TooLarge
		if errors.As(err, &large) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		file, err := made.File(nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := artefact.Encode(file); err != nil {
			t.Fatal(err)
		}
		got, err := synth.Run(t.Context(), file, in, width)
		if err != nil {
			t.Fatal(err)
		}
		if w := want(t, k, in, width); !bytes.Equal(got, w) {
			t.Errorf("width %d:\ngot  %x\nwant %x\n%s", width, got, w, k)
		}
		t.Logf("%v of %d stages: %d cells, %d BRAMs, %d bytes out", k.Stages[0].Shape, len(k.Stages), made.Result.Report.Cells, made.Result.Report.BRAMs, len(got))
		built++
	}
}

func TestRandomKernelsGiveTheirBytesBehindTheWrapper(t *testing.T) {
	need.Command(t, "iverilog")
	const kernels = 20
	r := rand.New(rand.NewPCG(2026, 5))
	framings := map[spi.Framing]int{}
	for n := 0; n < kernels; {
		k := irtest.Kernel(r)
		in, width, ok := irtest.Frame(r, k, 30)
		if !ok || len(in) == 0 || len(in) > 500 || len(k.String()) > 20000 {
			continue
		}
		n++
		v, err := verilog.New(k, verilog.Options{Part: sched.PartOf("ice40up5k")})
		if err != nil {
			t.Fatal(err)
		}
		core := synth.CoreOf(v)
		top, err := spi.Wrap(core)
		if err != nil {
			t.Fatal(err)
		}
		link, err := core.Link()
		if err != nil {
			t.Fatal(err)
		}
		framings[link.Framing]++
		got, err := proof.Frame(t.Context(), &proof.Design{Module: spi.Top, Verilog: []string{top, core.Verilog}}, link, in, width)
		if err != nil {
			t.Errorf("%s, %d bytes, width %d: %v\n%s", link.Framing, len(in), width, err, k)
			continue
		}
		if w := want(t, k, in, width); !bytes.Equal(got, w) {
			t.Errorf("%s, %d bytes, width %d:\ngot  %x\nwant %x\n%s", link.Framing, len(in), width, got, w, k)
		}
	}
	t.Log(framings)
}
