package buildroot

import (
	"io/fs"
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
		if err != nil || (r.Own != "") != (len(own) > 0) {
			t.Errorf("%s: our own trees are %v, %v", name, own, err)
		}
		if trees := recipes[r.DeviceTrees]; r.DeviceTrees != "" && trees.Kind != KindDeviceTrees {
			t.Errorf("%s: %s makes no device trees", name, r.DeviceTrees)
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

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":       `{`,
		"unknown field": `{"x":{"kind":"linux","source":"s","arch":"arm","cross":"c-","config":["c"],"colour":"red"}}`,
		"unknown kind":  `{"x":{"kind":"grub","source":"s","arch":"arm","cross":"c-","config":["c"]}}`,
		"no source":     `{"x":{"kind":"linux","arch":"arm","cross":"c-","config":["c"]}}`,
		"no fragment":   `{"x":{"kind":"linux","source":"s","arch":"arm","cross":"c-"}}`,
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
