package fat

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/test/need"
)

var noon = time.Date(2026, 11, 22, 12, 0, 4, 0, time.UTC)

// some returns bytes that differ from file to file.
func some(seed uint64, n int) []byte {
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	data := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(data) // it cannot fail
	return data
}

// files of all kinds: empty ones, sizes at a cluster's edges, deep folders, names of which each needs a long one.
func mixed() []File {
	files := []File{
		Bytes("BOOT.BIN", some(1, 123456)),
		Bytes("boot.bin.old", some(2, 1)),
		Bytes("extlinux/extlinux.conf", []byte("default capo\n")),
		Bytes("EFI/BOOT/BOOTX64.EFI", some(3, 3<<20+17)),
		Bytes("EFI/BOOT/BOOTAA64.EFI", some(4, 4096)),
		Bytes("bcm2711-rpi-4-b.dtb", some(5, 4097)),
		Bytes("bcm2711-rpi-400.dtb", some(6, 512)),
		Bytes("bcm2711-rpi-cm4.dtb", nil),
		Bytes("overlays/größer als acht.dtbo", some(7, 511)),
		Bytes("a/b/c/d/e/"+strings.Repeat("long ", 50)+"name", some(8, 99999)),
		Bytes(".hidden", some(9, 10)),
		Bytes("two.dots.here", some(10, 10)),
		Bytes("+[];,=", some(11, 10)),
	}
	for i := range 300 { // a folder of several clusters
		files = append(files, Bytes(fmt.Sprintf("many/a long name number %d", i), some(uint64(i), i)))
	}
	return files
}

func write(t *testing.T, o Options, files []File) (*Volume, string) {
	t.Helper()
	v, err := New(o, files)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "volume")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, err := v.WriteTo(f)
	if err != nil || n != o.Size {
		t.Fatalf("wrote %d of %d bytes: %v", n, o.Size, err)
	}
	return v, path
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	cmd := exec.Command(need.Command(t, name), args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestOthersReadWhatIsWritten(t *testing.T) {
	for _, size := range []int64{MinSize, 63 << 20, 127 << 20, 300 << 20} {
		t.Run(fmt.Sprint(size>>20), func(t *testing.T) {
			files := mixed()
			v, path := write(t, Options{Size: size, Start: 2048, Label: "capo", ID: 0x12345678, Time: noon}, files)
			fsck := run(t, "fsck.fat", "-n", "-v", path)
			for _, want := range []string{"Checking we can access", "2 FATs, 32 bit entries", fmt.Sprintf("%d bytes per cluster", v.ClusterSize()), "2048 hidden sectors"} {
				if !strings.Contains(fsck, want) {
					t.Errorf("fsck.fat does not say %q:\n%s", want, fsck)
				}
			}
			out := t.TempDir()
			run(t, "mcopy", "-i", path, "-s", "-m", "-n", "::*", out)
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range files {
				want, err := os.ReadFile(filepath.Join(out, f.Path))
				if err != nil {
					t.Fatal(err)
				}
				r, _ := f.Open() // of memory: it cannot fail
				have, _ := io.ReadAll(r)
				if !bytes.Equal(have, want) {
					t.Fatalf("%s: mcopy read other bytes", f.Path)
				}
				at, ok := v.Offset(f.Path)
				if ok != (f.Size > 0) || !bytes.Equal(raw[at:at+f.Size], have) && ok {
					t.Errorf("file %d, %s, is not at %d (%v)", i, f.Path, at, ok)
				}
			}
			if info := run(t, "mdir", "-i", path, "::BOOT.BIN"); !strings.Contains(info, "Volume in drive : is CAPO") || !strings.Contains(info, "1234-5678") || !strings.Contains(info, "2026-11-22  12:00") {
				t.Errorf("mdir says:\n%s", info)
			}
		})
	}
}

func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	o := Options{Size: MinSize, Label: "CAPO", ID: 1, Time: noon}
	var sums []string
	for range 2 {
		v, err := New(o, mixed())
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		if _, err := v.WriteTo(h); err != nil {
			t.Fatal(err)
		}
		sums = append(sums, fmt.Sprintf("%x", h.Sum(nil)))
	}
	if sums[0] != sums[1] {
		t.Error("the same files gave two volumes")
	}
}

func TestNewRefuses(t *testing.T) {
	tests := []struct {
		name  string
		size  int64
		files []File
		want  string
	}{
		{"too small a volume", MinSize - SectorSize, nil, "cannot be made"},
		{"half a sector", MinSize + 1, nil, "cannot be made"},
		{"an absolute path", MinSize, []File{Bytes("/a", nil)}, "not a path"},
		{"a path that leaves", MinSize, []File{Bytes("../a", nil)}, "not a path"},
		{"no path", MinSize, []File{Bytes("", nil)}, "not a path"},
		{"two names that differ in case", MinSize, []File{Bytes("dir/A", nil), Bytes("dir/a", nil)}, "two of that name"},
		{"a file in a file", MinSize, []File{Bytes("a", nil), Bytes("a/b", nil)}, "a file and a folder"},
		{"a file named as a folder", MinSize, []File{Bytes("a/b", nil), Bytes("a", nil)}, "two of that name"},
		{"a character", MinSize, []File{Bytes("a:b", nil)}, "forbids"},
		{"a dot at the end", MinSize, []File{Bytes("a.", nil)}, "ends with a dot"},
		{"a long name", MinSize, []File{Bytes(strings.Repeat("x", 256), nil)}, "longer"},
		{"a large file", MinSize, []File{{Path: "x", Size: 1 << 32}}, "do not fit"},
	}
	for _, tt := range tests {
		if _, err := New(Options{Size: tt.size}, tt.files); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	_, err := New(Options{Size: MinSize}, []File{Bytes("small", []byte("x")), {Path: "too/much", Size: MinSize}})
	if !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "too/much") {
		t.Errorf("files that do not fit: %v", err)
	}
}

func TestAVolumeMayBeFull(t *testing.T) {
	o := Options{Size: MinSize}
	v, err := New(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	room := int64(v.clusters-1) * v.ClusterSize()
	v, path := write(t, o, []File{{Path: "all", Size: room, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.LimitReader(rand.NewChaCha8([32]byte{}), room)), nil
	}}})
	if v.Used() > o.Size || v.Used() <= o.Size-v.ClusterSize() {
		t.Errorf("%d of %d bytes are used", v.Used(), o.Size)
	}
	run(t, "fsck.fat", "-n", path)
	if _, err := New(o, []File{{Path: "all", Size: room + 1}}); !errors.Is(err, ErrFull) {
		t.Errorf("one byte more: %v", err)
	}
}

func TestWritingStopsAtAFileThatIsNotAsSaid(t *testing.T) {
	lost := errors.New("lost")
	for name, open := range map[string]func() (io.ReadCloser, error){
		"shorter": func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("abc")), nil },
		"gone":    func() (io.ReadCloser, error) { return nil, lost },
	} {
		v, err := New(Options{Size: MinSize}, []File{{Path: "dir/file", Size: 4, Open: open}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.WriteTo(io.Discard); err == nil || !strings.Contains(err.Error(), "dir/file") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestShortNames(t *testing.T) {
	taken := map[short]bool{}
	for _, tt := range []struct {
		name, want string
		exact      bool
	}{
		{"BOOT.BIN", "BOOT    BIN", true},
		{"boot.img", "BOOT    IMG", false},
		{"extlinux.conf", "EXTLIN~1CON", false},
		{"EXTLINUX.CONF", "EXTLIN~2CON", false},
		{"BOOT.Bin", "BOOT~1  BIN", false},
		{".hidden", "HIDDEN~1   ", false},
		{"größe", "GR__E~1    ", false},
	} {
		s, exact, err := shortName(tt.name, taken)
		if err != nil || exact != tt.exact || string(s[:]) != tt.want {
			t.Errorf("%s: %q %v %v, want %q %v", tt.name, s[:], exact, err, tt.want, tt.exact)
		}
		taken[s] = true
	}
}
