package compile

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// linux configures and builds a kernel and its device trees. The result is laid out as images unpacks a kernel's package:
// vmlinuz, dtbs, modules, linux.json.
func (j *job) linux(ctx context.Context) error {
	if err := j.configureLinux(ctx); err != nil {
		return err
	}
	if err := j.make(ctx, path.Base(j.recipe.Image)); err != nil {
		return err
	}
	if err := j.keep(j.recipe.Image, "vmlinuz"); err != nil {
		return err
	}
	if err := j.keep(".config", "config"); err != nil {
		return err
	}
	if err := j.deviceTrees(ctx); err != nil {
		return err
	}
	return j.describe(ctx)
}

// configureLinux sets everything off that the fragments do not say, and refuses a fragment that Kconfig does not follow.
func (j *job) configureLinux(ctx context.Context) error {
	fragment, err := j.fragment()
	if err != nil {
		return err
	}
	all := filepath.Join(filepath.Dir(j.tree), "all.config")
	if err := writeFile(all, []byte(fragment)); err != nil {
		return err
	}
	if err := j.make(ctx, "KCONFIG_ALLCONFIG="+all, "allnoconfig"); err != nil {
		return err
	}
	return j.checkConfig(fragment)
}

// fragment returns the recipe's fragments as one.
func (j *job) fragment() (string, error) {
	inputs, err := j.recipe.Inputs()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, name := range j.recipe.Config {
		b.WriteString(inputs[name])
	}
	return b.String(), nil
}

func (j *job) checkConfig(fragment string) error {
	config, err := os.ReadFile(filepath.Join(j.tree, ".config"))
	if err != nil {
		return err
	}
	if lost := Lost(fragment, string(config)); len(lost) > 0 {
		return fmt.Errorf("the configuration has not what its fragments say (a symbol that does not exist, or one that it depends on is off):\n%s", strings.Join(lost, "\n"))
	}
	return nil
}

// deviceTrees builds the source's and our device trees, all with symbols, so that overlays can name what is in them.
func (j *job) deviceTrees(ctx context.Context) error {
	own, err := j.ownTrees()
	if err != nil {
		return err
	}
	var targets, overlays []string
	for _, t := range j.recipe.Trees {
		targets = append(targets, t+".dtb")
	}
	for _, t := range own {
		targets = append(targets, "capo/"+t+".dtb")
	}
	for _, parts := range j.recipe.Merged {
		overlays = append(overlays, parts[1:]...)
	}
	for _, t := range overlays {
		targets = append(targets, t+".dtbo")
	}
	if len(targets) == 0 {
		return nil
	}
	slices.Sort(targets)
	if err := j.make(ctx, append([]string{"DTC_FLAGS=-@"}, targets...)...); err != nil {
		return err
	}
	for _, t := range targets {
		if strings.HasSuffix(t, ".dtb") {
			if err := j.keep(path.Join(j.treeFolder(), t), path.Join("dtbs", strings.TrimPrefix(t, "capo/"))); err != nil {
				return err
			}
		}
	}
	return j.mergeTrees(ctx)
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

// mergeTrees applies overlays to the device trees that they belong to.
func (j *job) mergeTrees(ctx context.Context) error {
	for name, parts := range j.recipe.Merged {
		base := filepath.Join(j.out, "dtbs", parts[0]+".dtb")
		merged := filepath.Join(j.out, "dtbs", name+".dtb")
		args := []string{"-i", base, "-o", merged}
		for _, overlay := range parts[1:] {
			args = append(args, path.Join(j.treeFolder(), overlay+".dtbo"))
		}
		if err := j.command(ctx, j.tree, "scripts/dtc/fdtoverlay", args...); err != nil {
			return err
		}
	}
	return nil
}

// describe writes linux.json, and the list of what would be modules elsewhere.
func (j *job) describe(ctx context.Context) error {
	release, err := j.read(ctx, "make", "-s", "ARCH="+j.recipe.Arch, "CROSS_COMPILE="+j.recipe.Cross, "kernelrelease")
	if err != nil {
		return err
	}
	sum, err := folderSum(j.out)
	if err != nil {
		return err
	}
	text, err := json.Marshal(map[string]string{"release": release, "sha256": sum})
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(j.out, "linux.json"), text); err != nil {
		return err
	}
	return j.keep("modules.builtin", "modules/modules.builtin")
}
