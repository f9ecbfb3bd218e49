package images

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/capodekappa/capo/buildroot"
)

// WriteDist fills a dist folder with all that images need: the node's executables for the given architectures of Linux, the
// packages of linux.lock and what the recipes of buildroot make. A computer that has the folder needs neither the go tool nor
// apt nor a compiler.
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
	pins, err := ReadLock(lockFile)
	if err != nil {
		return err
	}
	for _, pin := range pins {
		if err := s.distPackage(ctx, dir, pin); err != nil {
			return err
		}
	}
	for _, name := range buildroot.Names() {
		if err := s.distRecipe(ctx, dir, name); err != nil {
			return err
		}
	}
	return nil
}

// distPackage copies a package into a dist folder, unless recipes build something of it.
func (s *Source) distPackage(ctx context.Context, dir string, pin Pin) error {
	if slices.ContainsFunc(buildroot.Names(), func(name string) bool {
		r, err := buildroot.Load(name)
		return err == nil && r.Source == pin.Name
	}) {
		return nil
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
	return noSpace(copyFile(to, f.path, 0o644))
}

// distRecipe copies what a recipe made into a dist folder.
func (s *Source) distRecipe(ctx context.Context, dir, name string) error {
	b, err := s.builder()
	if err != nil {
		return err
	}
	folder, err := b.DistName(name)
	if err != nil {
		return err
	}
	to := filepath.Join(dir, recipesFolder, folder)
	if isDir(to) {
		return nil
	}
	from, err := s.Recipe(ctx, name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return fmt.Errorf("make dist: %w", err)
	}
	if err := fillFolder(to, func(tmp string) error { return copyFolder(tmp, from) }); err != nil {
		return fmt.Errorf("copy what %s made: %w", name, noSpace(err))
	}
	return nil
}

// copyFolder copies the files of a folder, and of those in it.
func copyFolder(to, from string) error {
	return fs.WalkDir(os.DirFS(from), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o755)
		}
		return copyFile(filepath.Join(to, name), filepath.Join(from, name), 0o644)
	})
}

func copyFile(to, from string, perm os.FileMode) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	return writeFile(to, perm, func(w io.Writer) error { _, err := io.Copy(w, f); return err })
}
