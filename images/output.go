package images

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// digester counts and hashes what passes.
type digester struct {
	w    io.Writer
	hash io.Writer
	n    int64
	tell func(n int64)
}

func (d *digester) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	d.n += int64(n)
	_, _ = d.hash.Write(p[:n]) // a hash does not fail
	if d.tell != nil {
		d.tell(d.n)
	}
	return n, err
}

// writeImageFile writes a file of total bytes, compressed if its name ends in .zst, and sets the result's size and digest. The file
// can only be read by its owner: an image may carry a join token.
func writeImageFile(o Options, r *Result, total int64, write func(io.Writer) error) error {
	h := sha256.New()
	err := writeFile(o.Out, 0o600, func(w io.Writer) error {
		file := &digester{w: w, hash: h}
		raw := &digester{w: file, hash: io.Discard}
		if o.Progress != nil {
			raw.tell = func(n int64) { o.Progress(n, total) }
		}
		err := compressed(file, strings.HasSuffix(o.Out, ".zst"), func(w io.Writer) error {
			raw.w = w
			return write(raw)
		})
		r.Bytes = file.n
		if err != nil {
			return err
		}
		if f, ok := w.(*os.File); ok {
			return f.Sync() // or a power cut soon after leaves a file that looks whole
		}
		return nil
	})
	r.SHA256 = hex.EncodeToString(h.Sum(nil))
	return err
}

// compressed passes what write writes through zstd, the same bytes every time, if so wanted.
func compressed(w io.Writer, wanted bool, write func(io.Writer) error) error {
	if !wanted {
		return write(w)
	}
	enc, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("start zstd: %w", err)
	}
	if err := write(enc); err != nil {
		enc.Close()
		return err
	}
	return enc.Close()
}

// markers are files by which a folder is known to be an image of ours, which may be replaced.
var markers = []string{"machine.json", "netboot.json"}

// checkFolder refuses to replace a folder that is not an image.
func checkFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("write image %s: %w", dir, err)
	}
	ours := func(e os.DirEntry) bool { return slices.Contains(markers, e.Name()) }
	if len(entries) > 0 && !slices.ContainsFunc(entries, ours) {
		return fmt.Errorf("write image %s: the folder holds something else, and would be replaced", dir)
	}
	return nil
}

// writeImageFolder fills a folder beside the one that is wanted, puts it into its place, and sets the result's size and digest.
func writeImageFolder(o Options, r *Result, fill func(dir string) error) error {
	out := filepath.Clean(o.Out)
	tmp, err := os.MkdirTemp(filepath.Dir(out), "."+filepath.Base(out)+".*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) // gone after a successful rename; else the folder that was there before
	dir := filepath.Join(tmp, "new")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := fill(dir); err != nil {
		return err
	}
	if r.Bytes, r.SHA256, err = measure(dir); err != nil {
		return err
	}
	old := filepath.Join(tmp, "old")
	if err := os.Rename(out, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(dir, out); err != nil {
		return errors.Join(err, os.Rename(old, out))
	}
	return nil
}

// measure returns the size and the digest of an image that is a folder.
func measure(dir string) (size int64, digest string, err error) {
	h := sha256.New()
	err = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		sum, err := fileSHA256(path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		size += info.Size()
		fmt.Fprintf(h, "%s  %s\n", sum, filepath.ToSlash(name))
		return nil
	})
	return size, hex.EncodeToString(h.Sum(nil)), err
}
