package images

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/images/fat"
)

// ErrGiven is returned by [Source.Build] when files that the user must bring are missing.
var ErrGiven = errors.New("files are missing that Capo cannot make")

// contents are what an image holds, whichever its form.
type contents struct {
	board   *board.Board
	release string
	cmdline string
	kernel  []byte
	initrd  []byte
	own     Range      // the fleet's JSON in initrd
	dtb     []byte     // nil where the firmware brings one
	dtbs    []fat.File // that one and those of the board's near relatives, as they stand on a medium
	uki     []byte     // nil where the board has no UEFI
	boot    []fat.File
	raw     []rawPart
	time    time.Time
	// seed is a digest of all that is the same for every fleet; what has to be unique on a disk is derived from it.
	seed string
}

// rawPart is a partition that holds a file's bytes.
type rawPart struct {
	kind byte
	data []byte
}

// contents finds or makes all that an image holds.
func (s *Source) contents(ctx context.Context, b *board.Board, o Options) (*contents, error) {
	cmdline, err := Cmdline(b, o)
	if err != nil {
		return nil, err
	}
	given, err := givenFiles(b, o.Files)
	if err != nil {
		return nil, err
	}
	p, err := s.Parts(ctx, b)
	if err != nil {
		return nil, err
	}
	c := &contents{board: b, release: p.Release, cmdline: cmdline, boot: given, time: imageTime()}
	if err := c.read(p, o.Fleet); err != nil {
		return nil, err
	}
	if o.Format == FormatQEMU {
		return c, nil // QEMU starts the kernel itself
	}
	if err := s.bootFiles(ctx, c); err != nil {
		return nil, err
	}
	if loader(b) == board.LoaderUEFI {
		err = s.unify(ctx, c, o)
	}
	return c, err
}

// read reads the parts and appends the fleet's part to the initramfs.
func (c *contents) read(p *Parts, fleet []byte) error {
	var err error
	if c.kernel, err = os.ReadFile(p.Kernel); err != nil {
		return fmt.Errorf("read Linux: %w", err)
	}
	base, err := os.ReadFile(p.Initramfs)
	if err != nil {
		return fmt.Errorf("read the initramfs: %w", err)
	}
	if p.DTB != "" {
		if c.dtb, err = os.ReadFile(p.DTB); err != nil {
			return fmt.Errorf("read the device tree: %w", err)
		}
		c.dtbs = append(c.dtbs, fat.Bytes(c.dtbName(), c.dtb))
	}
	for _, path := range p.DTBs {
		f, err := fat.FromDisk(filepath.Base(path), path)
		if err != nil {
			return fmt.Errorf("read a relative's device tree: %w", err)
		}
		c.dtbs = append(c.dtbs, f)
	}
	if c.seed, err = seedOf(c, base); err != nil {
		return err
	}
	archives := [][]byte{base}
	if fleet != nil {
		own, err := FleetArchive(fleet)
		if err != nil {
			return err
		}
		archives = append(archives, own)
	}
	var all strings.Builder
	if err := Concat(&all, archives...); err != nil {
		return err
	}
	c.initrd = []byte(all.String())
	if fleet != nil {
		at := int64(strings.LastIndex(all.String(), string(fleet)))
		c.own = Range{From: at, To: at + fleetSize(fleet)}
	}
	return nil
}

func seedOf(c *contents, initramfs []byte) (string, error) {
	h := sha256.New()
	text, err := json.Marshal([]any{c.board, c.release, c.cmdline, len(c.kernel), len(initramfs)})
	if err != nil {
		return "", err
	}
	for _, part := range [][]byte{text, c.kernel, initramfs, c.dtb} {
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// volumeID is the serial number of the file system.
func (c *contents) volumeID() uint32 {
	sum := sha256.Sum256([]byte("volume " + c.seed))
	return binary.LittleEndian.Uint32(sum[:])
}

// bootFiles adds what the board's loader consists of.
func (s *Source) bootFiles(ctx context.Context, c *contents) error {
	if c.board.Boot == nil {
		return nil
	}
	for _, f := range c.board.Boot.Files {
		dir, err := s.bootDir(ctx, f.Package, f.Recipe)
		if err != nil {
			return fmt.Errorf("boot file %s of board %s: %w", f.To, c.board.Name, err)
		}
		file, err := fat.FromDisk(f.To, filepath.Join(dir, filepath.FromSlash(f.From)))
		if err != nil {
			return fmt.Errorf("boot file %s of board %s: %s%s has no such file: %w", f.To, c.board.Name, f.Package, f.Recipe, err)
		}
		c.boot = append(c.boot, file)
	}
	for _, r := range c.board.Boot.Raw {
		dir, err := s.bootDir(ctx, "", r.Recipe)
		if err != nil {
			return fmt.Errorf("boot partition of board %s: %w", c.board.Name, err)
		}
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(r.From)))
		if err != nil {
			return fmt.Errorf("boot partition of board %s: %w", c.board.Name, err)
		}
		kind, err := hex.DecodeString(r.Type)
		if err != nil || len(kind) != 1 {
			return fmt.Errorf("boot partition of board %s: type %q is not two hexadecimal digits", c.board.Name, r.Type)
		}
		c.raw = append(c.raw, rawPart{kind: kind[0], data: data})
	}
	return nil
}

// bootDir is the folder with the files of a package or of what a recipe built.
func (s *Source) bootDir(ctx context.Context, pkg, recipe string) (string, error) {
	if recipe != "" {
		return s.Recipe(ctx, recipe)
	}
	return s.Package(ctx, pkg)
}

// givenFiles finds the files that the user must bring. The error names all that are missing, and why Capo has none.
func givenFiles(b *board.Board, dir string) ([]fat.File, error) {
	if b.Boot == nil {
		return nil, nil
	}
	var files []fat.File
	var missing []string
	for _, g := range b.Boot.Given {
		file, err := fat.FromDisk(g.To, filepath.Join(dir, filepath.FromSlash(g.To)))
		if absent := dir == "" || errors.Is(err, os.ErrNotExist); absent && g.Optional {
			continue
		} else if absent {
			missing = append(missing, g.To+": "+g.Why)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("file %s from --files %s: %w", g.To, dir, err)
		}
		files = append(files, file)
	}
	if len(missing) > 0 {
		where := "put them into a folder and name it with --files"
		if dir != "" {
			where = dir + " (--files) has not"
		}
		return nil, fmt.Errorf("board %s: %w; %s\n  %s", b.Name, ErrGiven, where, strings.Join(missing, "\n  "))
	}
	return files, nil
}

// write writes the image in the form that is wanted.
func (c *contents) write(ctx context.Context, s *Source, o Options, r *Result) error {
	switch o.Format {
	case FormatSD:
		return c.writeSD(o, r)
	case FormatEFI:
		return c.writeEFI(ctx, s, o, r)
	case FormatNetboot:
		return c.writeNetboot(o, r)
	case FormatQEMU:
		return c.writeQEMU(o, r)
	}
	return fmt.Errorf("%w: %q", ErrFormat, o.Format)
}

// dtbName is the device tree's name on the medium.
func (c *contents) dtbName() string { return path.Base(c.board.Linux.DTB) }

// sizeOf adds the sizes of files up.
func sizeOf(files []fat.File) int64 {
	var n int64
	for _, f := range files {
		n += f.Size
	}
	return n
}

// imageTime is the time that all files of an image have: SOURCE_DATE_EPOCH, else that of the source which this program was built from, else
// 1980. It does not depend on where or when an image is made.
func imageTime() time.Time {
	if unix, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		return time.Unix(unix, 0).UTC()
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if at, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
				return at.UTC()
			}
		}
	}
	return time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
}
