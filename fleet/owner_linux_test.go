package fleet

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/capodekappa/capo/test/need"
)

func TestStoreUnderSudoBelongsToTheInvokingUser(t *testing.T) {
	need.Root(t)
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatalf("every Linux has the user nobody: %v", err)
	}
	t.Setenv("SUDO_USER", "nobody")
	t.Setenv("XDG_CONFIG_HOME", "/elsewhere")
	s, err := OpenStore()
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(nobody.HomeDir, ".config", "capo"); s.Dir != want {
		t.Fatalf("folder %s, want %s", s.Dir, want)
	}
	s.Dir = filepath.Join(t.TempDir(), "config", "capo")
	if _, err := s.New("dev", false); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"..", ".", "current", "fleets", "fleets/dev", "fleets/dev/operator.key"} {
		info, err := os.Stat(filepath.Join(s.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if uid := info.Sys().(*syscall.Stat_t).Uid; strconv.Itoa(int(uid)) != nobody.Uid {
			t.Errorf("%s belongs to %d, want %s", name, uid, nobody.Uid)
		}
	}
}
