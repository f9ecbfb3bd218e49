// Package buildroot holds, as data, what Linux and the boot loaders of the boards are built from: recipes.json, the kernels'
// and U-Boot's configuration fragments and our device trees. The package images/compile builds them.
//
// The same folder is an external tree for Buildroot (BR2_EXTERNAL); see its README.
package buildroot

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed recipes.json linux u-boot dts
var files embed.FS

// The kinds of recipes.
const (
	// KindLinux makes a kernel.
	KindLinux = "linux"
	// KindDeviceTrees makes device trees of Linux's source and of our own.
	KindDeviceTrees = "device-trees"
	// KindUBoot makes the boot loader U-Boot, for one or more device trees.
	KindUBoot = "u-boot"
)

// Recipe says how something is built out of a source package of Debian.
type Recipe struct {
	// Name is the recipe's key in recipes.json, which board.json names.
	Name string `json:"-"`
	// Kind is KindLinux, KindDeviceTrees or KindUBoot.
	Kind string `json:"kind"`
	// Source is the source's name in images/linux.lock.
	Source string `json:"source"`
	// Arch is the processor as the source's makefiles call it: arm or arm64.
	Arch string `json:"arch"`
	// Cross is the prefix of the cross compiler's programs.
	Cross string `json:"cross"`
	// Defconfig is the configuration of the source's that the fragments are added to; empty means
	// that whatever the fragments do not say is off.
	Defconfig string `json:"defconfig,omitempty"`
	// Config are the fragments, files of this folder. Each of their symbols must be in the result.
	Config []string `json:"config,omitempty"`
	// Image is the kernel that the build makes, relative to the source.
	Image string `json:"image,omitempty"`
	// DeviceTrees is the recipe that makes a kernel's device trees. They are apart because they take
	// seconds, and a kernel minutes.
	DeviceTrees string `json:"device_trees,omitempty"`
	// Trees are device trees of the source, relative to its folder of them, without an ending. Each is built
	// with its symbols; for U-Boot each is a variant of the loader, in a folder of that name.
	Trees []string `json:"trees,omitempty"`
	// Own is a folder here of further device trees.
	Own string `json:"own,omitempty"`
	// Outputs are U-Boot's files that are kept, relative to the source.
	Outputs []string `json:"outputs,omitempty"`
	// Notes are for people.
	Notes []string `json:"notes,omitempty"`
}

// Names returns the names of all recipes, sorted.
func Names() []string {
	recipes, err := all()
	if err != nil {
		return nil // a test sees to it that the file is whole
	}
	names := make([]string, 0, len(recipes))
	for name := range recipes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Load returns a recipe. The error for one that does not exist lists all.
func Load(name string) (Recipe, error) {
	recipes, err := all()
	if err != nil {
		return Recipe{}, err
	}
	r, ok := recipes[name]
	if !ok {
		return Recipe{}, fmt.Errorf("no recipe is called %q; there are %s", name, strings.Join(Names(), ", "))
	}
	return r, nil
}

func all() (map[string]Recipe, error) {
	text, err := files.ReadFile("recipes.json")
	if err != nil {
		return nil, err
	}
	return Parse(text)
}

// Parse reads a recipes.json.
func Parse(text []byte) (map[string]Recipe, error) {
	var recipes map[string]Recipe
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&recipes); err != nil {
		return nil, fmt.Errorf("parse recipes.json: %w", err)
	}
	for name, r := range recipes {
		if !slices.Contains([]string{KindLinux, KindDeviceTrees, KindUBoot}, r.Kind) {
			return nil, fmt.Errorf("recipes.json: %s is of the unknown kind %q", name, r.Kind)
		}
		if r.Source == "" || r.Arch == "" || r.Cross == "" {
			return nil, fmt.Errorf("recipes.json: %s lacks source, arch or cross", name)
		}
		if len(r.Config) == 0 && r.Kind != KindDeviceTrees {
			return nil, fmt.Errorf("recipes.json: %s lacks config", name)
		}
		r.Name = name
		recipes[name] = r
	}
	return recipes, nil
}

// Inputs returns the content of all files that the recipe names, by their path in this folder.
func (r Recipe) Inputs() (map[string]string, error) {
	inputs := map[string]string{}
	for _, name := range r.Config {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("recipe %s: %w", r.Name, err)
		}
		inputs[name] = string(text)
	}
	if r.Own == "" {
		return inputs, nil
	}
	entries, err := fs.ReadDir(files, r.Own)
	if err != nil {
		return nil, fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	for _, e := range entries {
		name := path.Join(r.Own, e.Name())
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("recipe %s: %w", r.Name, err)
		}
		inputs[name] = string(text)
	}
	return inputs, nil
}

// OwnTrees returns the names of our device trees of the recipe, without an ending, sorted.
func (r Recipe) OwnTrees() ([]string, error) {
	inputs, err := r.Inputs()
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range inputs {
		if tree, ok := strings.CutSuffix(path.Base(name), ".dts"); ok && path.Dir(name) == r.Own {
			names = append(names, tree)
		}
	}
	slices.Sort(names)
	return names, nil
}
