package verilog

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/sched"
	"github.com/capodekappa/capo/test/need"
)

// TestVerilatorTakesEveryShape reads a core of each kind with all warnings but those of widths, and runs the longest pipe's bench.
func TestVerilatorTakesEveryShape(t *testing.T) {
	need.Command(t, "verilator")
	need.Command(t, "g++")
	k := joined(t, window(3, 3, 1, 1, "clamp", 16, "x y"), narrowed, strings.Replace(block(2, 2, 8, 0, "x"), "in u8", "in i8", 1), narrowed,
		window(1, 3, 1, 2, "mirror", 16, ""), narrowed, "kernel\nstage taps 1 3\n  in i8\n  out i16\n"+scramble(1, 1, 3, "i"))
	c, err := New(k, Options{Part: sched.PartOf("up5k")})
	if err != nil {
		t.Fatal(err)
	}
	bench, err := c.Bench(random(t, k, [][2]int{{4, 4}, {8, 2}, {2, 2}}, 1), BenchOptions{Finish: true})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x.v"), []byte(c.Text+bench), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("verilator", "--binary", "--timing", "-Wall", "-Wno-WIDTH", "-Wno-UNUSED", "-Wno-DECLFILENAME", "-Wno-BLKSEQ", "-Wno-INITIALDLY", "-Wno-PROCASSWIRE",
		"-CFLAGS", "-O0", "--top-module", c.BenchModule(), "-o", "bench", "x.v")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("verilator: %v\n%.4000s", err, out)
	}
	out, err := exec.Command(filepath.Join(dir, "obj_dir", "bench")).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS "+c.Module) {
		t.Errorf("%v\n%.3000s", err, out)
	}
}
