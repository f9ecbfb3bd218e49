package fleet

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capodekappa/capo/test/need"
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
	home, err := s.New("home", false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.New("dev", false); err != nil {
		t.Fatal(err)
	}
	if names, err := s.List(); err != nil || !cmp.Equal(names, []string{"dev", "home"}) {
		t.Fatalf("lists %v, %v", names, err)
	}
	current, err := s.Current()
	if err != nil || !current.Key.Equal(home.Key) || !cmp.Equal(current.Membership, home.Membership, bySerial) {
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
	first, err := s.New("dev", false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.New("dev", false); !errors.Is(err, ErrExists) {
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
		if _, err := s.New(name, false); err == nil {
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
		need.Missing(t, "permission bits, which Windows has not")
	}
	s := testStore(t)
	if _, err := s.New("dev", false); err != nil {
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

func TestStoreNoticesAForeignCA(t *testing.T) {
	s := testStore(t)
	for _, name := range []string{"a", "b"} {
		if _, err := s.New(name, false); err != nil {
			t.Fatal(err)
		}
	}
	key, err := os.ReadFile(filepath.Join(s.Dir, "fleets", "a", "ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "fleets", "b", "ca.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := s.Load("b")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WithToken("x"); err == nil {
		t.Fatal("a token was made with another fleet's CA")
	}
	if err := os.Remove(filepath.Join(s.Dir, "fleets", "b", "ca.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WithToken("x"); !errors.Is(err, ErrNoCA) {
		t.Fatalf("without a CA: error %v, want %v", err, ErrNoCA)
	}
}

func TestStoreRemembersItsImages(t *testing.T) {
	s := testStore(t)
	f, err := s.New("a", false)
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.WithToken(f, "card")
	if err != nil {
		t.Fatal(err)
	}
	images, err := s.Images("a")
	if err != nil || len(images) != 1 || images[0].Serial != m.Token.Serial() || images[0].Name != "card" {
		t.Fatalf("images %v, error %v, want %s", images, err, m.Token.Serial())
	}
}

// reverse is a lock for tests.
type reverse struct{}

func (reverse) Seal(b []byte) ([]byte, error) { b = slices.Clone(b); slices.Reverse(b); return b, nil }
func (reverse) Open(b []byte) ([]byte, error) { return reverse{}.Seal(b) }

func TestStoreLocksKeys(t *testing.T) {
	s := testStore(t)
	s.Lock = reverse{}
	made, err := s.New("a", true)
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Load("a")
	if err != nil || !f.Key.Equal(made.Key) {
		t.Fatalf("what was locked is not opened: %v", err)
	}
	if _, err := f.CA(); err != nil {
		t.Fatal(err)
	}
	s.Lock = nil
	if _, err := s.Load("a"); !errors.Is(err, ErrLocked) {
		t.Fatalf("without the lock: error %v, want %v", err, ErrLocked)
	}
}
