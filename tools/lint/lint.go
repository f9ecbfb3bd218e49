package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func run(ctx context.Context, fix bool, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected %q; usage: lint [--fix]", args[0])
	}
	if _, err := os.Stat("go.mod"); err != nil {
		return fmt.Errorf("run it in the root of the tree: %w", err)
	}
	changed, err := formatTree(".", fix)
	for _, path := range changed {
		fmt.Println(path)
	}
	if err != nil || fix {
		return err
	}
	if len(changed) > 0 {
		err = fmt.Errorf("%d files are not in gofmt's form (listed above): make fmt", len(changed))
	}
	return errors.Join(err,
		goTool(ctx, "vet", "./..."),
		goTool(ctx, "test", "-count=1", "./test/house"))
}

// goTool runs the go tool and shows what it prints.
func goTool(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// formatTree returns the files below root that gofmt would change, and changes them if fix is set.
func formatTree(root string, fix bool) (changed []string, err error) {
	foreign := []string{".git", "out", "dist", "node_modules"}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "testdata", d.IsDir() && filepath.Dir(path) == filepath.Clean(root) && slices.Contains(foreign, d.Name()):
			return fs.SkipDir
		case !d.Type().IsRegular() || filepath.Ext(path) != ".go":
			return nil
		}
		differs, err := formatFile(path, fix)
		if differs {
			changed = append(changed, path)
		}
		return err
	})
	return changed, err
}

func formatFile(path string, fix bool) (differs bool, err error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	formatted, err := format.Source(source)
	if err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	if bytes.Equal(source, formatted) {
		return false, nil
	}
	if fix {
		err = os.WriteFile(path, formatted, 0o644)
	}
	return true, err
}
