package buildroot

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/test/need"
)

func defconfig(board string) string {
	return "capo_" + strings.ReplaceAll(board, "-", "_") + "_defconfig"
}

func TestEveryBoardHasADefconfigForBuildroot(t *testing.T) {
	for _, name := range board.Names() {
		if name == board.Host {
			continue
		}
		text, err := os.ReadFile(filepath.Join("configs", defconfig(name)))
		if err != nil {
			t.Error(err)
			continue
		}
		if !strings.Contains(string(text), `BR2_PACKAGE_CAPO_NODE_BOARD="`+name+`"`) {
			t.Errorf("%s is for another board", defconfig(name))
		}
		for _, word := range strings.FieldsFunc(string(text), func(r rune) bool { return strings.ContainsRune(" \n\"=", r) }) {
			file, ours := strings.CutPrefix(word, "$(BR2_EXTERNAL_CAPO_PATH)/")
			if _, err := os.Stat(file); ours && err != nil {
				t.Errorf("%s: %v", defconfig(name), err)
			}
		}
	}
}

// TestDefconfigsSurviveBuildrootLong has Buildroot read every defconfig and looks for each of its symbols in what comes out.
// CAPO_BUILDROOT is a Buildroot tree.
func TestDefconfigsSurviveBuildrootLong(t *testing.T) {
	need.Long(t)
	tree := os.Getenv("CAPO_BUILDROOT")
	if tree == "" {
		t.Skip("CAPO_BUILDROOT names no Buildroot tree")
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
