package house

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/goldens anew")

// golden compares what the code makes with a file of docs/goldens, which docs/formats.md explains. Such a file changes only
// with its format's version.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join(root, "docs", "goldens", name)
	got = append(bytes.TrimSuffix(got, []byte("\n")), '\n')
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test ./test/house -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not what the code makes (-golden +code):\n%s", path, diff)
	}
}

// goldenFile reads a golden that cannot be made twice, such as one with a random signature; -update makes another.
func goldenFile(t *testing.T, name string, anew func(*testing.T) []byte) []byte {
	t.Helper()
	path := filepath.Join(root, "docs", "goldens", name)
	if *update {
		if err := os.WriteFile(path, append(anew(t), '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test ./test/house -update writes it)", err)
	}
	return bytes.TrimSpace(data)
}

func TestEachGoldenIsExplained(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "formats.md"))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(root, "docs", "goldens"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.Contains(string(text), "goldens/"+e.Name()) {
			t.Errorf("docs/formats.md does not name goldens/%s", e.Name())
		}
	}
	for _, frame := range []string{"queue", "outcome", "call", "log", "scheduled"} {
		if name := "jsrt/cell/testdata/" + frame + ".frame.hex"; !strings.Contains(string(text), name) {
			t.Errorf("docs/formats.md does not name %s", name)
		}
	}
}
