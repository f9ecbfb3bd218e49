package cmd

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/capodekappa/capo/jsrt/bundle"
)

var (
	docBlock = regexp.MustCompile("(?s)```ts\n(.*?)```")
	docName  = regexp.MustCompile(`^// (\S+\.ts)\n`)
	docCode  = regexp.MustCompile("`([^`]+)`")
)

// TestTheExamplesOfTheKernelsPageCompile has docs/kernels.md hold what it shows.
func TestTheExamplesOfTheKernelsPageCompile(t *testing.T) {
	text, err := os.ReadFile("../../../docs/kernels.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var files []string
	for i, block := range docBlock.FindAllStringSubmatch(string(text), -1) {
		name := fmt.Sprintf("block%d.ts", i)
		if m := docName.FindStringSubmatch(block[1]); m != nil {
			name = m[1]
		}
		files = append(files, filepath.Join(dir, name))
		if err := os.WriteFile(files[i], []byte(block[1]), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(source), "export const job") {
			b, err := (&app{}).buildJob(t.Context(), file, "")
			if err != nil || len(b.manifest.Kernels) == 0 {
				t.Errorf("%s: %d kernels, %v", file, len(b.manifest.Kernels), err)
			}
			continue
		}
		if all, err := bundle.Kernels(t.Context(), file, ""); err != nil || len(all) == 0 {
			t.Errorf("%s: %v", file, err)
		}
	}
	if len(files) < 3 {
		t.Errorf("%d examples", len(files))
	}
	refused := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "| `") || !strings.Contains(cells[0], "=>") || len(cells) != 3 {
			continue
		}
		refused++
		source := docCode.FindStringSubmatch(cells[0])[1]
		if compiles(t, source) {
			t.Errorf("%s is not refused", source)
		}
		for _, m := range docCode.FindAllStringSubmatch(cells[2], -1) {
			if instead := "x => " + m[1]; strings.Contains(m[1], "x") && !compiles(t, instead) {
				t.Errorf("%s is refused too", instead)
			}
		}
	}
	if refused < 4 {
		t.Errorf("%d refusals", refused)
	}
}

// compiles tells whether a function can be a kernel, beside a variable n and a table T of 256.
func compiles(t *testing.T, f string) bool {
	t.Helper()
	in := "'u8'"
	if strings.HasPrefix(f, "({") {
		in = "{ x: 'u8', y: 'u8' }"
	}
	file := filepath.Join(t.TempDir(), "a.ts")
	source := "import { kernel } from 'capo:kernel'\nlet n = 0\nconst T = Array.from({ length: 256 }, (_, i) => 255 - i)\nexport const a = kernel({ in: " + in + ", out: 'u8' }, " + f + ")\n"
	if err := os.WriteFile(file, []byte(source), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := bundle.Kernels(t.Context(), file, "")
	return err == nil
}
