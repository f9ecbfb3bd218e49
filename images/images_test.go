package images

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/u-root/u-root/pkg/cpio"
	"github.com/ulikunitz/xz"

	"github.com/capodekappa/capo/board"
)

func TestLockHasTheKernelOfEveryBoard(t *testing.T) {
	for _, name := range board.Names() {
		b, err := board.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if b.Linux == nil || isRecipe(b.Linux.Package) {
			continue
		}
		if _, err := pinOf(b.Linux.Package); err != nil {
			t.Errorf("board %s: %v", name, err)
		}
	}
}

func TestReadLockRefuses(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	for _, text := range []string{
		`{`, `{"x":{"arch":"amd64","suite":"s","package":"p","version":"1","sha256":"abcd"}}`,
		`{"x":{"arch":"","suite":"s","package":"p","version":"1","sha256":"` + sum + `"}}`,
		`{"x":{"arch":"a","suite":"s","package":"p","sha256":"` + sum + `"}}`,
	} {
		if _, err := ReadLock([]byte(text)); err == nil {
			t.Errorf("ReadLock(%s) succeeded", text)
		}
	}
}

func TestDebianSources(t *testing.T) {
	root := fstest.MapFS{
		"etc/apt/sources.list":             {Data: []byte("# deb http://a.example/debian x main\ndeb [arch=amd64] http://b.example/debian/ bookworm main\ndeb-src http://c.example/debian bookworm main\n")},
		"etc/apt/sources.list.d/x.sources": {Data: []byte("Types: deb\nURIs: http://d.example/debian-security http://e.example/ubuntu\nSuites: x\n")},
		"etc/apt/sources.list.d/y.list":    {Data: []byte("deb http://b.example/debian trixie main\n")},
	}
	got := debianSources(root, "")
	if diff := cmp.Diff([]string{"http://b.example/debian", "http://d.example/debian-security"}, got); diff != "" {
		t.Errorf("debianSources (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"http://m.example/debian"}, debianSources(root, "http://m.example/debian/")); diff != "" {
		t.Errorf("with a mirror (-want +got):\n%s", diff)
	}
	if got := debianSources(fstest.MapFS{}, ""); len(got) != 0 {
		t.Errorf("nothing gave %v", got)
	}
	list := sourcesList(got, Pin{Suite: "bookworm"}, "amd64")
	for _, want := range []string{"] http://b.example/debian bookworm main\n", "] http://d.example/debian-security bookworm-security main\n"} {
		if !strings.Contains(list, want) {
			t.Errorf("the list lacks %q:\n%s", want, list)
		}
	}
}

// deb makes a package with one data archive.
func deb(t testing.TB, ext string, compress func(io.Writer) io.WriteCloser, files map[string]string) []byte {
	t.Helper()
	var data bytes.Buffer
	z := compress(&data)
	w := tar.NewWriter(z)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: "./" + name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte(text)) // into memory
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	b.WriteString("!<arch>\n")
	for _, m := range []struct{ name, data string }{{"debian-binary", "2.0\n"}, {"control.tar", "odd"}, {"data.tar" + ext, data.String()}} {
		fmt.Fprintf(&b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n%s", m.name, 0, 0, 0, "100644", len(m.data), m.data)
		if len(m.data)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func TestDebFilesInEveryCompression(t *testing.T) {
	compressions := map[string]func(io.Writer) io.WriteCloser{
		"":     func(w io.Writer) io.WriteCloser { return nopCloser{w} },
		".gz":  func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		".xz":  func(w io.Writer) io.WriteCloser { z, _ := xz.NewWriter(w); return z },
		".zst": func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z },
	}
	want := map[string]string{"boot/vmlinuz-6.1": "kernel", "lib/modules/6.1/x.ko": "module"}
	for ext, compress := range compressions {
		got := map[string]string{}
		err := debFiles(bytes.NewReader(deb(t, ext, compress, want)), func(name string, _ int64, r io.Reader) error {
			text, err := io.ReadAll(r)
			got[name] = string(text)
			return err
		})
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("data.tar%s: %v (-want +got):\n%s", ext, err, diff)
		}
	}
}

func TestXZWithAndWithoutTheProgram(t *testing.T) {
	var data bytes.Buffer
	z, err := xz.NewWriter(&data)
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte("kernel "), 1<<16)
	if _, err := z.Write(want); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{os.Getenv("PATH"), t.TempDir()} {
		t.Setenv("PATH", path)
		r, err := decompress(".xz", bytes.NewReader(data.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); !bytes.Equal(got, want) || err != nil {
			t.Errorf("PATH %s: %d bytes, %v", path, len(got), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if r, err = decompress(".xz", bytes.NewReader(data.Bytes()[:data.Len()-20])); err == nil {
			_, err = io.ReadAll(r)
		}
		if err == nil {
			t.Errorf("PATH %s: no error for half a file", path)
		}
	}
}

func FuzzDebFiles(f *testing.F) {
	f.Add(deb(f, "", func(w io.Writer) io.WriteCloser { return nopCloser{w} }, map[string]string{"a": "b"}))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_ = debFiles(bytes.NewReader(data), func(_ string, _ int64, r io.Reader) error {
			_, err := io.Copy(io.Discard, io.LimitReader(r, 1<<20))
			return err
		})
	})
}

func TestKernelFileKeepsOnlyWhatIsNeededAndStaysInside(t *testing.T) {
	tests := []struct{ name, want, release string }{
		{"boot/vmlinuz-6.1.0-50", "vmlinuz", "6.1.0-50"},
		{"lib/modules/6.1/kernel/a/b.ko", "modules/kernel/a/b.ko", ""},
		{"usr/lib/modules/6.1/kernel/a/b.ko", "modules/kernel/a/b.ko", ""},
		{"lib/modules/6.1/modules.builtin", "modules/modules.builtin", ""},
		{"lib/modules/6.1/modules.order", "", ""},
		{"boot/config-6.1", "", ""},
		{"usr/lib/linux-image-6.1.0-50-arm64/broadcom/a.dtb", "dtbs/broadcom/a.dtb", ""},
		{"usr/lib/linux-image-6.1/../../../a.dtb", "", ""},
		{"lib/modules/../../../etc/x.ko", "", ""},
		{"lib/modules/6.1/../../../x.ko", "", ""},
	}
	for _, tt := range tests {
		release := ""
		if got := kernelFile(tt.name, &release); got != tt.want || release != tt.release {
			t.Errorf("kernelFile(%s) = %q, release %q", tt.name, got, release)
		}
	}
}

func TestParseModinfo(t *testing.T) {
	depends, aliases := parseModinfo([]byte("license=GPL\x00alias=virtio:d1v*\x00alias=a b\x00depends=net_failover,virtio\x00\x00name=x\x00depends=\x00rest"))
	if diff := cmp.Diff([]string{"net_failover", "virtio"}, depends); diff != "" {
		t.Errorf("depends (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"virtio:d1v*"}, aliases); diff != "" {
		t.Errorf("aliases (-want +got):\n%s", diff)
	}
}

func FuzzParseModinfo(f *testing.F) {
	f.Add([]byte("alias=a\x00depends=b,c\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, aliases := parseModinfo(b)
		for _, a := range aliases {
			if strings.ContainsAny(a, "\x00\n ") {
				t.Errorf("alias %q would break modules.alias", a)
			}
		}
	})
}

func TestModulesDepIsWhatDepmodWrites(t *testing.T) {
	mods := []*module{
		{name: "a", file: "kernel/a.ko", depends: []string{"b-c", "d"}, aliases: []string{"x:*"}},
		{name: "b_c", file: "kernel/b-c.ko", depends: []string{"d"}},
		{name: "d", file: "kernel/d.ko"},
		{name: "loop", file: "kernel/loop.ko", depends: []string{"loop", "builtin"}},
	}
	want := "kernel/a.ko: kernel/b-c.ko kernel/d.ko\nkernel/b-c.ko: kernel/d.ko\nkernel/d.ko:\nkernel/loop.ko:\n"
	if diff := cmp.Diff(want, string(modulesDep(mods))); diff != "" {
		t.Errorf("modules.dep (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("alias x:* a\n", string(modulesAlias(mods))); diff != "" {
		t.Errorf("modules.alias (-want +got):\n%s", diff)
	}
}

func TestFleetArchiveHoldsOneFileForRootOnly(t *testing.T) {
	data, err := FleetArchive([]byte(`{"v":1}`))
	if err != nil {
		t.Fatal(err)
	}
	again, err := FleetArchive([]byte(`{"v":1}`))
	if err != nil || !bytes.Equal(data, again) {
		t.Errorf("the same fleet gave other bytes (%v)", err)
	}
	records, err := cpio.ReadAllRecords(cpio.Newc.Reader(bytes.NewReader(data)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range records {
		got = append(got, fmt.Sprintf("%s %o %d", r.Name, r.Mode&0o7777, r.FileSize))
	}
	if diff := cmp.Diff([]string{"capo 755 0", "capo/fleet.json 400 8192"}, got[:2]); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestConcatAligns(t *testing.T) {
	var b bytes.Buffer
	if err := Concat(&b, []byte("abcde"), nil, []byte("fghi"), []byte("j")); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != "abcde\x00\x00\x00fghij\x00\x00\x00" {
		t.Errorf("Concat = %q", got)
	}
}

func TestCmdline(t *testing.T) {
	b, err := board.Load("qemu-amd64")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Cmdline(b, Options{Size: 5, Name: "n", Labels: map[string]string{"b": "2", "a": "1"}, IP: "off", Cmdline: "x y"})
	if err != nil || !strings.HasSuffix(got, " capo.size=5 capo.expect=3 capo.name=n capo.labels=a=1,b=2 ip=off x y") {
		t.Errorf("Cmdline = %q, %v", got, err)
	}
	for name, o := range map[string]Options{
		"expects more than there are": {Size: 1, Expect: 2},
		"a space":                     {Name: "a b"},
		"a quote":                     {Labels: map[string]string{"a": `"`}},
		"too long":                    {Cmdline: strings.Repeat("x", 2048)},
	} {
		if _, err := Cmdline(b, o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestVersionOf(t *testing.T) {
	tests := []struct {
		module, revision string
		modified         bool
		want             string
	}{
		{"", "", false, "dev"},
		{"(devel)", "", false, "dev"},
		{"v1.2.3", "0123456789", false, "v1.2.3"},
		{"v1.2.3", "0123456789", true, "dev-0123456-dirty"},
		{"v0.0.0-20261122000000-0123456789ab", "0123456789ab", false, "dev-0123456"},
	}
	for _, tt := range tests {
		if got := versionOf(tt.module, tt.revision, tt.modified); got != tt.want {
			t.Errorf("versionOf(%s, %s, %v) = %s, want %s", tt.module, tt.revision, tt.modified, got, tt.want)
		}
	}
}

func TestNodeComesFromADistFolderFirst(t *testing.T) {
	dir := t.TempDir()
	want := filepath.Join(dir, NodeName("linux", "arm64"))
	if err := os.WriteFile(want, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	got, err := NewSource(dir, nil).Node(t.Context(), "arm64")
	if got != want || err != nil {
		t.Errorf("Node = %q, %v", got, err)
	}
	t.Setenv("CAPO_DIST", dir)
	if got, err := NewSource("", nil).Node(t.Context(), "arm64"); got != want || err != nil {
		t.Errorf("with CAPO_DIST: Node = %q, %v", got, err)
	}
}

func TestOutsideACheckoutTheErrorNamesMakeDist(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Chdir(t.TempDir())
	_, err := NewSource("", nil).Node(t.Context(), "arm64")
	if err == nil || !strings.Contains(err.Error(), "make dist") {
		t.Errorf("Node = %v, want an error that names make dist", err)
	}
}

func TestBuildRefuses(t *testing.T) {
	s := NewSource("", nil)
	if _, err := s.Build(t.Context(), Options{Board: "host"}); !errors.Is(err, ErrFormat) {
		t.Errorf("host: %v", err)
	}
	if _, err := s.Build(t.Context(), Options{Board: "qemu-amd64", Format: "sd"}); !errors.Is(err, ErrFormat) {
		t.Errorf("sd: %v", err)
	}
	if _, err := s.Build(t.Context(), Options{Board: "qemu-amd46"}); err == nil || !strings.Contains(err.Error(), "qemu-amd64") {
		t.Errorf("qemu-amd46: %v", err)
	}
}

func TestPruneKeepsWhatWasUsed(t *testing.T) {
	dir := t.TempDir()
	for name, age := range map[string]time.Duration{"old": 48 * time.Hour, "new": time.Hour} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Now(), time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	prune(dir, 24*time.Hour)
	if isFile(filepath.Join(dir, "old")) || !isFile(filepath.Join(dir, "new")) {
		t.Error("the wrong file was removed")
	}
}

func TestParseDSC(t *testing.T) {
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	text := "-----BEGIN PGP SIGNED MESSAGE-----\n\nFormat: 3.0 (quilt)\nChecksums-Sha1:\n 00 1 x.tar.xz\nChecksums-Sha256:\n " + a + " 12 x.tar.xz\n " + b + " 3 x.diff\nFiles:\n 11 12 x.tar.xz\n"
	got, err := parseDSC(text)
	if diff := cmp.Diff(map[string]string{"x.tar.xz": a, "x.diff": b}, got); diff != "" || err != nil {
		t.Errorf("parseDSC: %v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"", "Checksums-Sha256:\n", "Checksums-Sha256:\n " + a + " 1 ../x\n", "Checksums-Sha256:\n ab 1 x\n", "Checksums-Sha256:\n " + a + " x\n"} {
		if got, err := parseDSC(bad); err == nil {
			t.Errorf("parseDSC(%q) = %v", bad, got)
		}
	}
}

func FuzzParseDSC(f *testing.F) {
	f.Add("Checksums-Sha256:\n " + strings.Repeat("a", 64) + " 12 x.tar.xz\n")
	f.Fuzz(func(t *testing.T, text string) {
		files, _ := parseDSC(text)
		for name := range files {
			if filepath.Base(name) != name || name == "." || name == ".." {
				t.Errorf("the file %q would leave the folder", name)
			}
		}
	})
}

func TestCopySourceRefusesWhatTheDSCDoesNotSay(t *testing.T) {
	dir := t.TempDir()
	dsc := filepath.Join(dir, "x.dsc")
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte("right")))
	for name, text := range map[string]string{"x.dsc": "Checksums-Sha256:\n " + sum + " 5 x.tar.xz\n", "x.tar.xz": "right"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := copySource(dsc, t.TempDir()); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x.tar.xz"), []byte("wrong"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := copySource(dsc, t.TempDir()); err == nil || !strings.Contains(err.Error(), "x.tar.xz has sha256") {
		t.Errorf("copySource = %v", err)
	}
}

func TestPackageUnpacksFromADistFolderIntoTheCacheAndLeavesNothingHalf(t *testing.T) {
	cache, dist := t.TempDir(), t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	files := map[string]string{"usr/lib/a.efi": "stub", "../../escape": "stays inside"}
	data := deb(t, "", func(w io.Writer) io.WriteCloser { return nopCloser{w} }, files)
	pin := Pin{Name: "x", Arch: "all", Suite: "s", Package: "x", Version: "1:2", SHA256: fmt.Sprintf("%x", sha256.Sum256(data))}
	if err := os.WriteFile(filepath.Join(dist, "x_1%3a2_all.deb"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("no space")
	s := NewSource(dist, nil)
	_, err := s.unpacked(t.Context(), pin, "package", func(_, dir string) error {
		return errors.Join(os.WriteFile(filepath.Join(dir, "half"), nil, 0o644), broken)
	})
	if _, ok := cachedPackage(pin, "package"); !errors.Is(err, broken) || ok {
		t.Errorf("unpacked = %v, and the cache has the half: %v", err, ok)
	}
	dir, err := s.unpacked(t.Context(), pin, "package", unpackDeb)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"usr/lib/a.efi": "stub", "escape": "stays inside"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); string(got) != want {
			t.Errorf("%s = %q, %v", name, got, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "capo", "package", ".unpack-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestNoSpaceSaysWhereTheCacheIs(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/the/cache")
	err := noSpace(fmt.Errorf("write x: %w", &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "/the/cache/capo") {
		t.Errorf("noSpace = %v", err)
	}
	if err := noSpace(io.EOF); err != io.EOF {
		t.Errorf("noSpace changed another error: %v", err)
	}
}
