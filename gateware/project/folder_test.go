package project

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/scalar"
	"github.com/capodekappa/capo/gateware/verilog"
	"github.com/capodekappa/capo/test/need"
)

// mean is of three pixels in a row, of three bytes each in and one out.
const mean = `kernel "mean"
stage window 1 3
  in [u8, 3]
  out u8
  edge clamp
  maxwidth 64
  v0 = in 0 0 0
  v1 = in 1 0 1
  v2 = in 2 0 2
  v3 = add v0 v1
  v4 = add v3 v2
  v5 = divfloor v4 3
  give v5
end
`

func fixture(t *testing.T, n, width int) (*ir.Kernel, verilog.Frame) {
	t.Helper()
	k, err := ir.Parse(mean)
	if err != nil {
		t.Fatal(err)
	}
	in := make([]byte, 3*n)
	for i := range in {
		in[i] = byte(i*i*7 + i)
	}
	e, err := scalar.New(context.Background(), k)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Run(context.Background(), in, width)
	if err != nil {
		t.Fatal(err)
	}
	return k, verilog.Frame{In: in, Out: out, Width: width}
}

func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%.3000s", name, err, out)
	}
	return string(out)
}

func TestEveryFolderIsWhole(t *testing.T) {
	need.Command(t, "iverilog")
	for _, target := range Targets() {
		t.Run(target.Board, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "mean")
			k, frame := fixture(t, 24, 8)
			if err := Folder(dir, k, target, "mean.ts#mean", []verilog.Frame{frame}); err != nil {
				t.Fatal(err)
			}
			command(t, dir, "iverilog", "-g2005", "-o", "bench", "-s", "capo_mean_tb", "rtl/core.v", "sim/bench.v")
			if out := command(t, dir, "vvp", "-n", "bench"); !strings.Contains(out, "PASS capo_mean: 24 words") {
				t.Errorf("the bench says %s", out)
			}
			command(t, dir, "iverilog", "-g2005", "-Wall", "-Wno-timescale", "-o", "shell", "-s", "capo_shell", "rtl/core.v", "rtl/shell.v", "rtl/registers.v", "rtl/dma.v", "rtl/stream.v")
			scripts, err := filepath.Glob(filepath.Join(dir, "*.tcl"))
			if err != nil || len(scripts) == 0 {
				t.Fatalf("no script: %v", err)
			}
			for _, script := range append(scripts, filepath.Join(dir, "README.md")) {
				checkText(t, script)
			}
			if err := Folder(dir, k, target, "mean.ts#mean", []verilog.Frame{frame}); err == nil || !strings.Contains(err.Error(), "not empty") {
				t.Errorf("a folder with files in it: %v", err)
			}
		})
	}
}

// checkText looks for templates that were not filled in, and for brackets that do not match.
func checkText(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "<%") || strings.Contains(string(text), "no value") {
		t.Errorf("%s is not filled in", filepath.Base(file))
	}
	if filepath.Ext(file) != ".tcl" {
		return
	}
	for _, pair := range []string{"{}", "[]"} {
		if a, b := strings.Count(string(text), pair[:1]), strings.Count(string(text), pair[1:]); a != b {
			t.Errorf("%s has %d of %q and %d of %q", filepath.Base(file), a, pair[:1], b, pair[1:])
		}
	}
	if tclsh, err := exec.LookPath("tclsh"); err == nil {
		script := filepath.Join(t.TempDir(), "complete.tcl")
		if err := os.WriteFile(script, []byte("set f [open [lindex $argv 0]]; puts [info complete [read $f]]"), 0o644); err != nil {
			t.Fatal(err)
		}
		if out := command(t, "", tclsh, script, file); strings.TrimSpace(out) != "1" {
			t.Errorf("%s is not complete Tcl", filepath.Base(file))
		}
	}
}

func TestTargetOfNamesThoseThatThereAre(t *testing.T) {
	if _, err := TargetOf("toaster"); err == nil || !strings.Contains(err.Error(), "de10-nano") {
		t.Errorf("got %v", err)
	}
}
