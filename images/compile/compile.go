// Package compile builds what no distribution has: the kernels and the boot loaders of boards, after the recipes of
// buildroot, out of Debian's source packages and with Debian's cross compilers.
//
// What a recipe made stands in the cache under a digest of all that went into it (source package, fragments, device trees,
// compiler), and the same inputs give the same bytes. A build goes on in a folder beside it, which takes its place
// only when everything was built; its output goes into a log file.
package compile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/capodekappa/capo/buildroot"
	"github.com/capodekappa/capo/images/filelock"
)

// ErrTools is returned where programs are missing that a build needs.
var ErrTools = errors.New("building needs programs that are not here")

// errOtherSource: the source that came is not the one that was pinned, so the result belongs under another key.
var errOtherSource = errors.New("another source was taken")

// Builder builds recipes. Its fields are set before the first call and not changed.
type Builder struct {
	// Cache is the folder that results are kept in.
	Cache string
	// Dists are folders with what was built elsewhere, which is taken whatever compiler made it.
	Dists []string
	// Source returns a folder with the files of a source package, and a digest that names it, by its name in
	// images/linux.lock.
	Source func(ctx context.Context, name string) (dir string, err error)
	// SourceSum returns the digest of a source package without fetching it.
	SourceSum func(name string) (string, error)
	// Log receives what takes time.
	Log *slog.Logger
}

// Build returns the folder with what a recipe makes, from a dist folder or the cache, and builds it if it is in neither.
func (b *Builder) Build(ctx context.Context, name string) (string, error) {
	r, err := buildroot.Load(name)
	if err != nil {
		return "", err
	}
	sum, err := b.SourceSum(r.Source)
	if err != nil {
		return "", err
	}
	inputs, err := inputsKey(r, sum)
	if err != nil {
		return "", err
	}
	for _, dist := range b.Dists {
		if dir := filepath.Join(dist, r.Name+"-"+inputs); isDir(dir) {
			return dir, nil
		}
	}
	if err := os.MkdirAll(b.Cache, 0o755); err != nil {
		return "", fmt.Errorf("make the cache folder: %w", err)
	}
	compiler, err := compilerVersion(ctx, r.Cross)
	if err != nil {
		// Without a compiler, what another version of it made does as well.
		if found, _ := filepath.Glob(filepath.Join(b.Cache, r.Name+"-"+inputs+"-*")); len(found) > 0 && isDir(found[0]) {
			return found[0], nil
		}
		return "", fmt.Errorf("build %s: %w", r.Name, err)
	}
	dir := filepath.Join(b.Cache, r.Name+"-"+inputs+"-"+compilerKey(compiler))
	if isDir(dir) {
		return dir, nil
	}
	waiting := func() { b.Log.Info("another process is building it; waiting", "recipe", r.Name) }
	err = filelock.WithNotice(filepath.Join(b.Cache, r.Name+".lock"), waiting, func() error {
		if isDir(dir) {
			return nil // another process built it
		}
		return b.build(ctx, r, sum, dir)
	})
	if errors.Is(err, errOtherSource) {
		return b.Build(ctx, name) // and the other source is known by now
	}
	return dir, err
}

// DistName is the name of the folder in which a dist folder has a recipe's result.
func (b *Builder) DistName(name string) (string, error) {
	r, err := buildroot.Load(name)
	if err != nil {
		return "", err
	}
	sum, err := b.SourceSum(r.Source)
	if err != nil {
		return "", err
	}
	inputs, err := inputsKey(r, sum)
	return r.Name + "-" + inputs, err
}

// build makes the folder dir, whole or not at all.
func (b *Builder) build(ctx context.Context, r buildroot.Recipe, sum, dir string) error {
	if err := checkTools(r); err != nil {
		return fmt.Errorf("build %s: %w", r.Name, err)
	}
	source, err := b.Source(ctx, r.Source)
	if err != nil {
		return fmt.Errorf("build %s: %w", r.Name, err)
	}
	if now, err := b.SourceSum(r.Source); err != nil || now != sum {
		return errors.Join(errOtherSource, err)
	}
	if err := b.sweep(r.Name); err != nil {
		return fmt.Errorf("build %s: %w", r.Name, err)
	}
	work, err := os.MkdirTemp(b.Cache, ".build-"+r.Name+".*")
	if err != nil {
		return fmt.Errorf("build %s: %w", r.Name, err)
	}
	defer os.RemoveAll(work) // a gigabyte of objects
	log := filepath.Join(b.Cache, r.Name+".log")
	j := &job{recipe: r, tree: filepath.Join(work, "source"), out: filepath.Join(work, "out"), logPath: log}
	if j.log, err = os.Create(log); err != nil {
		return fmt.Errorf("build %s: %w", r.Name, err)
	}
	defer j.log.Close()
	b.Log.Info("building; this takes minutes, once", "recipe", r.Name, "log", log)
	start := time.Now()
	if err := j.run(ctx, source); err != nil {
		return fmt.Errorf("build %s: %w", r.Name, err)
	}
	if err := os.Rename(j.out, dir); err != nil {
		return fmt.Errorf("build %s: %w", r.Name, err)
	}
	b.Log.Info("built", "recipe", r.Name, "took", time.Since(start).Round(time.Second), "cpu", j.cpu.Round(time.Second))
	return nil
}

// sweep removes what a build left that was killed. Its caller has the recipe's lock, so nobody is building there.
func (b *Builder) sweep(name string) error {
	left, _ := filepath.Glob(filepath.Join(b.Cache, ".build-"+name+".*")) // the pattern is valid
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
