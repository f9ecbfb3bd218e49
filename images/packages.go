package images

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/capodekappa/capo/images/filelock"
)

// Package finds a package of linux.lock by its name there, in the cache, in a dist folder or in Debian's archive, and returns
// a folder of the cache with its files under their own paths. Of a source package these are the .dsc and the
// archives that it names, not unpacked. Another version than the pinned one is taken only when the archive no longer has
// that, and the difference is logged as a warning.
func (s *Source) Package(ctx context.Context, name string) (string, error) {
	pin, err := pinOf(name)
	if err != nil {
		return "", err
	}
	return s.unpacked(ctx, pin, "package", func(file, dir string) error {
		if pin.Arch == sourceArch {
			return copySource(file, dir)
		}
		return unpackDeb(file, dir)
	})
}

// unpacked returns the folder KIND/SHA256 of the cache, and fills it with unpack(file, folder) if it is not there.
func (s *Source) unpacked(ctx context.Context, pin Pin, kind string, unpack func(file, dir string) error) (string, error) {
	if dir, ok := cachedPackage(pin, kind); ok {
		return dir, nil
	}
	lock, err := cachePath(kind, pin.Name+".lock")
	if err != nil {
		return "", err
	}
	var dir string
	err = filelock.With(lock, func() error {
		var ok bool
		if dir, ok = cachedPackage(pin, kind); ok {
			return nil // another process made it
		}
		f, err := s.fetch(ctx, pin)
		if err != nil {
			return fmt.Errorf("fetch %s (%s %s): %w", pin.Name, pin.Package, pin.Version, err)
		}
		defer f.remove()
		if dir, err = cachePath(kind, f.sha256); err != nil {
			return err
		}
		if err := fillFolder(dir, func(tmp string) error { return unpack(f.path, tmp) }); err != nil {
			return fmt.Errorf("unpack %s: %w", filepath.Base(f.path), err)
		}
		return nil
	})
	return dir, noSpace(err)
}

// cachedPackage returns the folder of a pinned package, or of the one that was taken in its place.
func cachedPackage(pin Pin, kind string) (string, bool) {
	for _, sum := range []string{pin.SHA256, substitute(pin)} {
		if sum == "" {
			continue
		}
		dir, err := cachePath(kind, sum)
		if err != nil {
			return "", false
		}
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir, true
		}
	}
	return "", false
}

// fillFolder makes a folder so that another process sees all of it or nothing.
func fillFolder(dir string, fill func(tmp string) error) error {
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".unpack-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) // gone after a successful rename
	if err := fill(tmp); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil {
		if info, statErr := os.Stat(dir); statErr == nil && info.IsDir() {
			return nil // it has the same content: the folder's name is a digest
		}
		return err
	}
	return nil
}

// unpackDeb unpacks the regular files of a .deb.
func unpackDeb(deb, dir string) error {
	f, err := os.Open(deb)
	if err != nil {
		return err
	}
	defer f.Close()
	return debFiles(f, func(name string, _ int64, r io.Reader) error {
		// Cleaned as an absolute path it cannot leave the folder.
		return writeMember(filepath.Join(dir, filepath.FromSlash(path.Clean("/"+name))), r)
	})
}

func writeMember(to string, r io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		f.Close()
		return fmt.Errorf("write %s: %w", to, err)
	}
	return f.Close()
}

// copySource checks the archives of a source package against its .dsc and takes all into a folder.
func copySource(dsc, dir string) error {
	text, err := os.ReadFile(dsc)
	if err != nil {
		return err
	}
	files, err := parseDSC(string(text))
	if err != nil {
		return fmt.Errorf("read %s: %w", filepath.Base(dsc), err)
	}
	for name, want := range files {
		from := filepath.Join(filepath.Dir(dsc), name)
		sum, err := fileSHA256(from)
		if err != nil {
			return err
		}
		if sum != want {
			return fmt.Errorf("%s has sha256 %s, and %s says %s", name, sum, filepath.Base(dsc), want)
		}
		if err := copyFile(filepath.Join(dir, name), from, 0o644); err != nil {
			return err
		}
	}
	return copyFile(filepath.Join(dir, filepath.Base(dsc)), dsc, 0o644)
}

// parseDSC returns the files of a source package with their SHA-256.
//
// Format: dsc(5), whose field Checksums-Sha256 has a line "digest size name" for each file.
func parseDSC(text string) (map[string]string, error) {
	files := map[string]string{}
	inside := false
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, " ") {
			inside = strings.HasPrefix(line, "Checksums-Sha256:")
			continue
		}
		if !inside {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) != 3 || len(fields[0]) != 64 || strings.ContainsAny(fields[2], "/\\") || strings.HasPrefix(fields[2], ".") {
			return nil, fmt.Errorf("bad line %q under Checksums-Sha256", strings.TrimSpace(line))
		}
		files[fields[2]] = fields[0]
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no Checksums-Sha256")
	}
	return files, nil
}
