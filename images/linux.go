package images

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
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
	// SHA256 is the digest of the package it came from, or of what it was built from.
	SHA256 string `json:"sha256"`
	// Kernel is the path of the bootable image.
	Kernel string `json:"-"`
	// Modules is the folder that stands for /lib/modules/RELEASE.
	Modules string `json:"-"`
	// DTBs is the folder with the device trees that came with it, or "" if there are none.
	DTBs string `json:"-"`
}

// Linux finds the kernel of a board: in the cache, in a dist folder, or in Debian's archive; or builds it where the board
// names a recipe. A kernel other than the one pinned in linux.lock is taken only when the archive no longer has it, and that is
// logged as a warning.
func (s *Source) Linux(ctx context.Context, b *board.Board) (*Linux, error) {
	if b.Linux == nil {
		return nil, fmt.Errorf("board %s has no image: its nodes are plain processes", b.Name)
	}
	if isRecipe(b.Linux.Package) {
		return s.recipeLinux(ctx, b.Linux.Package)
	}
	pin, err := pinOf(b.Linux.Package)
	if err != nil {
		return nil, err
	}
	dir, err := s.unpacked(ctx, pin, "linux", unpackKernelDeb)
	if err != nil {
		return nil, err
	}
	return openLinux(dir)
}

func openLinux(dir string) (*Linux, error) {
	text, err := os.ReadFile(filepath.Join(dir, "linux.json"))
	if err != nil {
		return nil, fmt.Errorf("open Linux in the cache (remove %s to have it made again): %w", dir, err)
	}
	l := &Linux{Kernel: filepath.Join(dir, "vmlinuz"), Modules: filepath.Join(dir, "modules")}
	if err := json.Unmarshal(text, l); err != nil {
		return nil, fmt.Errorf("parse %s/linux.json: %w", dir, err)
	}
	if dtbs := filepath.Join(dir, "dtbs"); isDir(dtbs) {
		l.DTBs = dtbs
	}
	return l, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// unpackKernelDeb unpacks what is needed of a kernel's .deb.
func unpackKernelDeb(deb, dir string) error {
	sum, err := fileSHA256(deb)
	if err != nil {
		return err
	}
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
		return writeMember(filepath.Join(dir, filepath.FromSlash(to)), r)
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
	if rest, ok := strings.CutPrefix(name, "usr/lib/linux-image-"); ok && strings.HasSuffix(rest, ".dtb") {
		_, file, _ := strings.Cut(rest, "/")
		return path.Join("dtbs", file)
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
