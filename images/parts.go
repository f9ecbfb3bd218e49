package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/images/filelock"
)

// initramfsFormat changes when the same inputs would give another initramfs, so that none from before is taken out of
// the cache.
const initramfsFormat = "1"

// Parts are the files that every fleet's image of a board shares. They are in the cache and must not be changed.
type Parts struct {
	Board *board.Board
	// Release is the kernel's release.
	Release string
	// Kernel and Initramfs are paths.
	Kernel    string
	Initramfs string
	// DTB is the path of the device tree, or "" where the board needs none.
	DTB string
	// DTBs are those of the board's near relatives.
	DTBs []string
}

// Parts finds or makes the kernel and the initramfs of a board.
func (s *Source) Parts(ctx context.Context, b *board.Board) (*Parts, error) {
	if b.Linux == nil {
		return nil, fmt.Errorf("board %s has no image: its nodes are plain processes", b.Name)
	}
	node, err := s.Node(ctx, b.Arch)
	if err != nil {
		return nil, err
	}
	return s.PartsWith(ctx, b, node)
}

// PartsWith is [Source.Parts] with another executable as /init.
func (s *Source) PartsWith(ctx context.Context, b *board.Board, node string) (*Parts, error) {
	l, err := s.Linux(ctx, b)
	if err != nil {
		return nil, err
	}
	key, err := initramfsKey(b, l, node)
	if err != nil {
		return nil, err
	}
	path, err := cachePath("initramfs", key+".cpio.zst")
	if err != nil {
		return nil, err
	}
	err = filelock.With(path+".lock", func() error {
		if isFile(path) {
			now := time.Now()
			return os.Chtimes(path, now, now) // it is still in use, see prune
		}
		prune(filepath.Dir(path), 14*24*time.Hour)
		data, err := initramfs(b, l, node)
		if err != nil {
			return err
		}
		return writeFile(path, 0o644, func(w io.Writer) error { _, err := w.Write(data); return err })
	})
	if err != nil {
		return nil, fmt.Errorf("make the initramfs of %s: %w", b.Name, err)
	}
	os.Remove(path + ".lock") // only there to wait for another process; a failure to remove it does no harm
	p := &Parts{Board: b, Release: l.Release, Kernel: l.Kernel, Initramfs: path}
	p.DTB, p.DTBs, err = l.dtbs(b)
	return p, err
}

// prune removes files that nobody has used for a while. What cannot be removed stays.
func prune(dir string, age time.Duration) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > age {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// initramfsKey is a digest of everything that goes into an initramfs.
func initramfsKey(b *board.Board, l *Linux, node string) (string, error) {
	sum, err := fileSHA256(node)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal([]any{initramfsFormat, b, l.SHA256, sum})
	if err != nil {
		return "", err
	}
	key := sha256.Sum256(text)
	return hex.EncodeToString(key[:]), nil
}

// WriteInitrd writes the initramfs followed by further archives, such as a [FleetArchive], to a file that only its owner
// can read.
func (p *Parts) WriteInitrd(path string, more ...[]byte) error {
	base, err := os.ReadFile(p.Initramfs)
	if err != nil {
		return fmt.Errorf("read the initramfs: %w", err)
	}
	return writeFile(path, 0o600, func(w io.Writer) error {
		return Concat(w, append([][]byte{base}, more...)...)
	})
}
