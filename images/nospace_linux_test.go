package images

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/capodekappa/capo/test/need"
)

// TestAFullDiskLeavesNoPackageThatLooksWhole unpacks four megabytes into a cache that has one.
func TestAFullDiskLeavesNoPackageThatLooksWhole(t *testing.T) {
	need.Root(t)
	cache, dist := t.TempDir(), t.TempDir()
	if err := unix.Mount("small", cache, "tmpfs", 0, "size=1m"); err != nil {
		need.Missing(t, "to mount a tmpfs: "+err.Error())
	}
	t.Cleanup(func() { _ = unix.Unmount(cache, 0) }) // the test's folder goes away with it or says so
	t.Setenv("XDG_CACHE_HOME", cache)
	data := deb(t, "", func(w io.Writer) io.WriteCloser { return nopCloser{w} }, map[string]string{"large": strings.Repeat("x", 4<<20)})
	pin := Pin{Name: "x", Arch: "all", Suite: "s", Package: "x", Version: "1", SHA256: fmt.Sprintf("%x", sha256.Sum256(data))}
	if err := os.WriteFile(filepath.Join(dist, pin.file()), data, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := NewSource(dist, nil).unpacked(t.Context(), pin, "package", unpackDeb)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "make room") {
		t.Errorf("unpacked = %v", err)
	}
	entries, err := os.ReadDir(filepath.Join(cache, "capo", "package"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			t.Errorf("left behind: %s", e.Name())
		}
	}
}
