package images

import (
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

//go:embed linux.lock
var lockFile []byte

// Pin is one entry of images/linux.lock: a Debian package that holds a kernel.
type Pin struct {
	// Name is the entry's key, which board.json names.
	Name string `json:"-"`
	// Arch is the package's architecture.
	Arch string `json:"arch"`
	// Suite is the release of Debian that has it.
	Suite string `json:"suite"`
	// Package, Version and SHA256 say exactly which file it is.
	Package string `json:"package"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
	// Newest is a package that depends on the newest kernel of this kind; it is asked when the
	// pinned one is gone from the archive.
	Newest string `json:"newest"`
}

// ReadLock reads a linux.lock.
func ReadLock(data []byte) (map[string]Pin, error) {
	var pins map[string]Pin
	if err := json.Unmarshal(data, &pins); err != nil {
		return nil, fmt.Errorf("parse linux.lock: %w", err)
	}
	for name, p := range pins {
		if sum, err := hex.DecodeString(p.SHA256); err != nil || len(sum) != 32 {
			return nil, fmt.Errorf("linux.lock: %s has no valid sha256", name)
		}
		if p.Arch == "" || p.Suite == "" || p.Package == "" || p.Version == "" {
			return nil, fmt.Errorf("linux.lock: %s lacks arch, suite, package or version", name)
		}
		p.Name = name
		pins[name] = p
	}
	return pins, nil
}

func pinOf(name string) (Pin, error) {
	pins, err := ReadLock(lockFile)
	if err != nil {
		return Pin{}, err
	}
	p, ok := pins[name]
	if !ok {
		return Pin{}, fmt.Errorf("linux.lock has no entry %q", name)
	}
	return p, nil
}
