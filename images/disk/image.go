package disk

import (
	"bytes"
	"fmt"
	"io"
	"slices"
)

// Piece is something that stands at a place of a disk.
type Piece struct {
	// At is where it begins, in bytes.
	At int64
	// Size is what it takes at most.
	Size int64
	// Content writes it. What it leaves of Size is zero.
	Content io.WriterTo
}

// Data returns a piece with the content data.
func Data(at int64, data []byte) Piece {
	return Piece{At: at, Size: int64(len(data)), Content: bytes.NewReader(data)}
}

// Write writes a disk of size bytes from its first byte to its last, with zeros where no piece is.
func Write(w io.Writer, size int64, pieces []Piece) error {
	pieces = slices.Clone(pieces)
	slices.SortFunc(pieces, func(a, b Piece) int { return int(min(max(a.At-b.At, -1), 1)) })
	var at int64
	for _, p := range pieces {
		if p.At < at || p.At+p.Size > size {
			return fmt.Errorf("write disk: what stands at %d overlaps or is beyond the end", p.At)
		}
		if err := zeros(w, p.At-at); err != nil {
			return err
		}
		n, err := p.Content.WriteTo(w)
		if err != nil {
			return err
		}
		if n > p.Size {
			return fmt.Errorf("write disk: what stands at %d has %d bytes instead of %d", p.At, n, p.Size)
		}
		at = p.At + n
	}
	return zeros(w, size-at)
}

func zeros(w io.Writer, n int64) error {
	block := make([]byte, min(n, 1<<16))
	for ; n > 0; n -= int64(len(block)) {
		block = block[:min(n, int64(len(block)))]
		if _, err := w.Write(block); err != nil {
			return err
		}
	}
	return nil
}
