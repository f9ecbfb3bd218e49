package doctor

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/synth/toolchain"
)

func TestEachNeedIsOneThingOfAPackageForAPurpose(t *testing.T) {
	seen := map[string]bool{}
	for _, n := range Needs() {
		packaged := (n.Program == "") != (n.File == "") && n.Package != ""
		gotten := n.Here != nil && n.Get != nil && n.Mend != "" && n.Package == ""
		if packaged == gotten || n.Why == "" || len(n.For) == 0 {
			t.Errorf("%s is not one program or file of a package, or something to get, for a purpose", n.Name)
		}
		if packaged && seen[n.Program+n.File] {
			t.Errorf("%s is there twice", n.Name)
		}
		seen[n.Program+n.File] = true
	}
}

func TestWhatBuildsLinuxIsNeededForTestsButNotToRun(t *testing.T) {
	for _, n := range Needs() {
		if strings.HasSuffix(n.Program, "gcc") && (!slices.Contains(n.For, ForBuild) || !slices.Contains(n.For, ForTest) || slices.Contains(n.For, ForRun)) {
			t.Errorf("%s is for %v", n.Name, n.For)
		}
	}
	if findings, _ := Look(ForBuild); len(findings) < 10 {
		t.Errorf("to build takes only %d things", len(findings))
	}
}

func TestFPGAToolsAreFoundEitherWay(t *testing.T) {
	find := func() Finding {
		findings, _ := Look(ForKernel)
		if len(findings) != 1 {
			t.Fatalf("%d findings", len(findings))
		}
		return findings[0]
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if f := find(); f.OK || !strings.Contains(f.Mend, "--for kernel") || !strings.Contains(f.Mend, "apt-get install yosys") {
		t.Errorf("without tools: %+v", f)
	}
	for _, tool := range toolchain.Tools() {
		if err := os.WriteFile(filepath.Join(dir, tool), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if f := find(); !f.OK {
		t.Errorf("with tools on the PATH: %+v", f)
	}
}

func TestWhatNoPackageHasIsGottenOnce(t *testing.T) {
	here, gets := false, 0
	n := Need{Name: "x", Here: func() bool { return here }, Get: func(context.Context, io.Writer) error { gets++; here = true; return nil }}
	if err := Install(t.Context(), []Need{n, n}, io.Discard); err != nil || gets != 1 {
		t.Errorf("%d times, %v", gets, err)
	}
}
