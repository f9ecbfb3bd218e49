package kernels

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/frame"
	"github.com/capodekappa/capo/gateware/js"
	"github.com/capodekappa/capo/gateware/sched"
	"github.com/capodekappa/capo/gateware/verilog"
	"github.com/capodekappa/capo/test/need"
)

// simulated is how many words of a golden go through a simulator at most where all of them would take too long; larger goldens are cut to whole rows, of tiles
// where the kernel takes those.
const simulated = 200

func TestVerilogGivesTheGoldens(t *testing.T) {
	simulate(t, simulated, "dct") // dct is fifty thousand bits of registers
}

func TestVerilogGivesTheGoldensLong(t *testing.T) {
	need.Long(t)
	simulate(t, 1<<20, "")
}

// simulate runs goldens, or the first words of them, through the library's cores in Icarus Verilog.
func simulate(t *testing.T, words int, without string) {
	t.Helper()
	iverilog, vvp := need.Command(t, "iverilog"), need.Command(t, "vvp")
	var text strings.Builder
	var modules []string
	all := goldens(t)
	for file, kernels := range newLibrary(t) {
		for name, k := range kernels {
			if name == without {
				continue
			}
			module := strings.TrimSuffix(file, ".ts") + "_" + name
			c, err := verilog.New(k.IR, verilog.Options{Part: sched.PartOf("up5k"), Module: module})
			if err != nil {
				t.Errorf("%s#%s: %v", file, name, err)
				continue
			}
			var own []Golden
			for _, g := range all {
				if g.File == file && g.Kernel == name {
					own = append(own, g)
				}
			}
			bench, err := c.Bench(benchFrames(t, k, own, words), verilog.BenchOptions{Seed: 11})
			if err != nil {
				t.Fatal(err)
			}
			text.WriteString(c.Text + bench)
			modules = append(modules, module)
		}
	}
	dir := t.TempDir()
	source, program := filepath.Join(dir, "all.v"), filepath.Join(dir, "all.vvp")
	if err := os.WriteFile(source, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	args := []string{"-g2005", "-o", program}
	for _, m := range modules {
		args = append(args, "-s", m+"_tb")
	}
	if out, err := exec.CommandContext(t.Context(), iverilog, append(args, source)...).CombinedOutput(); err != nil {
		t.Fatalf("iverilog: %v\n%.3000s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), vvp, "-n", program).CombinedOutput()
	if err != nil {
		t.Fatalf("vvp: %v\n%.3000s", err, out)
	}
	for _, m := range modules {
		if !strings.Contains(string(out), "PASS "+m+":") {
			t.Errorf("%s does not pass", m)
		}
	}
	if t.Failed() {
		t.Logf("%.3000s", out)
	}
}

// benchFrames are a kernel's goldens for a simulator: the small ones whole, of the large ones the first rows. What the first rows alone give is another
// engine's word, which the goldens have judged.
func benchFrames(t *testing.T, k *js.Kernel, list []Golden, words int) (frames []verilog.Frame) {
	t.Helper()
	e := engines(t, k)["scalar"]
	for _, g := range list {
		in, err := g.Frame(".")
		if err != nil {
			t.Fatal(err)
		}
		token, rows := k.IR.In().Bytes(), 1
		for _, s := range k.IR.Stages {
			rows = max(rows, s.Rows)
		}
		plan, err := frame.New(k.IR, len(in.Words), in.Width)
		if err != nil {
			t.Fatal(err)
		}
		width := plan.Stages[0].In.Width
		if line := width * rows * token; len(in.Words) > words*token && line < len(in.Words) {
			in.Words = in.Words[:max(line, words*token/line*line)]
		} else if len(in.Words) > words*token {
			in.Words, width = in.Words[:words*token], words
		}
		out, err := e.Run(t.Context(), in.Words, width)
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, verilog.Frame{In: in.Words, Out: out, Width: width})
	}
	return frames
}
