package toolchain

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const script = `export const modules = { "a.core.wasm": new URL("./a.core.wasm", import.meta.url), };
export const filesystem = {
    share: {
        "top.v": "module top;\nendmodule\n",
        "ice40": { "cells_sim.v": new URL("./share/ice40/cells_sim.v", import.meta.url), "brams.txt": "a \"quoted\" \\ line", },
        python3: {}
    }
};
`

// testPackage is a package as the registry has it, and its archive.
func testPackage(t *testing.T, files map[string]string) (Package, []byte) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	sum := sha512.Sum512(b.Bytes())
	return Package{
		Name: "@scope/tools", Version: "1.2.3", Integrity: "sha512-" + base64.StdEncoding.EncodeToString(sum[:]), Bytes: int64(b.Len()),
		Tools: map[string]string{"a": "gen/a.core.wasm"}, Files: []string{"gen/share/ice40/cells_sim.v"}, Resources: "gen/resources-a.js",
	}, b.Bytes()
}

func wholePackage(t *testing.T) (Package, []byte) {
	return testPackage(t, map[string]string{
		"package/gen/a.core.wasm": "wasm", "package/gen/share/ice40/cells_sim.v": "cells", "package/gen/resources-a.js": script,
		"package/gen/other": "not wanted", "../outside": "nor this",
	})
}

func TestAPackageComesFromTheRegistryThatIsSet(t *testing.T) {
	p, archive := wholePackage(t)
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/npm/@scope/tools/-/tools-1.2.3.tgz" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(archive)
	}))
	defer registry.Close()
	t.Setenv(RegistryVariable, registry.URL+"/npm/")
	cache := t.TempDir()
	for range 2 { // as two programs at once would
		if err := p.fetch(t.Context(), cache, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	if !p.present(cache) {
		t.Error("fetched, and not there")
	}
	for name, want := range map[string]string{
		"a.core.wasm": "wasm", "share/ice40/cells_sim.v": "cells", "share/top.v": "module top;\nendmodule\n", "share/ice40/brams.txt": `a "quoted" \ line`,
	} {
		if got, err := os.ReadFile(filepath.Join(p.folder(cache), name)); string(got) != want || err != nil {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "synth", "npm", ".new-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestAnArchiveThatTheLockDoesNotKnowIsRefused(t *testing.T) {
	p, archive := wholePackage(t)
	for name, bad := range map[string][]byte{
		"changed": append(bytes.Clone(archive[:len(archive)-1]), archive[len(archive)-1]^1), "cut": archive[:len(archive)-1], "longer": append(bytes.Clone(archive), 0),
	} {
		if err := p.check(bytes.NewReader(bad)); !errors.Is(err, ErrVersion) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnArchiveThatLacksAFileIsRefused(t *testing.T) {
	p, archive := testPackage(t, map[string]string{"package/gen/a.core.wasm": "wasm", "package/gen/resources-a.js": script})
	if err := p.unpack(bytes.NewReader(archive), t.TempDir()); err == nil || !strings.Contains(err.Error(), "cells_sim.v") {
		t.Errorf("%v", err)
	}
}

func TestWithoutNpmAndRegistryTheMessageSaysWhatToSet(t *testing.T) {
	p, _ := wholePackage(t)
	t.Setenv("PATH", t.TempDir())
	t.Setenv(RegistryVariable, "")
	err := p.fetch(t.Context(), t.TempDir(), io.Discard)
	if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), RegistryVariable) || !strings.Contains(err.Error(), "apt-get install yosys") {
		t.Errorf("%v", err)
	}
}

func TestTheLockPinsAllTools(t *testing.T) {
	packages, err := Locked()
	if err != nil {
		t.Fatal(err)
	}
	pinned := map[string]bool{}
	for _, p := range packages {
		for tool := range p.Tools {
			pinned[tool] = true
		}
	}
	for _, tool := range Tools() {
		if !pinned[tool] {
			t.Errorf("%s is not pinned", tool)
		}
	}
	for _, bad := range []string{"", "{}", `[{"name":"x"}]`, `[{"name":"x","version":"1","integrity":"sha1-x","tools":{"a":"b"}}]`} {
		if _, err := parseLock([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a lock", bad)
		}
	}
}

func TestResourcesThatLeadOutsideAreRefused(t *testing.T) {
	for _, bad := range []string{
		``, `export const filesystem =`, `export const filesystem = {`, `export const filesystem = { "..": "x" }`, `export const filesystem = { "a/b": "x" }`,
		`export const filesystem = { "a\\b": "x" }`, `export const filesystem = { a "x" }`, `export const filesystem = { a: x }`, `export const filesystem = { a: new URL("x" }`,
		`export const filesystem = { a: "x" b: "y" }`, `export const filesystem = { a: "x`, `export const filesystem = ` + strings.Repeat("{a:", 100),
	} {
		if files, err := resources(bad); err == nil {
			t.Errorf("%q gives %q", bad, files)
		}
	}
}

func FuzzResources(f *testing.F) {
	f.Add(script)
	f.Add(`export const filesystem = { a: { "b": "c" } }`)
	f.Fuzz(func(t *testing.T, text string) {
		files, err := resources(text)
		if err != nil {
			return
		}
		for name := range files {
			if !filepath.IsLocal(name) {
				t.Errorf("%q leads outside", name)
			}
		}
	})
}
