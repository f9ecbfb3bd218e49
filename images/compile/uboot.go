package compile

import (
	"context"
	"os"
	"path"
	"path/filepath"
)

// uboot configures and builds U-Boot, once for each of the recipe's device trees: only what depends on the tree is
// built again.
func (j *job) uboot(ctx context.Context) error {
	fragment, err := j.fragment()
	if err != nil {
		return err
	}
	base, err := os.ReadFile(filepath.Join(j.tree, "configs", j.recipe.Defconfig))
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(j.tree, "configs", "capo_defconfig"), []byte(string(base)+"\n"+fragment)); err != nil {
		return err
	}
	if err := j.make(ctx, "capo_defconfig"); err != nil {
		return err
	}
	if err := j.checkConfig(fragment); err != nil {
		return err
	}
	for _, tree := range j.recipe.Trees {
		if err := j.ubootFor(ctx, tree); err != nil {
			return err
		}
	}
	return j.keep(".config", "config")
}

func (j *job) ubootFor(ctx context.Context, tree string) error {
	// What was made for another tree must not pass for this one's if the build leaves it out.
	for _, name := range j.recipe.Outputs {
		if err := os.RemoveAll(filepath.Join(j.tree, name)); err != nil {
			return err
		}
	}
	if err := j.make(ctx, "DEVICE_TREE="+tree); err != nil {
		return err
	}
	for _, name := range j.recipe.Outputs {
		if err := j.keep(name, path.Join(tree, path.Base(name))); err != nil {
			return err
		}
	}
	return nil
}
