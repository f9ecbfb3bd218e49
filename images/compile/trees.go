package compile

import (
	"context"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// deviceTrees builds device trees of Linux's source and our own into the folder dtbs, all with symbols, so that overlays can
// name what is in them.
func (j *job) deviceTrees(ctx context.Context) error {
	if err := j.configureLinux(ctx); err != nil { // make wants some configuration
		return err
	}
	own, err := j.ownTrees()
	if err != nil {
		return err
	}
	var targets []string
	for _, t := range j.recipe.Trees {
		targets = append(targets, t+".dtb")
	}
	for _, t := range own {
		targets = append(targets, "capo/"+t+".dtb")
	}
	slices.Sort(targets)
	if err := j.make(ctx, append([]string{"DTC_FLAGS=-@"}, targets...)...); err != nil {
		return err
	}
	for _, t := range targets {
		if err := j.keep(path.Join(j.treeFolder(), t), path.Join("dtbs", strings.TrimPrefix(t, "capo/"))); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) treeFolder() string { return path.Join("arch", j.recipe.Arch, "boot", "dts") }

// ownTrees puts our device trees beside the source's and returns their names.
func (j *job) ownTrees() ([]string, error) {
	if j.recipe.Own == "" {
		return nil, nil
	}
	inputs, err := j.recipe.Inputs()
	if err != nil {
		return nil, err
	}
	for name, text := range inputs {
		if path.Dir(name) != j.recipe.Own {
			continue
		}
		if err := writeFile(filepath.Join(j.tree, j.treeFolder(), "capo", path.Base(name)), []byte(text)); err != nil {
			return nil, err
		}
	}
	return j.recipe.OwnTrees()
}
