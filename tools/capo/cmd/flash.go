package cmd

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/images"
	"github.com/capodekappa/capo/tools/capo/flash"
)

// flashFlags are what `flash` is told besides the image.
type flashFlags struct {
	imageFlags
	image                   string
	yes, dry, force, verify bool
}

// flashed is what `flash` prints.
type flashed struct {
	Device string `json:"device"`
	Board  string `json:"board"`
	Format string `json:"format"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	TookMS int64  `json:"took_ms"`
}

func (a *app) flashCmd() *cobra.Command {
	f := flashFlags{}
	c := &cobra.Command{
		Use: "flash [DEVICE]", Short: "Write an image to a card or disk, and read it back",
		Long: "Make an image and write it to a card or a disk; then read it back and compare. Without a device it lists the disks that can be removed.\n" +
			"It refuses a disk that is mounted or that this computer runs from, and asks before it writes.",
		Example: "  capo flash                                        list cards and disks\n" +
			"  capo image --board zedboard --out z.img && sudo capo flash --image z.img /dev/sdX\n" +
			"  sudo capo flash --board raspberrypi4 --name pi1 --size 1 --labels site=lab /dev/sdX\n" +
			"  sudo capo flash --board pc --dry-run /dev/sdX     say what would be done\n" +
			"  sudo capo flash --board raspberrypi4 --name pi1 --size 1 --labels site=lab --verify-only /dev/sdX",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.flashList()
			}
			return a.flash(c.Context(), f, args[0])
		},
	}
	f.register(c)
	c.Flags().StringVar(&f.image, "image", "", "write this image `file`, which may end in .zst, instead of making one")
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&f.dry, "dry-run", false, "say what would be done")
	c.Flags().BoolVar(&f.force, "force", false, "write a disk that cannot be removed, too")
	c.Flags().BoolVar(&f.verify, "verify-only", false, "compare the medium with the image, and write nothing; the fleet's part, in which each image has its own token, is left out unless --image names the image")
	return c
}

// flashList lists the disks that can be removed.
func (a *app) flashList() error {
	all, err := flash.Local().Disks()
	if err != nil {
		return err
	}
	disks := slices.DeleteFunc(append([]flash.Disk{}, all...), func(d flash.Disk) bool { return !d.Removable || d.System })
	return a.show(disks, func(w io.Writer) error {
		if len(disks) == 0 {
			fmt.Fprintln(a.Err, "there is no card and no disk here that can be removed; one that was just put in takes a second to appear")
			return nil
		}
		t := table{head: []string{"DEVICE", "SIZE", "MODEL", "IN USE"}}
		for _, d := range disks {
			t.add(d.Path, humanBytes(d.Bytes), d.Model, strings.Join(d.Uses, ", "))
		}
		return t.write(w)
	})
}

func (a *app) flash(ctx context.Context, f flashFlags, device string) error {
	begun := time.Now()
	if err := f.complete(); err != nil {
		return err
	}
	what, err := target(device)
	if err == nil && !f.verify {
		err = what.Check(f.force)
	}
	if err != nil {
		return refused(err)
	}
	if !f.yes && !f.verify && !f.dry { // before there is an image: each has a token, which is remembered
		if err := a.confirm(fmt.Sprintf("Write %s to %s? All that is on it will be lost.", cmp.Or(f.image, f.Board), describe(what))); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "capo-flash-*")
	if err != nil {
		return fmt.Errorf("make a folder for the image: %w", err)
	}
	defer os.RemoveAll(dir) // the image has a token; it can only be read by this user
	r, err := a.flashImage(ctx, f, dir)
	if err != nil {
		return err
	}
	image, err := os.Open(r.Path)
	if err != nil {
		return fmt.Errorf("open the image: %w", err)
	}
	defer image.Close()
	if what.Bytes < r.Bytes {
		return fmt.Errorf("%s: %w: it has %s, the image has %s", device, flash.ErrSmall, humanBytes(what.Bytes), humanBytes(r.Bytes))
	}
	if f.dry {
		fmt.Fprintf(a.Err, "would write %s of %s (%s) to %s; all that is on it would be lost\n", r.Format, r.Board, humanBytes(r.Bytes), describe(what))
		return nil
	}
	if err := a.flashMedium(ctx, f, device, image, r); err != nil {
		return err
	}
	out := flashed{Device: device, Board: r.Board, Format: r.Format, Bytes: r.Bytes, SHA256: r.SHA256, TookMS: time.Since(begun).Milliseconds()}
	return a.show(out, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s holds %s %s: %s, read back and compared, %d ms\n", out.Device, out.Board, out.Format, humanBytes(out.Bytes), out.TookMS)
		return err
	})
}

// complete checks the flags and chooses a format that is one file.
func (f *flashFlags) complete() error {
	switch {
	case f.image != "" && f.Board != "":
		return usage(errors.New("--image and --board: an image is of a board already"))
	case f.image != "":
		return nil
	case f.Board == "":
		return usage(errors.New("which board? --board NAME (capo boards lists them), or --image FILE"))
	}
	b, err := board.Load(f.Board)
	if err != nil {
		return usage(err)
	}
	if f.Format == "" {
		at := slices.IndexFunc(b.Formats, func(format string) bool { return format == images.FormatSD || format == images.FormatEFI })
		if at < 0 {
			return usage(fmt.Errorf("board %s has no image for a card or disk %s", b.Name, b.Missing))
		}
		f.Format = b.Formats[at]
	}
	if f.Format != images.FormatSD && f.Format != images.FormatEFI {
		return usage(fmt.Errorf("the format %s is a folder; a card or disk takes sd or efi", f.Format))
	}
	return nil
}

// refused gives the refusal of a disk its exit code.
func refused(err error) error {
	if errors.Is(err, flash.ErrRefused) {
		return coded{err, exitRefused}
	}
	return err
}

// target finds out about the device.
func target(device string) (*flash.Disk, error) {
	info, err := os.Stat(device)
	if err != nil {
		return nil, err
	}
	if info.Mode().IsRegular() {
		return &flash.Disk{Path: device, Model: "a file", Bytes: info.Size(), Removable: true, Uses: []string{}}, nil
	}
	return flash.Local().Find(device)
}

// flashImage makes the image to write, or to compare with.
func (a *app) flashImage(ctx context.Context, f flashFlags, dir string) (*images.Result, error) {
	if f.image == "" {
		f.Out = filepath.Join(dir, "image")
		f.noToken = f.noToken || f.verify || f.dry
		return a.buildImage(ctx, f.imageFlags)
	}
	path := f.image
	if strings.HasSuffix(path, ".zst") {
		path = filepath.Join(dir, "image")
		if err := images.Unpack(path, f.image); err != nil {
			return nil, fmt.Errorf("open the image: %w", err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open the image: %w", err)
	}
	if info.Size() == 0 || info.Size()%512 != 0 {
		return nil, fmt.Errorf("%s has %d bytes and is no image of a card or disk", f.image, info.Size())
	}
	sum, err := digestOf(path)
	return &images.Result{Board: f.image, Format: "image", Path: path, Bytes: info.Size(), SHA256: sum}, err
}

func digestOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("open the image: %w", err)
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", fmt.Errorf("read the image: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// flashMedium writes and compares, or compares alone.
func (a *app) flashMedium(ctx context.Context, f flashFlags, device string, image *os.File, r *images.Result) error {
	var progress flash.Progress
	if terminal(a.Err) {
		b, was := newBar(a.Err, "writing"), "writing"
		defer b.end()
		progress = func(stage string, done, total int64) {
			if stage != was {
				b.next(stage)
				was = stage
			}
			b.set(done, total)
		}
	}
	m, err := flash.Open(device, !f.verify)
	if err != nil {
		return refused(err)
	}
	if f.verify {
		var except []flash.Range
		for _, own := range r.Own {
			except = append(except, flash.Range(own))
		}
		err = flash.Compare(ctx, m, image, r.Bytes, except, progress)
	} else {
		err = flash.Write(ctx, m, image, r.Bytes, progress)
	}
	if closeErr := m.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("%s: %w", device, err)
	}
	return nil
}

func describe(d *flash.Disk) string {
	if d.Model == "" {
		return fmt.Sprintf("%s (%s)", d.Path, humanBytes(d.Bytes))
	}
	return fmt.Sprintf("%s (%s, %s)", d.Path, d.Model, humanBytes(d.Bytes))
}
