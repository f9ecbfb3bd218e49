package house

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capodekappa/capo/board"
)

const boardsIntroduction = `# Boards

Made from ` + "`board/`" + ` by ` + "`go test ./test/house -run TestBoardsAreDocumented -update`" + `; do not edit. ` + "`capo boards`" + ` and ` + "`capo board NAME`" + ` tell the same. How to add a board: [porting.md](porting.md).

Nothing here was ever tried on a real board. **ci**: each run of the tests boots it in QEMU. **qemu**: it was booted in QEMU by hand. **never**: nobody has tried it; its
kernel and boot files are made and checked, and what its notes say of switches and pins is from the sources that they name.

| board | is | processor | FPGA | images | tested |
|---|---|---|---|---|---|
`

// TestBoardsAreDocumented compares docs/boards.md with what the boards' data give.
func TestBoardsAreDocumented(t *testing.T) {
	var b strings.Builder
	b.WriteString(boardsIntroduction)
	all := boards(t)
	for _, x := range all {
		formats := strings.Join(x.Formats, ", ")
		if x.Missing != "" {
			formats = "none yet"
		}
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s | %s | %s |\n", x.Name, x.Name, x.Title, x.Arch, x.FPGA, formats, x.Tested)
	}
	for _, x := range all {
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n\n", x.Name, strings.TrimSuffix(x.Title, "."))
		for _, f := range x.Facts() {
			fmt.Fprintf(&b, "* %s: %s\n", f.Name, f.Text)
		}
		if tested := section(board.Notes(x.Name), "Tested"); tested != "" {
			fmt.Fprintf(&b, "\n%s [Notes](../board/%s/NOTES.md)\n", tested, x.Name)
		}
	}
	file := filepath.Join(root, "docs", "boards.md")
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test ./test/house -run TestBoardsAreDocumented -update writes it)", err)
	}
	if diff := cmp.Diff(string(have), b.String()); diff != "" {
		t.Errorf("docs/boards.md is not what the boards' data give (-file +data); go test ./test/house -run TestBoardsAreDocumented -update writes it:\n%s", diff)
	}
}

// section is the text below a heading, up to the next.
func section(text, heading string) string {
	_, text, _ = strings.Cut(text, "\n## "+heading+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	return strings.TrimSpace(text)
}
