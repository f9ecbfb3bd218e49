package fleet

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testStore(t *testing.T) *Store {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("SUDO_USER", "")
	s, err := OpenStore()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStoreKeepsFleets(t *testing.T) {
	s := testStore(t)
	if _, err := s.Current(); !errors.Is(err, ErrNoFleet) {
		t.Fatalf("an empty store's current fleet: error %v, want %v", err, ErrNoFleet)
	}
	if names, err := s.List(); err != nil || len(names) != 0 {
		t.Fatalf("an empty store lists %v, %v", names, err)
	}
	home, err := s.New("home")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.New("dev"); err != nil {
		t.Fatal(err)
	}
	if names, err := s.List(); err != nil || !cmp.Equal(names, []string{"dev", "home"}) {
		t.Fatalf("lists %v, %v", names, err)
	}
	current, err := s.Current()
	if err != nil || !cmp.Equal(current, home) {
		t.Fatalf("the first fleet is current: got %v, %v", current, err)
	}
	if err := s.Use("dev"); err != nil {
		t.Fatal(err)
	}
	if name, err := s.CurrentName(); err != nil || name != "dev" {
		t.Fatalf("current %q, %v, want dev", name, err)
	}
}

func TestStoreKeepsWhatIsThere(t *testing.T) {
	s := testStore(t)
	first, err := s.New("dev")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.New("dev"); !errors.Is(err, ErrExists) {
		t.Fatalf("a second fleet of the name: error %v, want %v", err, ErrExists)
	}
	again, err := s.Load("dev")
	if err != nil || !again.Key.Equal(first.Key) {
		t.Fatalf("the first fleet was not kept: %v", err)
	}
}

func TestStoreRefusesNames(t *testing.T) {
	s := testStore(t)
	for _, name := range []string{"", "..", "../x", "A", "a b", ".hidden", "-a", "a/b", "a\x00b"} {
		if _, err := s.New(name); err == nil {
			t.Errorf("New(%q) was accepted", name)
		}
		if _, err := s.Load(name); !errors.Is(err, ErrNotFound) {
			t.Errorf("Load(%q): error %v, want %v", name, err, ErrNotFound)
		}
	}
	if err := s.Use("nobody"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Use of a fleet that is not there: error %v, want %v", err, ErrNotFound)
	}
}

func TestStoreIsForItsUserOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no permission bits")
	}
	s := testStore(t)
	if _, err := s.New("dev"); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(s.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestStoreNoticesAForeignKey(t *testing.T) {
	s := testStore(t)
	for _, name := range []string{"a", "b"} {
		if _, err := s.New(name); err != nil {
			t.Fatal(err)
		}
	}
	key, err := os.ReadFile(filepath.Join(s.Dir, "fleets", "a", "operator.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "fleets", "b", "operator.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load("b"); err == nil {
		t.Fatal("a fleet with another's key was loaded")
	}
}
