package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFormatTreeFindsAndMendsWhatGofmtWouldChange(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"good.go":           "package a\n",
		"sub/bad.go":        "package a\nvar  x = 1\n",
		"sub/dist/bad.go":   "package a\nvar  x = 1\n",
		"dist/made.go":      "package a\nvar  x = 1\n",
		"testdata/given.go": "this is no Go\n",
		"notes.txt":         "var  x = 1\n",
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{filepath.Join(dir, "sub/bad.go"), filepath.Join(dir, "sub/dist/bad.go")}
	for _, fix := range []bool{false, true} {
		got, err := formatTree(dir, fix)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("fix %v: %s", fix, diff)
		}
	}
	if got, err := formatTree(dir, false); err != nil || len(got) > 0 {
		t.Errorf("after mending, %q, %v", got, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "sub/bad.go"))
	if err != nil || string(text) != "package a\n\nvar x = 1\n" {
		t.Errorf("mended to %q, %v", text, err)
	}
}

func TestFormatTreeNamesTheFileThatIsNoGo(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x.go"), []byte("pakage x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := formatTree(dir, true); err == nil {
		t.Error("a file that does not parse is no error")
	}
}
