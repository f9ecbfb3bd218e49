package images

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/capodekappa/capo/images/filelock"
)

// fetched is the file of a package: a .deb, or a .dsc beside the archives that it names.
type fetched struct {
	path   string
	sha256 string
	remove func()
}

// fetch finds a package in a dist folder or downloads it.
func (s *Source) fetch(ctx context.Context, pin Pin) (fetched, error) {
	for _, dir := range s.dists() {
		file := filepath.Join(dir, pin.file())
		if sum, err := fileSHA256(file); err == nil && sum == pin.SHA256 {
			return fetched{file, sum, func() {}}, nil
		}
	}
	root, err := cachePath("apt", aptName(pin))
	if err != nil {
		return fetched{}, err
	}
	s.Log.Info("fetching a package", "package", pin.Package, "version", pin.Version, "arch", pin.Arch)
	var f fetched
	err = filelock.With(root+".lock", func() error {
		apt, err := openApt(root, pin)
		if err != nil {
			return err
		}
		f, err = downloadPinned(ctx, apt, pin, s.Log)
		return err
	})
	return f, err
}

// aptName names the apt root that can ask for a package.
func aptName(pin Pin) string {
	name := pin.Suite + "-" + pin.Arch
	if pin.Component != "" {
		name += "-" + pin.Component
	}
	return name
}

// downloadPinned downloads a package as it is pinned, or the newest one if that is gone.
func downloadPinned(ctx context.Context, apt *aptRoot, pin Pin, log *slog.Logger) (fetched, error) {
	exact := pin.Package + "=" + pin.Version
	file, err := apt.download(ctx, exact) // with the lists of the last time, if there are any
	if err != nil {
		if err := apt.update(ctx); err != nil {
			return fetched{}, err
		}
		if file, err = apt.download(ctx, exact); err != nil {
			return downloadNewest(ctx, apt, pin, err, log)
		}
	}
	f := fetched{path: file, remove: func() { _ = os.RemoveAll(filepath.Dir(file)) }} // a folder of its own
	if f.sha256, err = fileSHA256(file); err == nil && f.sha256 != pin.SHA256 {
		err = fmt.Errorf("%s has sha256 %s, and linux.lock says %s", filepath.Base(file), f.sha256, pin.SHA256)
	}
	if err != nil {
		f.remove()
	}
	return f, err
}

// downloadNewest takes the newest package instead of one that is gone, and says so.
func downloadNewest(ctx context.Context, apt *aptRoot, pin Pin, pinErr error, log *slog.Logger) (fetched, error) {
	pkg := pin.Package
	if pin.Newest != "" {
		var err error
		if pkg, err = apt.firstDependency(ctx, pin.Newest); err != nil {
			return fetched{}, errors.Join(pinErr, err)
		}
	}
	file, err := apt.download(ctx, pkg)
	if err != nil {
		return fetched{}, errors.Join(pinErr, err)
	}
	f := fetched{path: file, remove: func() { _ = os.RemoveAll(filepath.Dir(file)) }}
	if f.sha256, err = fileSHA256(file); err != nil {
		return fetched{}, err
	}
	log.Warn("the archive no longer has the pinned package; taking the newest", "name", pin.Name,
		"pinned", pin.Package+" "+pin.Version, "taken", filepath.Base(file), "pinned_sha256", pin.SHA256, "taken_sha256", f.sha256)
	note, err := substitutePath(pin)
	if err != nil {
		return fetched{}, err
	}
	return f, os.WriteFile(note, []byte(f.sha256), 0o644)
}

// substitute returns the digest of the package that was taken instead of pin, or "".
func substitute(pin Pin) string {
	note, err := substitutePath(pin)
	if err != nil {
		return ""
	}
	sum, _ := os.ReadFile(note) // absent: the pinned one was never missing
	return strings.TrimSpace(string(sum))
}

func substitutePath(pin Pin) (string, error) {
	return cachePath("linux", "instead-of-"+pin.SHA256)
}
