package images

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/u-root/u-root/pkg/cpio"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/test/need"
)

// TestTheSameInputGivesTheSameBytes makes the whole initramfs twice, past the cache.
func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	need.Command(t, "apt-get")
	b, err := board.Load("qemu-amd64")
	if err != nil {
		t.Fatal(err)
	}
	s := NewSource("", nil)
	l, err := s.Linux(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	// A small executable stands in for the node: compressing that one takes seconds.
	node := filepath.Join(t.TempDir(), "init")
	if err := os.WriteFile(node, bytes.Repeat([]byte("not really a program "), 50000), 0o700); err != nil {
		t.Fatal(err)
	}
	one, err := initramfs(b, l, node)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(node, time.Unix(0, 0), time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	two, err := initramfs(b, l, node)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one, two) {
		t.Error("the same input gave two initramfs")
	}
	have := unpack(t, one)
	for _, name := range []string{"init", "capo/board.json", "dev/console", "dev/null", "lib/modules/" + l.Release + "/modules.dep",
		"lib/modules/" + l.Release + "/kernel/drivers/net/virtio_net.ko", "lib/modules/" + l.Release + "/kernel/net/core/failover.ko"} {
		if _, ok := have[name]; !ok {
			t.Errorf("the initramfs lacks %s", name)
		}
	}
	for name, r := range have {
		if r.MTime != 0 || r.UID != 0 {
			t.Errorf("%s has the time %d and the owner %d", name, r.MTime, r.UID)
		}
	}
}

func unpack(t *testing.T, archive []byte) map[string]cpio.Record {
	t.Helper()
	raw, err := decompress(".zst", bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(raw); err != nil {
		t.Fatal(err)
	}
	records, err := cpio.ReadAllRecords(cpio.Newc.Reader(bytes.NewReader(b.Bytes())))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]cpio.Record{}
	for _, r := range records {
		out[r.Name] = r
	}
	return out
}

// TestImageIsSmallAndReproducible builds a real image twice, the second time with nothing in the cache but Linux.
func TestImageIsSmallAndReproducible(t *testing.T) {
	need.Command(t, "apt-get")
	s := NewSource("", nil)
	build := func(dir string) *Result {
		t.Helper()
		r, err := s.Build(t.Context(), Options{Board: "qemu-amd64", Out: dir, Fleet: []byte("{}"), Size: 1, Labels: map[string]string{"a": "b"}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	one := build(filepath.Join(t.TempDir(), "one"))
	emptyCache(t)
	two := build(filepath.Join(t.TempDir(), "two"))
	if one.SHA256 != two.SHA256 || one.Bytes != two.Bytes {
		t.Errorf("two builds differ: %+v, %+v", one, two)
	}
	t.Logf("Linux and initramfs: %.1f MB", float64(one.Bytes)/1e6)
	if one.Bytes > 30e6 {
		t.Errorf("the image has %d bytes, more than 30 MB", one.Bytes)
	}
	text, err := os.ReadFile(filepath.Join(one.Path, "machine.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m machineFile
	if err := json.Unmarshal(text, &m); err != nil || m.Board != "qemu-amd64" || m.Kernel != "vmlinuz" || m.Initrd != "initrd" {
		t.Errorf("machine.json = %s, %v", text, err)
	}
	info, err := os.Stat(filepath.Join(one.Path, "initrd"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the initrd, which has the fleet's token, has mode %v, %v", info.Mode(), err)
	}
}

// TestNodeBuildIsReproducibleLong builds the node from two copies of the source.
func TestNodeBuildIsReproducibleLong(t *testing.T) {
	need.Long(t)
	checkout, ok := findCheckout()
	if !ok {
		t.Fatal("not in a checkout")
	}
	elsewhere := filepath.Join(t.TempDir(), "copy")
	if out, err := exec.Command("cp", "-r", checkout, elsewhere).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var sums []string
	for _, dir := range []string{checkout, elsewhere} {
		path, err := NewSource("", nil).buildNode(t.Context(), dir, "linux", "amd64")
		if err != nil {
			t.Fatal(err)
		}
		sum, err := fileSHA256(path)
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, sum)
	}
	if sums[0] != sums[1] {
		t.Errorf("two copies of one source gave %s and %s", sums[0], sums[1])
	}
}

// emptyCache sets a cache that has only the kernels of the one before.
func emptyCache(t *testing.T) {
	t.Helper()
	old, err := CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	goCache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOCACHE", strings.TrimSpace(string(goCache))) // building everything again takes minutes
	cache := t.TempDir()
	if err := os.Mkdir(filepath.Join(cache, "capo"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(old, "linux"), filepath.Join(cache, "capo", "linux")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", cache)
}

// TestAPackageThatIsGoneIsReplacedAndSaidSoLong asks the archive for versions that it does not have: of a kernel, whose name
// changes with the version, of a package for another processor, and of a source.
func TestAPackageThatIsGoneIsReplacedAndSaidSoLong(t *testing.T) {
	need.Long(t)
	need.Command(t, "apt-get")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for _, name := range []string{"debian-cloud-amd64", "systemd-boot-arm64", "u-boot-source"} {
		pin, err := pinOf(name)
		if err != nil {
			t.Fatal(err)
		}
		pin.Version = "6.1.999-1"
		pin.SHA256 = fmt.Sprintf("%064d", len(name))
		var log bytes.Buffer
		f, err := NewSource("", slog.New(slog.NewTextHandler(&log, nil))).fetch(t.Context(), pin)
		if err != nil {
			t.Fatal(err)
		}
		defer f.remove()
		for _, want := range []string{"6.1.999-1", filepath.Base(f.path), f.sha256, "level=WARN"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%s: the log lacks %q:\n%s", name, want, log.String())
			}
		}
		if got := substitute(pin); got != f.sha256 {
			t.Errorf("%s: the next build would look for %q, not %q", name, got, f.sha256)
		}
	}
}

// TestAPackageThatNeverWasIsAnErrorThatNamesItLong asks for a package that no archive has in any version.
func TestAPackageThatNeverWasIsAnErrorThatNamesItLong(t *testing.T) {
	need.Long(t)
	need.Command(t, "apt-get")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	pin := Pin{Name: "x", Arch: "arm64", Suite: "bookworm", Package: "linux-image-of-nobody", Version: "1", SHA256: strings.Repeat("0", 64)}
	_, err := NewSource("", nil).unpacked(t.Context(), pin, "package", unpackDeb)
	if err == nil || !strings.Contains(err.Error(), "linux-image-of-nobody") {
		t.Errorf("unpacked = %v", err)
	}
}
