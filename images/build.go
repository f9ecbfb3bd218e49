package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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

// Options say what image to build.
type Options struct {
	// Board is the board's name.
	Board string
	// Format is sd, efi, netboot or qemu; empty means the board's first.
	Format string
	// Out is the file or, for netboot and qemu, the folder to write. Empty means BOARD.FORMAT in the current folder.
	Out string
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
}

// Result is what was built. Its JSON is what `capo image -o json` prints.
type Result struct {
	Board  string `json:"board"`
	Format string `json:"format"`
	Path   string `json:"path"`
	// Bytes is the size of all files together.
	Bytes int64 `json:"bytes"`
	// SHA256 is the digest of the image, or of the list of files with their digests for a folder.
	SHA256 string `json:"sha256"`
	TookMS int64  `json:"took_ms"`
}

// machineFile is machine.json in a folder of the format qemu: what is needed to start the machine.
type machineFile struct {
	Board   string `json:"board"`
	Release string `json:"release"`
	Kernel  string `json:"kernel"`
	Initrd  string `json:"initrd"`
	Cmdline string `json:"cmdline"`
}

// Build makes an image.
func (s *Source) Build(ctx context.Context, o Options) (*Result, error) {
	start := time.Now()
	b, err := board.Load(o.Board)
	if err != nil {
		return nil, err
	}
	if o.Format == "" && len(b.Formats) > 0 {
		o.Format = b.Formats[0]
	}
	if !slices.Contains(b.Formats, o.Format) {
		return nil, fmt.Errorf("%w: board %s has %s, not %q", ErrFormat, b.Name, formats(b), o.Format)
	}
	cmdline, err := Cmdline(b, o)
	if err != nil {
		return nil, err
	}
	parts, err := s.Parts(ctx, b)
	if err != nil {
		return nil, err
	}
	if o.Out == "" {
		o.Out = b.Name + "." + o.Format
	}
	if err := writeFolder(parts, o, cmdline); err != nil {
		return nil, fmt.Errorf("write image %s: %w", o.Out, err)
	}
	r := &Result{Board: b.Name, Format: o.Format, Path: o.Out}
	if r.Bytes, r.SHA256, err = measure(o.Out); err != nil {
		return nil, err
	}
	r.TookMS = time.Since(start).Milliseconds()
	return r, nil
}

func formats(b *board.Board) string {
	if len(b.Formats) == 0 {
		return "none"
	}
	return strings.Join(b.Formats, ", ")
}

// writeFolder writes the format qemu: vmlinuz, initrd and machine.json.
func writeFolder(p *Parts, o Options, cmdline string) error {
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return err
	}
	if err := copyFile(filepath.Join(o.Out, "vmlinuz"), p.Kernel, 0o644); err != nil {
		return err
	}
	var more [][]byte
	if o.Fleet != nil {
		fleet, err := FleetArchive(o.Fleet)
		if err != nil {
			return err
		}
		more = append(more, fleet)
	}
	if err := p.WriteInitrd(filepath.Join(o.Out, "initrd"), more...); err != nil {
		return err
	}
	m := machineFile{Board: p.Board.Name, Release: p.Release, Kernel: "vmlinuz", Initrd: "initrd", Cmdline: cmdline}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(o.Out, "machine.json"), append(text, '\n'), 0o644)
}

// measure returns the size and the digest of an image that is a folder.
func measure(dir string) (size int64, digest string, err error) {
	h := sha256.New()
	for _, name := range []string{"initrd", "machine.json", "vmlinuz"} {
		path := filepath.Join(dir, name)
		sum, err := fileSHA256(path)
		if err != nil {
			return 0, "", err
		}
		info, err := os.Stat(path)
		if err != nil {
			return 0, "", err
		}
		size += info.Size()
		fmt.Fprintf(h, "%s  %s\n", sum, name)
	}
	return size, hex.EncodeToString(h.Sum(nil)), nil
}
