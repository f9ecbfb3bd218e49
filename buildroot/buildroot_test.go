package buildroot

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
)

func TestEveryRecipeFindsItsFiles(t *testing.T) {
	recipes, err := all()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for name, r := range recipes {
		inputs, err := r.Inputs()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for file := range inputs {
			used[file] = true
		}
		own, err := r.OwnTrees()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for merged, parts := range r.Merged {
			if !slices.Contains(own, parts[0]) && !slices.Contains(r.Trees, parts[0]) {
				t.Errorf("%s: %s is merged into %s, which it does not build", name, merged, parts[0])
			}
		}
	}
	for _, dir := range []string{"linux", "u-boot", "dts"} {
		err := fs.WalkDir(files, dir, func(file string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !used[file] {
				t.Errorf("no recipe uses %s", file)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestDeviceTreesKeepMemoryForTheLastLog(t *testing.T) {
	trees, _ := fs.Glob(files, "dts/*/*.dts") // the pattern is valid
	for _, name := range trees {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		all := string(text)
		for line := range strings.Lines(all) {
			include, ok := strings.CutPrefix(strings.TrimSpace(line), `#include "`)
			if more, err := fs.ReadFile(files, path.Join(path.Dir(name), strings.TrimSuffix(include, `"`))); ok && err == nil {
				all += string(more)
			}
		}
		if !strings.Contains(all, `compatible = "ramoops"`) && !strings.Contains(all, `#include "ramoops-`) {
			t.Errorf("%s has no ramoops", name)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":       `{`,
		"unknown field": `{"x":{"kind":"linux","source":"s","arch":"arm","config":["c"],"colour":"red"}}`,
		"unknown kind":  `{"x":{"kind":"grub","source":"s","arch":"arm","config":["c"]}}`,
		"no source":     `{"x":{"kind":"linux","arch":"arm","config":["c"]}}`,
		"no fragment":   `{"x":{"kind":"linux","source":"s","arch":"arm"}}`,
	} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestLoadNamesTheRecipesThatThereAre(t *testing.T) {
	if _, err := Load("capo-armv6"); err == nil || !strings.Contains(err.Error(), "capo-armv7") {
		t.Errorf("Load = %v", err)
	}
	r, err := Load("capo-armv7")
	if err != nil || r.Name != "capo-armv7" {
		t.Errorf("Load = %+v, %v", r, err)
	}
}
