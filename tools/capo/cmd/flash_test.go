package cmd

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFlash(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	dir := t.TempDir()
	file := func(name string, size int, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, bytes.Repeat([]byte(text), size/len(text)), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	image, card, small := file("image", 3<<20, "image..."), file("card", 8<<20, "old "), file("small", 1<<20, "old ")
	packed := file("x.img.zst", 4096, "not zstd")
	run := func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		code := Main(t.Context(), append([]string{"flash"}, args...), Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
		return code, out.String(), errs.String()
	}
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string // on standard error
	}{
		{"nothing to write", []string{card}, exitUsage, "which board?"},
		{"two things to write", []string{"--board", "pc", "--image", image, card}, exitUsage, "of a board already"},
		{"an unknown board", []string{"--board", "zedbord", card}, exitUsage, "zedboard"},
		{"a board without a card", []string{"--board", "host", card}, exitUsage, "no image for a card"},
		{"a folder's format", []string{"--board", "pc", "--format", "netboot", card}, exitUsage, "is a folder"},
		{"what is not compressed", []string{"--yes", "--image", packed, card}, exitFailed, "unpack"},
		{"no such device", []string{"--image", image, filepath.Join(dir, "none")}, exitFailed, "no such file"},
		{"no such image", []string{"--yes", "--image", filepath.Join(dir, "none"), card}, exitFailed, "no such file"},
		{"what is no disk", []string{"--image", image, dir}, exitFailed, "is no disk"},
		{"a card that is too small", []string{"--yes", "--image", image, small}, exitFailed, "too small for the image: it has 1024 kB, the image has 3072 kB"},
		{"without a yes", []string{"--image", image, card}, exitUsage, "All that is on it will be lost"},
		{"a dry run", []string{"--dry-run", "--image", image, card}, 0, "would write"},
		{"comparing what differs", []string{"--verify-only", "--image", image, card}, exitFailed, "does not hold the image: byte 0 differs"},
	} {
		code, _, errs := run(tt.args...)
		if code != tt.code || !strings.Contains(errs, tt.want) {
			t.Errorf("%s: exit %d, want %d with %q: %s", tt.name, code, tt.code, tt.want, errs)
		}
	}
	if data, err := os.ReadFile(card); err != nil || !bytes.Equal(data, bytes.Repeat([]byte("old "), 2<<20)) {
		t.Fatalf("the card was changed by what was refused (%v)", err)
	}

	code, out, errs := run("--yes", "--image", image, "-o", "json", card)
	var r flashed
	if err := json.Unmarshal([]byte(out), &r); code != 0 || err != nil || r.Device != card || r.Bytes != 3<<20 {
		t.Errorf("exit %d, %s%s", code, out, errs)
	}
	if code, _, errs := run("--verify-only", "--image", image, card); code != 0 {
		t.Errorf("comparing what was written: exit %d, %s", code, errs)
	}
}
