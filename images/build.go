package images

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/capodekappa/capo/board"
)

// ErrFormat is returned by [Source.Build] for a format that cannot be made.
var ErrFormat = errors.New("image format not available")

// The formats of images.
const (
	FormatSD      = "sd"
	FormatEFI     = "efi"
	FormatNetboot = "netboot"
	FormatQEMU    = "qemu"
)

// Options say what image to build.
type Options struct {
	// Board is the board's name.
	Board string
	// Format is sd, efi, netboot or qemu; empty means the board's first.
	Format string
	// Out is the file or, for netboot and qemu, the folder to write. Empty means BOARD.FORMAT in the current folder, for a file
	// BOARD.img. A file whose name ends in .zst is compressed.
	Out string
	// Files is a folder with those files that the board needs and Capo cannot make (boot.given in board.json), by the names that they have on
	// the medium.
	Files string
	// SecureBootKey and SecureBootCert are PEM files with which the UEFI executable is signed. Both or none are set.
	SecureBootKey, SecureBootCert string
	// Fleet is the content of /capo/fleet.json. Nil makes an image without a fleet's part.
	Fleet []byte
	// Size and Expect are the numbers of nodes in the fleet and those to wait for; 0 means 3 and min(3, Size).
	Size   int
	Expect int
	// Name is the node's name; empty lets the node take one from its hardware.
	Name string
	// Labels become capo.labels.
	Labels map[string]string
	// IP is the kernel's ip= parameter, without "ip=".
	IP string
	// Cmdline is appended to the kernel's command line as it is.
	Cmdline string
	// Progress, if it is not nil, is told how much of an image file has been written.
	Progress func(done, total int64)
}

// Result is what was built. Its JSON is what `capo image -o json` prints.
type Result struct {
	Board  string `json:"board"`
	Format string `json:"format"`
	Path   string `json:"path"`
	// Bytes is the size of all files together.
	Bytes int64 `json:"bytes"`
	// ContentBytes is how much of that is content: all but what is empty on a card or disk.
	ContentBytes int64 `json:"content_bytes"`
	// SHA256 is the digest of the image, or of the list of files with their digests for a folder.
	SHA256 string `json:"sha256"`
	TookMS int64  `json:"took_ms"`
	// Own are the bytes of an image file, before compression, that differ from one build to the next because each has a join token of its
	// own: the fleet's part, and a signature over it.
	Own []Range `json:"-"`
}

// Range is a range of bytes.
type Range struct {
	// From is the first byte, To the one after the last.
	From, To int64
}

// Build makes an image. Until it is whole there is nothing at its path, or what was there before.
func (s *Source) Build(ctx context.Context, o Options) (*Result, error) {
	start := time.Now()
	b, err := board.Load(o.Board)
	if err != nil {
		return nil, err
	}
	if err := o.complete(b); err != nil {
		return nil, err
	}
	c, err := s.contents(ctx, b, o)
	if err != nil {
		return nil, err
	}
	r := &Result{Board: b.Name, Format: o.Format, Path: o.Out}
	if err := c.write(ctx, s, o, r); err != nil {
		return nil, fmt.Errorf("write image %s: %w", o.Out, err)
	}
	r.TookMS = time.Since(start).Milliseconds()
	return r, nil
}

// complete checks the options against the board before anything takes time, and fills in what was left out.
func (o *Options) complete(b *board.Board) error {
	if o.Format == "" && len(b.Formats) > 0 {
		o.Format = b.Formats[0]
	}
	switch {
	case b.Missing != "":
		return fmt.Errorf("%w: no image of board %s can be made yet. %s", ErrFormat, b.Name, b.Missing)
	case len(b.Formats) == 0:
		return fmt.Errorf("%w: board %s has no image, its nodes are plain processes", ErrFormat, b.Name)
	case !slices.Contains(b.Formats, o.Format):
		return fmt.Errorf("%w: board %s has %s, not %q", ErrFormat, b.Name, strings.Join(b.Formats, ", "), o.Format)
	}
	if (o.SecureBootKey == "") != (o.SecureBootCert == "") {
		return fmt.Errorf("signing for Secure Boot takes a key and its certificate")
	}
	if o.SecureBootKey != "" && loader(b) != board.LoaderUEFI {
		return fmt.Errorf("board %s does not boot by UEFI, so there is nothing to sign for Secure Boot", b.Name)
	}
	if o.Out == "" {
		o.Out = b.Name + "." + o.Format
		if !isFolder(o.Format) {
			o.Out = b.Name + ".img"
		}
	}
	return o.checkOut()
}

// checkOut refuses a path that could not be written in the end.
func (o *Options) checkOut() error {
	info, err := os.Stat(o.Out)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if parent := filepath.Dir(filepath.Clean(o.Out)); !isDir(parent) {
			return fmt.Errorf("write image %s: there is no folder %s", o.Out, parent)
		}
		return nil
	case err != nil:
		return fmt.Errorf("write image: %w", err)
	case isFolder(o.Format):
		return checkFolder(o.Out)
	case info.IsDir():
		return fmt.Errorf("write image %s: it is a folder, and the format %s is one file", o.Out, o.Format)
	case !info.Mode().IsRegular():
		return fmt.Errorf("write image %s: it is a device; capo flash writes those", o.Out)
	}
	return nil
}

// isFolder tells whether an image of that format is a folder.
func isFolder(format string) bool { return format == FormatNetboot || format == FormatQEMU }

func loader(b *board.Board) string {
	if b.Boot == nil {
		return ""
	}
	return b.Boot.Loader
}
