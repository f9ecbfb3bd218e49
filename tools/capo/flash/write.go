package flash

import (
	"context"
	"fmt"
	"io"
)

// Medium is what is written to: a card, a disk, or a file.
type Medium interface {
	io.ReaderAt
	io.WriterAt
	// Sync returns when everything is on the medium.
	Sync() error
	// Forget makes the next reads come from the medium and not from the computer's cache.
	Forget() error
	// Size is the medium's size in bytes.
	Size() int64
}

// Write writes an image of size bytes to a medium and compares. When it fails, the medium's first sector is zero, so that no
// board takes it for whole; if the medium is gone, that was done before anything else.
func Write(ctx context.Context, m Medium, image io.ReaderAt, size int64, progress Progress) error {
	if m.Size() < size {
		return fmt.Errorf("%w: it has %d bytes, the image has %d", ErrSmall, m.Size(), size)
	}
	err := write(ctx, m, image, size, progress)
	if err == nil {
		err = Compare(ctx, m, image, size, nil, progress)
	}
	if err != nil {
		if wipe := zero(m, 0, sector); wipe == nil {
			wipe = m.Sync()
			if wipe == nil {
				return fmt.Errorf("%w; its first sector was zeroed, so that nothing takes it for whole", err)
			}
		}
		return fmt.Errorf("%w; it gives no answer any more, and what is on it is not whole", err)
	}
	return nil
}

func write(ctx context.Context, m Medium, image io.ReaderAt, size int64, progress Progress) error {
	if err := zero(m, 0, min(size, mebibyte)); err != nil {
		return fmt.Errorf("erase the partition table: %w", err)
	}
	if tail := m.Size() - mebibyte; tail >= size { // where an older GPT has its copy
		if err := zero(m, tail, mebibyte); err != nil {
			return fmt.Errorf("erase the copy of the partition table: %w", err)
		}
	}
	if err := m.Sync(); err != nil {
		return fmt.Errorf("erase the partition table: %w", err)
	}
	if err := copyRange(ctx, m, image, sector, size, size, progress); err != nil {
		return err
	}
	if err := m.Sync(); err != nil {
		return fmt.Errorf("write to the medium: %w", err)
	}
	if err := copyRange(ctx, m, image, 0, sector, size, nil); err != nil {
		return err
	}
	if err := m.Sync(); err != nil {
		return fmt.Errorf("write to the medium: %w", err)
	}
	return nil
}

func copyRange(ctx context.Context, m Medium, image io.ReaderAt, from, to, total int64, progress Progress) error {
	buffer := make([]byte, chunk)
	for at := from; at < to; at += chunk {
		if err := stopped(ctx); err != nil {
			return err
		}
		b := buffer[:min(chunk, to-at)]
		if _, err := readFull(image, b, at); err != nil {
			return fmt.Errorf("read the image at byte %d: %w", at, err)
		}
		if _, err := m.WriteAt(b, at); err != nil {
			return fmt.Errorf("write at byte %d of %d: %w", at, total, err)
		}
		if progress != nil {
			progress("writing", at+int64(len(b)), total)
		}
	}
	return nil
}

func zero(m Medium, at, n int64) error {
	_, err := m.WriteAt(make([]byte, n), at)
	return err
}

// readFull reads all of b; the end of what is read may coincide with its end.
func readFull(r io.ReaderAt, b []byte, at int64) (int, error) {
	n, err := r.ReadAt(b, at)
	if n == len(b) {
		return n, nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
