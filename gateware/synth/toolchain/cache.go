package toolchain

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// CacheDir returns the folder for what can be fetched or made again, $XDG_CACHE_HOME/capo or the operating system's
// equivalent: the same one that images come from.
func CacheDir() (string, error) {
	base := os.Getenv("XDG_CACHE_HOME")
	if base == "" {
		var err error
		if base, err = os.UserCacheDir(); err != nil {
			return "", fmt.Errorf("find the cache folder (set XDG_CACHE_HOME): %w", err)
		}
	}
	return filepath.Join(base, "capo"), nil
}

// folder is where a package is, or would be, unpacked.
func (p Package) folder(cache string) string { return filepath.Join(cache, "synth", "npm", p.key()) }

// present tells whether the package is unpacked. Its folder gets its name when it is complete.
func (p Package) present(cache string) bool {
	info, err := os.Stat(p.folder(cache))
	return err == nil && info.IsDir()
}

// Share is the data folder of a fetched tool. Error: *Error with ErrMissing.
func Share(tool string) (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	packages, err := Locked()
	if err != nil {
		return "", err
	}
	for _, p := range packages {
		if _, has := p.Tools[tool]; has && p.present(cache) {
			return filepath.Join(p.folder(cache), "share"), nil
		}
	}
	return "", &Error{Tool: tool, Kind: ErrMissing, Mend: InstallCommand}
}

// Keep writes a file of the cache whole or not at all.
func Keep(file string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("make room in the cache: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone after the rename
	_, err = tmp.Write(data)
	if closed := tmp.Close(); err != nil || closed != nil {
		return fmt.Errorf("write %s: %w", file, errors.Join(err, closed))
	}
	return os.Rename(tmp.Name(), file)
}
