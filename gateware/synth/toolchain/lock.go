package toolchain

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"
)

//go:embed npm.lock.json
var lockText []byte

// Package is an npm package that holds tools, pinned.
type Package struct {
	Name      string            `json:"name"`
	Version   string            `json:"version"`
	Integrity string            `json:"integrity"` // of the archive, as npm writes it: sha512-BASE64
	Bytes     int64             `json:"bytes"`     // of the archive
	Tools     map[string]string `json:"tools"`     // tool → its module in the package
	Files     []string          `json:"files"`     // other files to unpack, by path
	Resources string            `json:"resources"` // the script whose strings are files of the share folder, or ""
}

// String is NAME@VERSION.
func (p Package) String() string { return p.Name + "@" + p.Version }

// archive is the file name that the registry gives the package.
func (p Package) archive() string { return path.Base(p.Name) + "-" + p.Version + ".tgz" }

// key names the package's folder in the cache: the version and what it was checked against.
func (p Package) key() string {
	sum := strings.TrimPrefix(p.Integrity, "sha512-")
	clean := strings.NewReplacer("/", "_", "+", "-", "=", "", "@", "").Replace(sum)
	return strings.NewReplacer("/", "-", "@", "").Replace(p.Name) + "-" + p.Version + "-" + clean[:min(16, len(clean))]
}

// Locked returns the pinned packages.
func Locked() ([]Package, error) { return parseLock(lockText) }

func parseLock(text []byte) ([]Package, error) {
	var packages []Package
	if err := json.Unmarshal(text, &packages); err != nil {
		return nil, fmt.Errorf("read npm.lock.json: %w", err)
	}
	for _, p := range packages {
		if p.Name == "" || p.Version == "" || !strings.HasPrefix(p.Integrity, "sha512-") || len(p.Tools) == 0 {
			return nil, fmt.Errorf("read npm.lock.json: %s needs a name, a version, a sha512 and tools", p)
		}
	}
	return packages, nil
}
