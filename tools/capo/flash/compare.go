package flash

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

// Compare reads a medium back and compares it with an image of size bytes, but for the ranges in except.
func Compare(ctx context.Context, m Medium, image io.ReaderAt, size int64, except []Range, progress Progress) error {
	if m.Size() < size {
		return fmt.Errorf("%w: it has %d bytes, the image has %d", ErrSmall, m.Size(), size)
	}
	if err := m.Forget(); err != nil {
		return fmt.Errorf("empty the cache before reading back: %w", err)
	}
	want, got := make([]byte, chunk), make([]byte, chunk)
	for at := int64(0); at < size; at += chunk {
		if err := stopped(ctx); err != nil {
			return err
		}
		n := min(chunk, size-at)
		if _, err := readFull(image, want[:n], at); err != nil {
			return fmt.Errorf("read the image at byte %d: %w", at, err)
		}
		if _, err := readFull(m, got[:n], at); err != nil {
			return fmt.Errorf("read back at byte %d of %d: %w", at, size, err)
		}
		for _, r := range except {
			blank(want[:n], at, r)
			blank(got[:n], at, r)
		}
		if !bytes.Equal(want[:n], got[:n]) {
			return fmt.Errorf("%w: byte %d differs", ErrDiffers, at+firstDifference(want[:n], got[:n]))
		}
		if progress != nil {
			progress("comparing", at+n, size)
		}
	}
	return nil
}

// blank zeroes the part of a range that is in b, which begins at the byte at.
func blank(b []byte, at int64, r Range) {
	from, to := max(r.From-at, 0), min(r.To-at, int64(len(b)))
	if from < to {
		clear(b[from:to])
	}
}

func firstDifference(a, b []byte) int64 {
	for i := range a {
		if a[i] != b[i] {
			return int64(i)
		}
	}
	return int64(len(a))
}
