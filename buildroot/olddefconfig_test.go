//go:build buildroot

// A Buildroot tree comes from no package, so this test is asked for: CAPO_BUILDROOT=TREE go test -tags buildroot ./buildroot

package buildroot

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capodekappa/capo/board"
)

// TestDefconfigsSurviveBuildroot has Buildroot read every defconfig and looks for each of its symbols in what comes out.
// CAPO_BUILDROOT is a Buildroot tree.
func TestDefconfigsSurviveBuildroot(t *testing.T) {
	tree := os.Getenv("CAPO_BUILDROOT")
	if tree == "" {
		t.Fatal("CAPO_BUILDROOT names no Buildroot tree")
	}
	external, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	for _, name := range board.Names() {
		if name == board.Host {
			continue
		}
		for _, target := range []string{defconfig(name), "olddefconfig"} {
			cmd := exec.Command("make", "-s", "BR2_EXTERNAL="+external, "O="+out, target)
			cmd.Dir = tree
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("make %s: %v\n%s", target, err, text)
			}
		}
		lookForLost(t, name, filepath.Join(out, ".config"))
	}
}

func lookForLost(t *testing.T, name, config string) {
	t.Helper()
	have, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("configs", defconfig(name)))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(want)) {
		if symbol := strings.TrimPrefix(line, "# "); strings.HasPrefix(symbol, "BR2_") && !strings.Contains("\n"+string(have), "\n"+line) {
			t.Errorf("%s lost %s", defconfig(name), line)
		}
	}
}
