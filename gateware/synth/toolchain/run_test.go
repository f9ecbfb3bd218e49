package toolchain_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/gateware/synth/toolchain"
	"github.com/capodekappa/capo/test/need"
)

// blinky is a design that uses a carry chain and flip-flops.
const blinky = `module top(input clk, output led);
  reg [7:0] n = 0;
  always @(posedge clk) n <= n + 1;
  assign led = n[7];
endmodule
`

// open returns the tools of a kind, or ends the test where they are not here.
func open(t *testing.T, cfg toolchain.Config) *toolchain.Toolchain {
	t.Helper()
	tools, err := toolchain.Open(t.Context(), cfg)
	if errors.Is(err, toolchain.ErrMissing) {
		need.Missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	return tools
}

// bitstream makes one from the text of a design.
func bitstream(t *testing.T, tools *toolchain.Toolchain, design string) []byte {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "top.v"), []byte(design), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, step := range [][]string{
		{toolchain.Yosys, "-q", "-p", "read_verilog top.v; synth_ice40 -top top -json top.json"},
		{toolchain.Nextpnr, "-q", "--up5k", "--package", "sg48", "--json", "top.json", "--asc", "top.asc", "--seed", "1"},
		{toolchain.Icepack, "top.asc", "top.bin"},
	} {
		run, err := tools.Run(t.Context(), step[0], dir, step[1:]...)
		if err != nil {
			t.Fatalf("%v\n%s", err, run.Log)
		}
		t.Logf("%s: %v, %d MB", run.Tool, run.Took, run.Memory>>20)
	}
	bin, err := os.ReadFile(filepath.Join(dir, "top.bin"))
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

func TestNativeToolsMakeABitstream(t *testing.T) {
	bin := bitstream(t, open(t, toolchain.Config{Kind: toolchain.Native}), blinky)
	if !bytes.Contains(bin[:min(len(bin), 64)], []byte{0x7e, 0xaa, 0x99, 0x7e}) {
		t.Errorf("%d bytes without a preamble", len(bin))
	}
}

// That WebAssembly makes bitstreams too is tested, with their proof, in gateware/synth.
func TestWebAssemblySeesItsDataAndItsFolderOnly(t *testing.T) {
	tools := open(t, toolchain.Config{Kind: toolchain.WebAssembly})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "top.v"), []byte(blinky), 0o644); err != nil {
		t.Fatal(err)
	}
	run, err := tools.Run(t.Context(), toolchain.Yosys, dir, "-q", "-p", "read_verilog -lib -specify +/ice40/cells_sim.v; read_verilog top.v; prep -top top; write_verilog top.out")
	if err != nil {
		t.Fatalf("%v\n%s", err, run.Log)
	}
	if run.Memory == 0 || run.CPU == 0 {
		t.Errorf("it took %d bytes and %v", run.Memory, run.CPU)
	}
	if _, err := os.Stat(filepath.Join(dir, "top.out")); err != nil {
		t.Error(err)
	}
	for _, outside := range []string{"/etc/passwd", "../secret.v", "/proc/self/environ"} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "secret.v"), []byte(blinky), 0o644); err != nil {
			t.Fatal(err)
		}
		if run, err := tools.Run(t.Context(), toolchain.Yosys, dir, "-q", "-p", "read_verilog "+outside); !errors.Is(err, toolchain.ErrFailed) || !strings.Contains(run.Log, "not found") {
			t.Errorf("%s: %v", outside, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".tmp-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestADesignThatIsWrongIsToldInTheToolsWords(t *testing.T) {
	for _, kind := range []toolchain.Kind{toolchain.Native, toolchain.WebAssembly} {
		t.Run(string(kind), func(t *testing.T) {
			tools := open(t, toolchain.Config{Kind: kind})
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "top.v"), []byte("module top(; endmodule"), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := tools.Run(t.Context(), toolchain.Yosys, dir, "-q", "-p", "read_verilog top.v")
			if !errors.Is(err, toolchain.ErrFailed) || !strings.Contains(err.Error(), "syntax error") {
				t.Errorf("%v", err)
			}
		})
	}
}

// endless writes a script for yosys that takes minutes.
func endless(t *testing.T, dir string) {
	t.Helper()
	script := "read_verilog top.v\n" + strings.Repeat("synth -top top\n", 10000)
	for name, text := range map[string]string{"top.v": blinky, "loop.ys": script} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAToolThatHangsIsStopped(t *testing.T) {
	for _, kind := range []toolchain.Kind{toolchain.Native, toolchain.WebAssembly} {
		t.Run(string(kind), func(t *testing.T) {
			tools := open(t, toolchain.Config{Kind: kind, Limit: 500 * time.Millisecond})
			dir := t.TempDir()
			endless(t, dir)
			start := time.Now()
			_, err := tools.Run(t.Context(), toolchain.Yosys, dir, "-q", "-s", "loop.ys")
			if !errors.Is(err, toolchain.ErrTimeout) || time.Since(start) > 10*time.Second {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
		})
	}
}

func TestACancelledRunEnds(t *testing.T) {
	tools := open(t, toolchain.Config{Kind: toolchain.Native})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	dir := t.TempDir()
	endless(t, dir)
	_, err := tools.Run(ctx, toolchain.Yosys, dir, "-q", "-s", "loop.ys")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// fakeTools puts shell scripts in the place of the native tools.
func fakeTools(t *testing.T, yosys string) {
	t.Helper()
	need.Command(t, "sh")
	dir := t.TempDir()
	for tool, script := range map[string]string{
		toolchain.Yosys:   "if [ \"$1\" = -V ]; then echo 'Yosys 9.99 (test)'; exit; fi; " + yosys,
		toolchain.Nextpnr: "echo 'nextpnr-ice40 -- Next Generation Place and Route (Version 9.9-1)'", toolchain.Icepack: "",
	} {
		if err := os.WriteFile(filepath.Join(dir, tool), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func TestAToolThatCrashesIsNamedWithWhatToDo(t *testing.T) {
	fakeTools(t, "echo about to die; kill -SEGV $$")
	tools := open(t, toolchain.Config{Kind: toolchain.Native})
	_, err := tools.Run(t.Context(), toolchain.Yosys, t.TempDir())
	if !errors.Is(err, toolchain.ErrCrashed) {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{"yosys 9.99 (test) crashed", "about to die", toolchain.InstallCommand} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
}

func TestToolsOfAnotherVersionAreToldApart(t *testing.T) {
	fakeTools(t, "")
	tools := open(t, toolchain.Config{Kind: toolchain.Native})
	if got := tools.Versions[toolchain.Nextpnr]; got != "9.9-1" {
		t.Errorf("nextpnr calls itself %q", got)
	}
	if err := tools.Match(tools.Versions); err != nil {
		t.Errorf("the same tools differ: %v", err)
	}
	err := tools.Match(map[string]string{toolchain.Yosys: "0.1"})
	if !errors.Is(err, toolchain.ErrVersion) || !strings.Contains(err.Error(), "0.1") || !strings.Contains(err.Error(), "9.99") {
		t.Errorf("%v", err)
	}
}

func TestMissingToolsAreNamedWithTheCommandThatGetsThem(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv(toolchain.Variable, "")
	for _, kind := range []toolchain.Kind{toolchain.Any, toolchain.Native, toolchain.WebAssembly} {
		_, err := toolchain.Open(t.Context(), toolchain.Config{Kind: kind})
		if !errors.Is(err, toolchain.ErrMissing) || !strings.Contains(err.Error(), toolchain.InstallCommand) {
			t.Errorf("%q: %v", kind, err)
		}
	}
}

func TestAChildThatIsStartedByHandSaysSo(t *testing.T) {
	for _, args := range [][]string{nil, {"x"}, {"{}"}, {`{"args":["yosys"]}`}} {
		if code := toolchain.Main(args); code == 0 {
			t.Errorf("%q: 0", args)
		}
	}
}
