package compile

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capodekappa/capo/buildroot"
	"github.com/capodekappa/capo/test/need"
)

func TestLostNamesEachSymbolThatDidNotSurvive(t *testing.T) {
	fragment := "# a comment = not a symbol\nCONFIG_A=y\nCONFIG_B=y\nCONFIG_TEXT=\"x y\"\n# CONFIG_OFF is not set\nCONFIG_GONE=y\nCONFIG_TWICE=y\nCONFIG_TWICE=n\nCONFIG_N=n\n"
	config := "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_TEXT=\"x\"\nCONFIG_OFF=y\nCONFIG_OTHER=y\n"
	want := []string{
		"CONFIG_B: y wanted, is n",
		`CONFIG_TEXT: "x y" wanted, is "x"`,
		"CONFIG_OFF: n wanted, is y",
		"CONFIG_GONE: y wanted, is n",
	}
	if diff := cmp.Diff(want, Lost(fragment, config)); diff != "" {
		t.Errorf("Lost (-want +got):\n%s", diff)
	}
	if lost := Lost(fragment, fragment); len(lost) != 0 {
		t.Errorf("a fragment lost in itself: %v", lost)
	}
}

func FuzzLost(f *testing.F) {
	f.Add("CONFIG_A=y\n# CONFIG_B is not set\n", "CONFIG_A=m\n")
	f.Fuzz(func(t *testing.T, fragment, config string) {
		_ = Lost(fragment, config)
		if lost := Lost(fragment, fragment+"\n"); len(lost) != 0 && !strings.Contains(fragment, "=\n") && !strings.HasSuffix(fragment, "=") {
			for _, l := range lost {
				if !strings.Contains(l, ":  wanted") { // CONFIG_X= with nothing after it
					t.Errorf("%q lost in itself: %v", fragment, lost)
				}
			}
		}
	})
}

func TestTheKeyChangesWithEveryInput(t *testing.T) {
	r, err := buildroot.Load("capo-armv7")
	if err != nil {
		t.Fatal(err)
	}
	key := func(r buildroot.Recipe, sum string) string {
		k, err := inputsKey(r, sum)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	base := key(r, "a")
	other := r
	other.Config = r.Config[:1]
	noted := r
	noted.Notes = []string{"for people"}
	for name, k := range map[string]string{"source": key(r, "b"), "fragment": key(other, "a")} {
		if k == base {
			t.Errorf("the key is the same with another %s", name)
		}
	}
	if key(noted, "a") != base || key(r, "a") != base {
		t.Error("the key changed with nothing")
	}
}

// builder returns one with an empty cache and a counter of the calls for the source.
func builder(t *testing.T, source func() (string, error)) *Builder {
	t.Helper()
	return &Builder{
		Cache: filepath.Join(t.TempDir(), "recipe"), Log: slog.New(slog.DiscardHandler),
		Source:    func(context.Context, string) (string, error) { return source() },
		SourceSum: func(string) (string, error) { return "sum", nil },
	}
}

func TestADistFolderIsTakenWithoutCompilerOrSource(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	b := builder(t, func() (string, error) { t.Error("the source was asked for"); return "", nil })
	name, err := b.DistName("uboot-zynq")
	if err != nil {
		t.Fatal(err)
	}
	b.Dists = []string{t.TempDir(), t.TempDir()}
	want := filepath.Join(b.Dists[1], name)
	if err := os.MkdirAll(want, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Build(t.Context(), "uboot-zynq"); got != want || err != nil {
		t.Errorf("Build = %q, %v", got, err)
	}
}

func TestAFailedBuildLeavesNothingAndSaysWhereItsLogIs(t *testing.T) {
	broken := t.TempDir() // a source package whose archive is no archive
	if err := os.MkdirAll(filepath.Join(broken, "usr/src"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, "usr/src/linux-source-6.1.tar.xz"), []byte("not xz"), 0o644); err != nil {
		t.Fatal(err)
	}
	b := builder(t, func() (string, error) { return broken, nil })
	if err := os.MkdirAll(filepath.Join(b.Cache, ".build-capo-armv7.1/source"), 0o755); err != nil { // of one that was killed
		t.Fatal(err)
	}
	_, err := b.Build(t.Context(), "capo-armv7")
	if errors.Is(err, ErrTools) {
		need.Missing(t, err.Error())
	}
	log := filepath.Join(b.Cache, "capo-armv7.log")
	if err == nil || !strings.Contains(err.Error(), log) || !strings.Contains(err.Error(), "xz") {
		t.Errorf("Build = %v", err)
	}
	entries, err := os.ReadDir(b.Cache)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]string{"capo-armv7.lock", "capo-armv7.log"}, names); diff != "" {
		t.Errorf("the cache (-want +got):\n%s", diff)
	}
}

func TestAResultIsNamedAfterTheSourceThatWasTaken(t *testing.T) {
	if err := checkTools(buildroot.Recipe{Kind: buildroot.KindLinux, Cross: "arm-linux-gnueabihf-"}); err != nil {
		need.Missing(t, err.Error())
	}
	empty := t.TempDir()
	taken := "pinned"
	b := builder(t, func() (string, error) { taken = "newest"; return empty, nil })
	b.SourceSum = func(string) (string, error) { return taken, nil }
	if _, err := b.Build(t.Context(), "capo-armv7"); err == nil || errors.Is(err, errOtherSource) || !strings.Contains(err.Error(), "0 archives") {
		t.Errorf("Build = %v, want an error from a build of the newest source", err)
	}
}

func TestAMissingSourceIsSaid(t *testing.T) {
	gone := errors.New("the package is gone")
	b := builder(t, func() (string, error) { return "", gone })
	if _, err := b.Build(t.Context(), "capo-armv7"); !errors.Is(err, gone) && !errors.Is(err, ErrTools) {
		t.Errorf("Build = %v", err)
	}
	if _, err := b.Build(t.Context(), "capo-riscv"); err == nil || !strings.Contains(err.Error(), "capo-armv7") {
		t.Errorf("Build of an unknown recipe = %v", err)
	}
}

func TestMissingToolsAreNamedWithTheirPackages(t *testing.T) {
	r := buildroot.Recipe{Name: "x", Kind: buildroot.KindLinux, Cross: "vax-dec-ultrix-"}
	err := checkTools(r)
	if !errors.Is(err, ErrTools) || !strings.Contains(err.Error(), "gcc-vax-dec-ultrix") || !strings.Contains(err.Error(), "capo doctor --install --for build") {
		t.Errorf("checkTools = %v", err)
	}
	if _, err := compilerVersion(t.Context(), r.Cross); !errors.Is(err, ErrTools) {
		t.Errorf("compilerVersion = %v", err)
	}
}

func TestAFullDiskIsKnownByWhatTheProgramPrints(t *testing.T) {
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	j := &job{log: log, logPath: log.Name()}
	err = j.command(t.Context(), t.TempDir(), "sh", "-c", "echo cc1: No space left on device; exit 1")
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("command = %v", err)
	}
}

func TestTailKeepsTheFirstErrorAndTheLastLines(t *testing.T) {
	var tl tail
	for i := range 2000 {
		line := strings.Repeat("x", i%7) + "line\n"
		if i == 900 {
			line = "a.c:1: error: no\n"
		}
		for _, part := range []string{line[:2], line[2:]} {
			if _, err := io.WriteString(&tl, part); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := io.WriteString(&tl, "end"); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(tl.text(), "\n")
	if len(lines) != tailLines+3 || lines[0] != "a.c:1: error: no" || lines[len(lines)-1] != "end" {
		t.Errorf("kept %q", lines)
	}
}
