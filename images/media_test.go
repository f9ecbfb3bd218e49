package images

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/images/fat"
	"github.com/capodekappa/capo/test/need"
)

// sample are contents that need no kernel and no package.
func sample(b *board.Board) *contents {
	b.Linux = &board.Linux{DTB: "maker/board.dtb"}
	return &contents{board: b, release: "6.1", cmdline: "console=ttyPS0 quiet", kernel: bytes.Repeat([]byte("kernel "), 100000),
		initrd: bytes.Repeat([]byte("initrd"), 100000), dtb: []byte("tree"), dtbs: []fat.File{fat.Bytes("board.dtb", []byte("tree"))}, time: time.Unix(1700000000, 0), seed: "seed"}
}

func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	cmd := exec.Command(need.Command(t, name), args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// unpackCard has others check a card and returns the files of its first partition.
func unpackCard(t *testing.T, image string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	volume := filepath.Join(t.TempDir(), "volume")
	if err := os.WriteFile(volume, data[mebibyte:], 0o600); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	tool(t, "fsck.fat", "-n", volume)
	tool(t, "mcopy", "-i", volume, "-s", "-n", "::*", out)
	files := map[string]string{}
	err = filepath.WalkDir(out, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(out, path) // it is below out
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func writeSample(t *testing.T, c *contents, format string) (string, *Result) {
	t.Helper()
	r := &Result{}
	o := Options{Format: format, Out: filepath.Join(t.TempDir(), "out")}
	if err := c.write(t.Context(), NewSource("", nil), o, r); err != nil {
		t.Fatal(err)
	}
	return o.Out, r
}

func TestCardForUBoot(t *testing.T) {
	c := sample(&board.Board{Name: "zedboard", Arch: "arm", Boot: &board.Boot{Loader: board.LoaderUBoot}})
	c.boot = []fat.File{fat.Bytes("BOOT.BIN", []byte("spl"))}
	c.raw = []rawPart{{kind: 0xa2, data: bytes.Repeat([]byte("u-boot"), 200000)}}
	image, r := writeSample(t, c, FormatSD)
	if r.Bytes != smallestCard {
		t.Errorf("%d bytes, want %d", r.Bytes, smallestCard)
	}
	var table struct {
		PartitionTable struct {
			ID         string
			Partitions []struct {
				Start, Size int64
				Type        string
			}
		}
	}
	if err := json.Unmarshal([]byte(tool(t, "sfdisk", "--json", image)), &table); err != nil {
		t.Fatal(err)
	}
	parts := table.PartitionTable.Partitions
	if len(parts) != 2 || parts[0].Start != 2048 || parts[0].Type != "c" || parts[1].Type != "a2" || parts[1].Size != 4096 {
		t.Errorf("partitions %+v", parts)
	}
	data, err := os.ReadFile(image)
	if err != nil || !bytes.Equal(data[parts[1].Start*512:][:1200000], c.raw[0].data) {
		t.Errorf("the raw partition has other bytes (%v)", err)
	}
	want := map[string]string{
		"BOOT.BIN": "spl", "kernel": string(c.kernel), "initrd": string(c.initrd), "board.dtb": "tree",
		"extlinux/extlinux.conf": "default capo\nlabel capo\n  kernel /kernel\n  initrd /initrd\n  fdt /board.dtb\n  append console=ttyPS0 quiet\n",
	}
	if diff := cmp.Diff(want, unpackCard(t, image)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestCardForARaspberryPi(t *testing.T) {
	c := sample(&board.Board{Name: "pi", Arch: "arm64", Boot: &board.Boot{Loader: board.LoaderRaspi, Config: []string{"enable_uart=1"}}})
	image, _ := writeSample(t, c, FormatSD)
	files := unpackCard(t, image)
	if want := "kernel=kernel8.img\ninitramfs initrd followkernel\narm_64bit=1\nenable_uart=1\n"; files["config.txt"] != want || files["cmdline.txt"] != c.cmdline+"\n" {
		t.Errorf("config.txt = %q, cmdline.txt = %q", files["config.txt"], files["cmdline.txt"])
	}
	r, err := gzip.NewReader(strings.NewReader(files["kernel8.img"]))
	if err != nil {
		t.Fatal(err)
	}
	if kernel, err := io.ReadAll(r); err != nil || !bytes.Equal(kernel, c.kernel) {
		t.Errorf("kernel8.img unpacks to something else (%v)", err)
	}
}

func TestNetbootFolderHoldsWhatAClientAsksFor(t *testing.T) {
	for name, tt := range map[string]struct {
		board board.Board
		want  []string
	}{
		"uboot": {board.Board{Arch: "arm", Boot: &board.Boot{Loader: board.LoaderUBoot}}, []string{"board.dtb", "cmdline", "initrd", "kernel", "netboot.json", "pxelinux.cfg"}},
		"raspi": {board.Board{Arch: "arm64", Boot: &board.Boot{Loader: board.LoaderRaspi}}, []string{"board.dtb", "cmdline", "cmdline.txt", "config.txt", "initrd", "kernel8.img", "netboot.json"}},
		"uefi":  {board.Board{Arch: "arm64", Boot: &board.Boot{Loader: board.LoaderUEFI}}, []string{"BOOTAA64.EFI", "board.dtb", "boot.ipxe", "cmdline", "initrd", "kernel", "netboot.json"}},
	} {
		dir, _ := writeSample(t, sample(&tt.board), FormatNetboot)
		var got []string
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			got = append(got, e.Name())
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAnImageMayBeCompressed(t *testing.T) {
	c := sample(&board.Board{Arch: "arm", Boot: &board.Boot{Loader: board.LoaderUBoot}})
	plain, _ := writeSample(t, c, FormatSD)
	out := filepath.Join(t.TempDir(), "card.img.zst")
	r := &Result{}
	var told int64
	if err := c.write(t.Context(), nil, Options{Format: FormatSD, Out: out, Progress: func(done, _ int64) { told = done }}, r); err != nil {
		t.Fatal(err)
	}
	packed, err := os.ReadFile(out)
	if err != nil || r.Bytes != int64(len(packed)) || told != smallestCard {
		t.Errorf("%d bytes, the result says %d and progress %d (%v)", len(packed), r.Bytes, told, err)
	}
	unpacked := filepath.Join(t.TempDir(), "card.img")
	if err := Unpack(unpacked, out); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(unpacked)
	if want, readErr := os.ReadFile(plain); err != nil || readErr != nil || !bytes.Equal(data, want) {
		t.Errorf("it unpacks to something else (%v, %v)", err, readErr)
	}
	if err := os.WriteFile(out, packed[:len(packed)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(t.TempDir(), "half.img")
	if err := Unpack(half, out); err == nil || isFile(half) {
		t.Errorf("half of it unpacks: %v", err)
	}
}

func TestGivenFilesAreNamedAllAtOnce(t *testing.T) {
	b := &board.Board{Name: "b", Boot: &board.Boot{Given: []board.Given{{To: "one.bin", Why: "its licence forbids"}, {To: "sub/two.bin", Why: "the vendor's tool makes it"}}}}
	_, err := givenFiles(b, "")
	for _, want := range []string{"one.bin: its licence forbids", "sub/two.bin: the vendor's", "--files"} {
		if !errors.Is(err, ErrGiven) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "one.bin"), []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := givenFiles(b, dir); !errors.Is(err, ErrGiven) || strings.Contains(err.Error(), "one.bin") || !strings.Contains(err.Error(), "sub/two.bin") {
		t.Errorf("with one of two: %v", err)
	}
	b.Boot.Given = b.Boot.Given[:1]
	if files, err := givenFiles(b, dir); err != nil || len(files) != 1 || files[0].Path != "one.bin" {
		t.Errorf("%v, %v", files, err)
	}
}

func TestAFolderIsReplacedOnlyIfItIsAnImage(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b := &board.Board{Name: "b", Formats: []string{FormatQEMU}}
	o := Options{Out: dir}
	if err := o.complete(b); err == nil || !strings.Contains(err.Error(), "something else") {
		t.Errorf("a folder with a thesis: %v", err)
	}
	out := filepath.Join(t.TempDir(), "image")
	for range 2 {
		if err := sample(b).write(t.Context(), nil, Options{Format: FormatQEMU, Out: out}, &Result{}); err != nil {
			t.Fatal(err)
		}
	}
	o = Options{Out: out}
	if err := o.complete(b); err != nil {
		t.Errorf("an image: %v", err)
	}
	left, err := os.ReadDir(filepath.Dir(out))
	if err != nil || len(left) != 1 {
		t.Errorf("left beside it: %v, %v", left, err)
	}
}

func TestWhatGoesWrongLeavesNothingBehind(t *testing.T) {
	c := sample(&board.Board{Arch: "arm", Boot: &board.Boot{Loader: board.LoaderUBoot}})
	lost := errors.New("the card reader is gone")
	c.boot = []fat.File{{Path: "late", Size: 5, Open: func() (io.ReadCloser, error) { return nil, lost }}}
	for _, format := range []string{FormatSD, FormatNetboot} {
		out := filepath.Join(t.TempDir(), "out")
		c.board.Boot.Loader = map[string]string{FormatSD: board.LoaderUBoot, FormatNetboot: board.LoaderRaspi}[format]
		if err := c.write(t.Context(), nil, Options{Format: format, Out: out}, &Result{}); !errors.Is(err, lost) {
			t.Errorf("%s: %v", format, err)
		}
		if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) > 0 {
			t.Errorf("%s left %v (%v)", format, left, err)
		}
	}
}

func TestOptionsAreRefusedEarly(t *testing.T) {
	b := &board.Board{Name: "b", Formats: []string{FormatSD, FormatNetboot}, Boot: &board.Boot{Loader: board.LoaderUBoot}}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		o    Options
		want string
	}{
		"another format":       {Options{Format: FormatEFI}, "sd, netboot"},
		"a key alone":          {Options{SecureBootKey: "x"}, "a key and its certificate"},
		"signing without UEFI": {Options{SecureBootKey: "x", SecureBootCert: "x"}, "does not boot by UEFI"},
		"a folder for a file":  {Options{Out: t.TempDir()}, "is a folder"},
		"a file for a folder":  {Options{Format: FormatNetboot, Out: file}, "not a directory"},
		"no such folder":       {Options{Out: filepath.Join(t.TempDir(), "no", "image")}, "there is no folder"},
		"a device":             {Options{Out: os.DevNull}, "capo flash"},
		"a file below a file":  {Options{Out: filepath.Join(file, "x")}, "not a directory"},
	} {
		if err := tt.o.complete(b); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	o := Options{}
	if err := o.complete(b); err != nil || o.Out != "b.img" || o.Format != FormatSD {
		t.Errorf("%+v, %v", o, err)
	}
	if missing := (&Options{}).complete(&board.Board{Name: "new", Missing: "its network driver"}); missing == nil || !strings.Contains(missing.Error(), "its network driver") {
		t.Errorf("a board that misses something: %v", missing)
	}
	if !slices.Contains(markers, "netboot.json") {
		t.Error("a netboot folder would not be known again")
	}
}
