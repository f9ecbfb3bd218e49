package compile

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// linux configures and builds a kernel. The result is laid out as images unpacks a kernel's package: vmlinuz, modules,
// linux.json.
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
