package images

import (
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed linux.lock
var lockFile []byte

// Pin is one entry of images/linux.lock: a package of Debian. Most hold a kernel, some a boot loader's files or
// the source of one.
type Pin struct {
	// Name is the entry's key, which board.json and the recipes of buildroot name.
	Name string `json:"-"`
	// Arch is the package's architecture: Debian's name of a processor, "all", or "source".
	Arch string `json:"arch"`
	// Suite is the release of Debian that has it.
	Suite string `json:"suite"`
	// Component is the part of the archive that has it; empty means main.
	Component string `json:"component,omitempty"`
	// Package, Version and SHA256 say exactly which file it is. Of a source package that is the .dsc, which has the
	// digests of the others.
	Package string `json:"package"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
	// Newest is a package that depends on the newest one of this kind; it is asked when the
	// pinned one is gone from the archive. Empty means that the name does not change with the version.
	Newest string `json:"newest,omitempty"`
}

// sourceArch is the Arch of a source package.
const sourceArch = "source"

// ReadLock reads a linux.lock.
func ReadLock(data []byte) (map[string]Pin, error) {
	var pins map[string]Pin
	if err := json.Unmarshal(data, &pins); err != nil {
		return nil, fmt.Errorf("parse linux.lock: %w", err)
	}
	for name, p := range pins {
		if sum, err := hex.DecodeString(p.SHA256); err != nil || len(sum) != 32 || strings.ToLower(p.SHA256) != p.SHA256 {
			return nil, fmt.Errorf("linux.lock: %s has no valid sha256", name)
		}
		if p.Arch == "" || p.Suite == "" || p.Package == "" || p.Version == "" {
			return nil, fmt.Errorf("linux.lock: %s lacks arch, suite, package or version", name)
		}
		// They become parts of file names and arguments of apt.
		for _, field := range []string{name, p.Arch, p.Suite, p.Component, p.Package, p.Version, p.Newest} {
			if strings.ContainsAny(field, "/ \t\n\\") || strings.HasPrefix(field, "-") || strings.HasPrefix(field, ".") {
				return nil, fmt.Errorf("linux.lock: %s has the impossible value %q", name, field)
			}
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

// file is the package's name in the archive and in a dist folder.
func (p Pin) file() string {
	version := strings.ReplaceAll(p.Version, ":", "%3a")
	if p.Arch == sourceArch {
		return p.Package + "_" + version + ".dsc"
	}
	return p.Package + "_" + version + "_" + p.Arch + ".deb"
}
