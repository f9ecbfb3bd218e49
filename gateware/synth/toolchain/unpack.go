package toolchain

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// maxFile bounds one file of a package; the largest today is a chip's routing, 93 MB.
const maxFile = 256 << 20

// check compares an archive with the lock.
func (p Package) check(archive io.Reader) error {
	h := sha512.New()
	n, err := io.Copy(h, io.LimitReader(archive, p.Bytes+1))
	if err != nil {
		return fmt.Errorf("read the archive of %s: %w", p, err)
	}
	if got := "sha512-" + base64.StdEncoding.EncodeToString(h.Sum(nil)); n != p.Bytes || got != p.Integrity {
		return &Error{Tool: p.String(), Kind: ErrVersion, Detail: fmt.Sprintf("the registry's archive has %d bytes and %s, npm.lock.json says %d and %s", n, got, p.Bytes, p.Integrity),
			Mend: "ask the registry's keeper: a published version never changes"}
	}
	return nil
}

// unpack puts what the tools need of an archive into a folder: modules and files at its top, the share folder below.
func (p Package) unpack(archive io.Reader, dir string) error {
	zipped, err := gzip.NewReader(archive)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", p, err)
	}
	missing := p.wanted()
	for in := tar.NewReader(zipped); len(missing) > 0; {
		head, err := in.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("unpack %s: %s is not in it", p, strings.Join(missing, ", "))
		}
		if err != nil {
			return fmt.Errorf("unpack %s: %w", p, err)
		}
		name := strings.TrimPrefix(path.Clean(head.Name), "package/")
		i := slices.Index(missing, name)
		if i < 0 || head.Typeflag != tar.TypeReg {
			continue
		}
		if head.Size > maxFile {
			return fmt.Errorf("unpack %s: %s has %d bytes", p, name, head.Size)
		}
		if err := p.place(name, in, dir); err != nil {
			return fmt.Errorf("unpack %s: %w", p, err)
		}
		missing = slices.Delete(missing, i, i+1)
	}
	return nil
}

// wanted lists the files to take out of the archive, by their paths in it.
func (p Package) wanted() []string {
	want := slices.Clone(p.Files)
	for _, module := range p.Tools {
		want = append(want, module)
	}
	if p.Resources != "" {
		want = append(want, p.Resources)
	}
	slices.Sort(want)
	return want
}

// place writes one file, or the files that a script of resources holds.
func (p Package) place(name string, in io.Reader, dir string) error {
	if name != p.Resources {
		return writeFile(filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(name, "gen/"))), in)
	}
	script, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	files, err := resources(string(script))
	if err != nil {
		return err
	}
	for file, text := range files {
		if err := writeFile(filepath.Join(dir, filepath.FromSlash(file)), strings.NewReader(text)); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(name string, in io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, in)
	return errors.Join(err, f.Close())
}
