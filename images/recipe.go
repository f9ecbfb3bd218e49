package images

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/capodekappa/capo/buildroot"
	"github.com/capodekappa/capo/images/compile"
)

// Recipe finds what a recipe of buildroot makes, in a dist folder or in the cache, or builds it, and returns the folder
// that holds it.
func (s *Source) Recipe(ctx context.Context, name string) (string, error) {
	b, err := s.builder()
	if err != nil {
		return "", err
	}
	dir, err := b.Build(ctx, name)
	return dir, noSpace(err)
}

// builder makes a builder with the cache, the dist folders and the packages of s.
func (s *Source) builder() (*compile.Builder, error) {
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	b := &compile.Builder{Cache: filepath.Join(cache, "recipe"), Source: s.Package, Log: s.Log}
	for _, dir := range s.dists() {
		b.Dists = append(b.Dists, filepath.Join(dir, recipesFolder))
	}
	b.SourceSum = func(name string) (string, error) {
		pin, err := pinOf(name)
		if err != nil {
			return "", err
		}
		if sum := substitute(pin); sum != "" {
			return sum, nil
		}
		return pin.SHA256, nil
	}
	return b, nil
}

// recipesFolder is where a dist folder has what recipes made.
const recipesFolder = "recipes"

// recipeLinux is the kernel that a recipe makes.
func (s *Source) recipeLinux(ctx context.Context, name string) (*Linux, error) {
	r, err := buildroot.Load(name)
	if err != nil {
		return nil, err
	}
	if r.Kind != buildroot.KindLinux {
		return nil, fmt.Errorf("the recipe %s makes no Linux", name)
	}
	dir, err := s.Recipe(ctx, name)
	if err != nil {
		return nil, err
	}
	l, err := openLinux(dir)
	if err != nil || r.DeviceTrees == "" {
		return l, err
	}
	trees, err := s.Recipe(ctx, r.DeviceTrees)
	if err != nil {
		return nil, err
	}
	l.DTBs = filepath.Join(trees, "dtbs")
	return l, nil
}

// isRecipe tells a recipe's name from one in linux.lock.
func isRecipe(name string) bool { return slices.Contains(buildroot.Names(), name) }
