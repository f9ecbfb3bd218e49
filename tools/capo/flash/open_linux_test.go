package flash

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/capodekappa/capo/test/need"
)

// blank makes a file of n bytes of something old.
func blankFile(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "card")
	if err := os.WriteFile(path, bytes.Repeat([]byte("old "), n/4), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func writeTo(t *testing.T, path string) error {
	t.Helper()
	m, err := Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	err = Write(t.Context(), m, picture(imageSize), imageSize, nil)
	return errors.Join(err, m.Close())
}

func TestAFileMayStandForACard(t *testing.T) {
	path := blankFile(t, 12*mebibyte)
	if err := writeTo(t, path); err != nil {
		t.Fatal(err)
	}
	want, err := io.ReadAll(picture(imageSize))
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile(path)
	if err != nil || len(have) != 12*mebibyte || !bytes.Equal(have[:imageSize], want) {
		t.Errorf("the file has %d bytes, %v", len(have), err)
	}
	m, err := Open(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := Compare(t.Context(), m, picture(imageSize), imageSize, nil, nil); err != nil {
		t.Errorf("reading it back: %v", err)
	}
	if _, err := m.WriteAt([]byte("x"), 0); err == nil {
		t.Error("a medium that was opened for comparing can be written")
	}
}

func TestOpenRefusesWhatIsNoMedium(t *testing.T) {
	if _, err := Open(t.TempDir(), true); !errors.Is(err, ErrRefused) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "nothing"), true); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
}

// loop gives a file a device, as an inserted card has one.
func loop(t *testing.T, file string) string {
	t.Helper()
	need.Root(t)
	losetup := need.Command(t, "losetup")
	out, err := exec.Command(losetup, "--find", "--show", file).CombinedOutput()
	if err != nil {
		need.Missing(t, "loop devices: "+err.Error()+": "+string(out))
	}
	device := strings.TrimSpace(string(out))
	t.Cleanup(func() { _ = exec.Command(losetup, "--detach", device).Run() })
	return device
}

func TestADeviceIsWrittenAndReadBack(t *testing.T) {
	file := blankFile(t, 12*mebibyte)
	device := loop(t, file)
	d, err := Local().Find(device)
	if err != nil {
		t.Fatal(err)
	}
	if d.Bytes != 12*mebibyte || d.System || len(d.Uses) > 0 {
		t.Errorf("%+v", d)
	}
	if err := writeTo(t, device); err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want, err := io.ReadAll(picture(imageSize))
	if err != nil || !bytes.Equal(have[:imageSize], want) {
		t.Errorf("the file behind the device holds something else, %v", err)
	}
}

func TestADeviceThatLosesItsEndIsAnError(t *testing.T) {
	file := blankFile(t, 12*mebibyte)
	device := loop(t, file)
	m, err := Open(device, true)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	cut := func(stage string, done, _ int64) {
		if stage == "writing" && done > 4*mebibyte {
			if err := os.Truncate(file, 0); err != nil {
				t.Error(err)
			}
			_ = exec.Command("losetup", "--set-capacity", device).Run() // as if the card were pulled out
		}
	}
	err = Write(t.Context(), m, picture(imageSize), imageSize, cut)
	if err == nil {
		t.Fatal("no error")
	}
	t.Log(err)
	if data, err := os.ReadFile(file); err != nil || len(data) >= sector && !bytes.Equal(data[:sector], make([]byte, sector)) {
		t.Errorf("%d bytes are left and look whole, %v", len(data), err)
	}
}

func TestAMountedDeviceIsRefused(t *testing.T) {
	file := blankFile(t, 12*mebibyte)
	device := loop(t, file)
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	if out, err := exec.Command(need.Command(t, "mkfs.ext4"), "-q", "-F", device).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v\n%s", err, out)
	}
	dir := t.TempDir()
	if err := unix.Mount(device, dir, "ext4", unix.MS_RDONLY, ""); err != nil {
		need.Missing(t, "to mount ext4: "+err.Error())
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, 0) })
	d, err := Local().Find(device)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Check(true); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "mounted at "+dir) {
		t.Errorf("Check: %v", err)
	}
	if m, err := Open(device, true); !errors.Is(err, ErrRefused) {
		t.Errorf("Open: %v, %v", m, err)
	}
}
