package kernels

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/test/need"
)

var update = flag.Bool("update", false, "write testdata and docs/kernels-library.md anew")

// programs names the C program in golden that knows the kernels of a source.
var programs = map[string]string{
	"adpcm.ts": "adpcm", "audio.ts": "audio", "bayer.ts": "bayer", "blend.ts": "blend", "colour.ts": "colour", "convolve.ts": "window", "crc.ts": "crc",
	"dct.ts": "dct", "edges.ts": "window", "rank.ts": "window", "scale.ts": "window", "tone.ts": "tone",
}

// compiled holds the C programs, compiled.
type compiled struct {
	dir string
}

// compile translates the C programs of golden.
func compile(t *testing.T) compiled {
	t.Helper()
	gcc := need.Command(t, "gcc")
	dir := t.TempDir()
	sources, err := filepath.Glob("golden/*.c")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no programs in golden: %v", err)
	}
	for _, source := range sources {
		program := filepath.Join(dir, strings.TrimSuffix(filepath.Base(source), ".c"))
		args := []string{"-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off", "-o", program, source, "-lm"}
		if out, err := exec.CommandContext(t.Context(), gcc, args...).CombinedOutput(); err != nil {
			t.Fatalf("compile %s: %v\n%s", source, err, out)
		}
	}
	return compiled{dir}
}

// run gives what a kernel's definition gives for a frame.
func (c compiled) run(t *testing.T, file, kernel string, in Frame) []byte {
	t.Helper()
	if kernel == "edges" { // a pipe
		in.Words = c.run(t, "colour.ts", "gray", in)
		kernel = "sobel"
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(c.dir, programs[file]), kernel, strconv.Itoa(in.Width))
	cmd.Stdin = bytes.NewReader(in.Words)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("golden/%s.c on %s: %v %s", programs[file], kernel, err, &stderr)
	}
	return out
}

func goldens(t *testing.T) []Golden {
	t.Helper()
	all, err := Goldens(".")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestInputsAreAsDrawn(t *testing.T) {
	for name, want := range inputs() {
		path := filepath.Join("testdata", name)
		if *update {
			if err := WriteFrame(path, want); err != nil {
				t.Fatal(err)
			}
		}
		got, err := ReadFrame(path)
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got.Words, want.Words) || got.Width != want.Width {
			t.Errorf("%s is not as drawn by inputs()", path)
		}
	}
}

func TestGoldensAreWhatTheDefinitionsGive(t *testing.T) {
	c := compile(t)
	for _, g := range goldens(t) {
		in, err := g.Frame(".")
		if err != nil {
			t.Fatal(err)
		}
		want := c.run(t, g.File, g.Kernel, in)
		if *update {
			if err := WriteFrame(g.Out, Frame{outWidth(g, in), want}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := ReadFrame(g.Out)
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got.Words, want) {
			t.Errorf("%s is not what golden/%s.c gives for %s", g.Out, programs[g.File], g.Kernel)
		}
	}
}

func outWidth(g Golden, in Frame) int {
	if g.Kernel == "half" {
		return (in.Width + 1) / 2
	}
	return in.Width
}

func TestTestdataIsSmallAndAllUsed(t *testing.T) {
	used := map[string]bool{}
	for _, g := range goldens(t) {
		used[filepath.Base(g.In)], used[filepath.Base(g.Out)] = true, true
	}
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
		if !used[f.Name()] {
			t.Errorf("testdata/%s is used by no golden", f.Name())
		}
	}
	if total > 400_000 {
		t.Errorf("testdata has %d bytes; at most 400,000 belong into the tree", total)
	}
}
