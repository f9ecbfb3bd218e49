package images

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/capodekappa/capo/board"
)

// Linux is a kernel with its modules, unpacked in the cache.
type Linux struct {
	// Release is what uname -r says, such as 6.1.0-50-cloud-amd64.
	Release string `json:"release"`
	// SHA256 is the digest of the package it came from.
	SHA256 string `json:"sha256"`
	// Kernel is the path of the bootable image.
	Kernel string `json:"-"`
	// Modules is the folder that stands for /lib/modules/RELEASE.
	Modules string `json:"-"`
}

// Linux finds the kernel of a board: in the cache, in a dist folder, or in Debian's archive. A kernel other than the one
// pinned in linux.lock is taken only when the archive no longer has it, and that is logged as a warning.
func (s *Source) Linux(ctx context.Context, b *board.Board) (*Linux, error) {
	if b.Linux == nil {
		return nil, fmt.Errorf("board %s has no image: its nodes are plain processes", b.Name)
	}
	name := b.Linux.Package
	pin, err := pinOf(name)
	if err != nil {
		return nil, err
	}
	for _, sum := range []string{pin.SHA256, substitute(pin)} {
		if l, err := cachedLinux(sum); err == nil {
			return l, nil
		}
	}
	lock, err := cachePath("linux", name+".lock")
	if err != nil {
		return nil, err
	}
	var l *Linux
	err = locked(lock, func() error {
		deb, err := s.kernelPackage(ctx, pin)
		if err != nil {
			return fmt.Errorf("fetch Linux (%s %s): %w", pin.Package, pin.Version, err)
		}
		l, err = unpackLinux(deb)
		return err
	})
	return l, err
}

// kernelPackage returns the path of a .deb: from a dist folder or from the archive.
func (s *Source) kernelPackage(ctx context.Context, pin Pin) (string, error) {
	for _, dir := range s.dists() {
		deb := filepath.Join(dir, debName(pin))
		if sum, err := fileSHA256(deb); err == nil && sum == pin.SHA256 {
			return deb, nil
		}
	}
	dir, err := cachePath("apt", pin.Suite+"-"+pin.Arch)
	if err != nil {
		return "", err
	}
	s.Log.Info("fetching Linux", "package", pin.Package, "version", pin.Version)
	apt, err := openApt(ctx, dir, pin.Suite, pin.Arch)
	if err != nil {
		return "", err
	}
	deb, pinErr := apt.download(ctx, pin.Package+"="+pin.Version)
	if pinErr == nil {
		sum, err := fileSHA256(deb)
		if err == nil && sum != pin.SHA256 {
			err = fmt.Errorf("%s has sha256 %s, and linux.lock says %s", filepath.Base(deb), sum, pin.SHA256)
		}
		return deb, err
	}
	return newestKernel(ctx, apt, pin, pinErr, s.Log)
}

// newestKernel takes the newest kernel instead of one that is gone, and says so.
func newestKernel(ctx context.Context, apt *aptRoot, pin Pin, pinErr error, log *slog.Logger) (string, error) {
	pkg, err := apt.firstDependency(ctx, pin.Newest)
	if err != nil {
		return "", errors.Join(pinErr, err)
	}
	deb, err := apt.download(ctx, pkg)
	if err != nil {
		return "", errors.Join(pinErr, err)
	}
	sum, err := fileSHA256(deb)
	if err != nil {
		return "", err
	}
	log.Warn("the archive no longer has the pinned Linux; taking the newest",
		"pinned", pin.Package+" "+pin.Version, "taken", filepath.Base(deb), "pinned_sha256", pin.SHA256, "taken_sha256", sum)
	note, err := substitutePath(pin)
	if err != nil {
		return "", err
	}
	return deb, os.WriteFile(note, []byte(sum), 0o644)
}

// substitute returns the digest of the package that was taken instead of pin, or "".
func substitute(pin Pin) string {
	note, err := substitutePath(pin)
	if err != nil {
		return ""
	}
	sum, _ := os.ReadFile(note) // absent: the pinned one was never missing
	return strings.TrimSpace(string(sum))
}

func substitutePath(pin Pin) (string, error) {
	return cachePath("linux", "instead-of-"+pin.SHA256)
}

func debName(pin Pin) string {
	return pin.Package + "_" + strings.ReplaceAll(pin.Version, ":", "%3a") + "_" + pin.Arch + ".deb"
}

// cachedLinux opens an unpacked kernel by the digest of its package.
func cachedLinux(sum string) (*Linux, error) {
	if sum == "" {
		return nil, os.ErrNotExist
	}
	dir, err := cachePath("linux", sum)
	if err != nil {
		return nil, err
	}
	return openLinux(dir)
}

func openLinux(dir string) (*Linux, error) {
	text, err := os.ReadFile(filepath.Join(dir, "linux.json"))
	if err != nil {
		return nil, err
	}
	l := &Linux{Kernel: filepath.Join(dir, "vmlinuz"), Modules: filepath.Join(dir, "modules")}
	if err := json.Unmarshal(text, l); err != nil {
		return nil, fmt.Errorf("parse %s/linux.json: %w", dir, err)
	}
	return l, nil
}

// unpackLinux unpacks the kernel and the modules of a .deb into the cache.
func unpackLinux(deb string) (*Linux, error) {
	sum, err := fileSHA256(deb)
	if err != nil {
		return nil, err
	}
	dir, err := cachePath("linux", sum)
	if err != nil {
		return nil, err
	}
	if l, err := openLinux(dir); err == nil {
		return l, nil
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".unpack-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp) // gone after a successful rename
	if err := unpackKernelDeb(deb, sum, tmp); err != nil {
		return nil, fmt.Errorf("unpack %s: %w", filepath.Base(deb), err)
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return nil, err
	}
	if err := os.Rename(tmp, dir); err != nil {
		return nil, err
	}
	return openLinux(dir)
}

func unpackKernelDeb(deb, sum, dir string) error {
	f, err := os.Open(deb)
	if err != nil {
		return err
	}
	defer f.Close()
	l := Linux{SHA256: sum}
	err = debFiles(f, func(name string, _ int64, r io.Reader) error {
		to := kernelFile(name, &l.Release)
		if to == "" {
			return nil
		}
		to = filepath.Join(dir, filepath.FromSlash(to))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return writeFile(to, 0o644, func(w io.Writer) error { _, err := io.Copy(w, r); return err })
	})
	if err != nil {
		return err
	}
	if l.Release == "" {
		return fmt.Errorf("no boot/vmlinuz-* inside")
	}
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "linux.json"), text, 0o644)
}

// kernelFile says where a file of a kernel package goes in the cache, or "" for one that is not needed.
func kernelFile(name string, release *string) string {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if r, ok := strings.CutPrefix(name, "boot/vmlinuz-"); ok {
		*release = r
		return "vmlinuz"
	}
	rest, ok := strings.CutPrefix(strings.TrimPrefix(name, "usr/"), "lib/modules/")
	if !ok {
		return ""
	}
	if _, rest, ok = strings.Cut(rest, "/"); !ok {
		return ""
	}
	if strings.HasSuffix(rest, ".ko") || rest == "modules.builtin" {
		return "modules/" + rest
	}
	return ""
}
