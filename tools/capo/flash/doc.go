// Package flash writes images to cards and disks, and reads them back.
//
// A card that was not written to its end must never look as if it were: its first mebibyte, where the partition table is, is zeroed
// first, and the first sector of all is written last. What was written is compared with what the medium gives back, past the computer's cache.
package flash

import (
	"context"
	"errors"
	"fmt"
)

// Errors that a caller may want to tell apart.
var (
	// ErrRefused is wrapped where writing would destroy something.
	ErrRefused = errors.New("refused")
	// ErrDiffers is wrapped where the medium gives back other bytes.
	ErrDiffers = errors.New("the medium does not hold the image")
	// ErrSmall is wrapped where the image does not fit.
	ErrSmall = errors.New("too small for the image")
)

const (
	mebibyte = 1 << 20
	// sector is the first one, which is written last.
	sector = 512
	// chunk is how much is written or read at a time.
	chunk = 4 * mebibyte
)

// Range is a range of bytes that is not compared: from the first byte to the one after the last.
type Range struct{ From, To int64 }

// Progress is told how many of total bytes a stage (writing, comparing) has done.
type Progress func(stage string, done, total int64)

// stopped says why work has to end, or nil.
func stopped(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("interrupted: %w", context.Cause(ctx))
	}
	return nil
}
