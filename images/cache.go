package images

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// CacheDir returns the folder for what can be fetched or built again: $XDG_CACHE_HOME/capo, or its
// equivalent on the operating system.
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

// cachePath returns a path below the cache folder and makes the folder that holds it.
func cachePath(elem ...string) (string, error) {
	dir, err := CacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(append([]string{dir}, elem...)...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", fmt.Errorf("make the cache folder: %w", err)
	}
	return path, nil
}

// fileSHA256 returns the digest of a file in hexadecimal.
func fileSHA256(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// writeFile writes a file so that another process sees all of it or nothing.
func writeFile(path string, perm os.FileMode, write func(io.Writer) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone after a successful rename
	if err := write(tmp); err != nil {
		tmp.Close()
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := tmp.Chmod(perm); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// noSpace adds to an error for a full disk what can be done about it.
func noSpace(err error) error {
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	dir, dirErr := CacheDir()
	if dirErr != nil {
		return err
	}
	return fmt.Errorf("%w (the cache is %s: make room there, or set XDG_CACHE_HOME to a folder on a larger disk)", err, dir)
}
