package images

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/buildroot"
	"github.com/capodekappa/capo/test/need"
)

func TestALinuxOfARecipeComesFromADistFolder(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dist := t.TempDir()
	s := NewSource(dist, nil)
	b, err := s.builder()
	if err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string]map[string]string{
		"capo-armv7":         {"linux.json": `{"release":"6.1-capo","sha256":"ab"}`, "vmlinuz": "kernel", "modules/modules.builtin": ""},
		"device-trees-armv7": {"dtbs/zedboard.dtb": "tree"},
	} {
		folder, err := b.DistName(name)
		if err != nil {
			t.Fatal(err)
		}
		for file, text := range files {
			path := filepath.Join(dist, recipesFolder, folder, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	l, err := s.Linux(t.Context(), &board.Board{Name: "x", Linux: &board.Linux{Package: "capo-armv7"}})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{l.Kernel: "kernel", filepath.Join(l.DTBs, "zedboard.dtb"): "tree"} {
		if got, err := os.ReadFile(path); string(got) != want {
			t.Errorf("%s = %q, %v", path, got, err)
		}
	}
	if mods, err := l.closure([]string{}); l.Release != "6.1-capo" || len(mods) != 0 || err != nil {
		t.Errorf("release %s, modules %v, %v", l.Release, mods, err)
	}
}

func TestALoaderIsNoLinux(t *testing.T) {
	_, err := NewSource("", nil).Linux(t.Context(), &board.Board{Name: "x", Linux: &board.Linux{Package: "uboot-zynq"}})
	if err == nil || !strings.Contains(err.Error(), "makes no Linux") {
		t.Errorf("Linux = %v", err)
	}
}

func TestACorruptCacheSaysWhatToRemove(t *testing.T) {
	dir := t.TempDir()
	if _, err := openLinux(dir); err == nil || !strings.Contains(err.Error(), "remove "+dir) {
		t.Errorf("openLinux = %v", err)
	}
}

// TestTheSameBytesTwiceLong builds loaders and device trees anew and compares them with those of the cache, which were built
// in another folder at another time. A kernel would take ten minutes.
func TestTheSameBytesTwiceLong(t *testing.T) {
	need.Long(t)
	need.Command(t, "arm-linux-gnueabihf-gcc")
	s := NewSource("", slog.New(slog.NewTextHandler(t.Output(), nil)))
	for _, name := range []string{"uboot-zynq", "device-trees-armv7"} {
		once, err := s.Recipe(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.builder()
		if err != nil {
			t.Fatal(err)
		}
		b.Cache, b.Dists = t.TempDir(), nil
		again, err := b.Build(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sums(t, once), sums(t, again)); diff != "" {
			t.Errorf("%s built twice (-once +again):\n%s", name, diff)
		}
	}
}

// TestAllRecipesAreBuiltLong is what make linux does: with a warm cache it takes no time.
func TestAllRecipesAreBuiltLong(t *testing.T) {
	need.Long(t)
	need.Command(t, "arm-linux-gnueabihf-gcc")
	need.Command(t, "aarch64-linux-gnu-gcc")
	s := NewSource("", slog.New(slog.NewTextHandler(t.Output(), nil)))
	for _, name := range buildroot.Names() {
		dir, err := s.Recipe(t.Context(), name)
		if err != nil {
			t.Error(err)
			continue
		}
		r, err := buildroot.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, tree := range r.Trees {
			for _, out := range r.Outputs {
				if !isFile(filepath.Join(dir, tree, filepath.Base(out))) {
					t.Errorf("%s has no %s/%s", name, tree, filepath.Base(out))
				}
			}
		}
	}
}

// sums returns the digest of each file in a folder.
func sums(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		all[name], err = fileSHA256(filepath.Join(dir, name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestADistFolderGetsWhatRecipesMade(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	from, to := t.TempDir(), t.TempDir()
	s := NewSource(from, nil)
	b, err := s.builder()
	if err != nil {
		t.Fatal(err)
	}
	folder, err := b.DistName("uboot-zynq")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(recipesFolder, folder, "zynq-zed", "boot.bin")
	if err := os.MkdirAll(filepath.Dir(filepath.Join(from, file)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(from, file), []byte("loader"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is there
		if err := s.distRecipe(t.Context(), to, "uboot-zynq"); err != nil {
			t.Fatal(err)
		}
	}
	got, err := NewSource(to, nil).Recipe(t.Context(), "uboot-zynq")
	if want := filepath.Join(to, recipesFolder, folder); got != want || err != nil {
		t.Fatalf("Recipe = %q, %v", got, err)
	}
	if text, err := os.ReadFile(filepath.Join(to, file)); string(text) != "loader" {
		t.Errorf("%s = %q, %v", file, text, err)
	}
}
