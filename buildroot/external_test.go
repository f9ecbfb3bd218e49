package buildroot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capodekappa/capo/board"
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
