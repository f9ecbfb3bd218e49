package images

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/capodekappa/capo/board"
)

// WriteDist fills a dist folder with all that images need for the given architectures of Linux: the node's executables and the
// packages with the kernels of the boards. A computer that has the folder needs neither the go tool nor apt.
func (s *Source) WriteDist(ctx context.Context, dir string, arches []string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make dist: %w", err)
	}
	for _, arch := range arches {
		node, err := s.Node(ctx, arch)
		if err != nil {
			return err
		}
		if err := copyFile(filepath.Join(dir, NodeName("linux", arch)), node, 0o755); err != nil {
			return err
		}
	}
	for _, name := range board.Names() {
		b, err := board.Load(name)
		if err != nil {
			return err
		}
		if b.Linux == nil || !slices.Contains(arches, b.Arch) {
			continue
		}
		if err := s.distKernel(ctx, dir, b); err != nil {
			return err
		}
	}
	return nil
}

func (s *Source) distKernel(ctx context.Context, dir string, b *board.Board) error {
	pin, err := pinOf(b.Linux.Package)
	if err != nil {
		return err
	}
	to := filepath.Join(dir, pin.file())
	if sum, err := fileSHA256(to); err == nil && sum == pin.SHA256 {
		return nil
	}
	f, err := s.fetch(ctx, pin)
	if err != nil {
		return fmt.Errorf("fetch %s (%s %s): %w", pin.Name, pin.Package, pin.Version, err)
	}
	defer f.remove()
	return copyFile(to, f.path, 0o644)
}

func copyFile(to, from string, perm os.FileMode) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	return writeFile(to, perm, func(w io.Writer) error { _, err := io.Copy(w, f); return err })
}
