package verilog

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/scalar"
	"github.com/capodekappa/capo/gateware/sched"
	"github.com/capodekappa/capo/test/need"
)

// simulation collects cores and benches that run in one process.
type simulation struct {
	t     testing.TB
	text  strings.Builder
	tops  []string
	about map[string]string
}

func newSimulation(t testing.TB) *simulation {
	need.Command(t, "iverilog")
	need.Command(t, "vvp")
	return &simulation{t: t, about: map[string]string{}}
}

// add makes a core of a kernel and a bench of random frames of these widths and rows.
func (s *simulation) add(k *ir.Kernel, part sched.Part, period float64, sizes [][2]int) *Core {
	s.t.Helper()
	c, err := New(k, Options{Part: part, Period: period, Module: fmt.Sprintf("k%d", len(s.tops))})
	if err != nil {
		s.t.Fatalf("%v\n%s", err, k)
	}
	frames := random(s.t, k, sizes, uint64(len(s.tops)))
	bench, err := c.Bench(frames, BenchOptions{Seed: uint32(len(s.tops))*7919 + 3})
	if err != nil {
		s.t.Fatal(err)
	}
	s.text.WriteString(c.Text + bench)
	s.tops = append(s.tops, c.Module)
	s.about[c.Module] = fmt.Sprintf("%v %v ns %v\n%s", part, period, sizes, k)
	return c
}

func random(t testing.TB, k *ir.Kernel, sizes [][2]int, seed uint64) (frames []Frame) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 5))
	e, err := scalar.New(context.Background(), k)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range sizes {
		in := make([]byte, size[0]*size[1]*k.In().Bytes())
		for i := range in {
			in[i] = byte(r.Uint32())
			if r.IntN(4) == 0 {
				in[i] = []byte{0, 255, 128, 127}[r.IntN(4)]
			}
		}
		out, err := e.Run(context.Background(), in, size[0])
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, Frame{In: in, Out: out, Width: size[0]})
	}
	return frames
}

// run simulates and reports every core that does not pass.
func (s *simulation) run() {
	s.t.Helper()
	dir := s.t.TempDir()
	if keep := os.Getenv("KEEP_VERILOG"); keep != "" {
		dir = keep
	}
	source := filepath.Join(dir, "all.v")
	if err := os.WriteFile(source, []byte(s.text.String()), 0o644); err != nil {
		s.t.Fatal(err)
	}
	args := []string{"-g2005", "-o", filepath.Join(dir, "all.vvp")}
	for _, top := range s.tops {
		args = append(args, "-s", top+"_tb")
	}
	if out, err := exec.Command("iverilog", append(args, source)...).CombinedOutput(); err != nil {
		s.t.Fatalf("iverilog: %v\n%.3000s", err, out)
	}
	out, err := exec.Command("vvp", "-n", filepath.Join(dir, "all.vvp")).CombinedOutput()
	if err != nil {
		s.t.Fatalf("vvp: %v\n%.3000s", err, out)
	}
	shown := 0
	for _, top := range s.tops {
		if !strings.Contains(string(out), "PASS "+top+":") && shown < 3 {
			shown++
			s.t.Errorf("%s does not pass: %s\n", top, s.about[top])
		}
	}
	if shown > 0 {
		s.t.Errorf("%.3000s", out)
	}
}

func parse(t testing.TB, text string) *ir.Kernel {
	t.Helper()
	k, err := ir.Parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return k
}

func TestWordKernel(t *testing.T) {
	s := newSimulation(t)
	k := parse(t, gray)
	for _, period := range []float64{0, 8, 100} {
		c := s.add(k, sched.PartOf("up5k"), period, [][2]int{{7, 3}, {1, 1}, {50, 1}})
		if os.Getenv("SHOW") != "" {
			fmt.Println(c.Text)
		}
	}
	s.run()
}

func TestTheSameKernelGivesTheSameText(t *testing.T) {
	text := ""
	for range 5 {
		c, err := New(parse(t, window(3, 5, 2, 2, "mirror", 64, "x y")), Options{Part: sched.PartOf("up5k")})
		if err != nil {
			t.Fatal(err)
		}
		if text != "" && c.Text != text {
			t.Fatal("a second time it is another text")
		}
		text = c.Text
	}
}

const gray = `kernel "gray"
stage word 1 1
  in {"r": u8, "g": u8, "b": u8}
  out u8
  v0 = in 0 0 0
  v1 = in 1 0 0
  v2 = in 2 0 0
  v3 = const 77
  v4 = mul v0 v3
  v5 = const 150
  v6 = mul v1 v5
  v7 = add v4 v6
  v8 = const 29
  v9 = mul v2 v8
  v10 = add v7 v9
  v11 = const 128
  v12 = add v10 v11
  v13 = const 8
  v14 = shr v12 v13
  give v14
end
`
