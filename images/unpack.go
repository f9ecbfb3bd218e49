package images

import (
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
)

// Unpack writes the content of an image file that was compressed with zstd to another file, which only its owner can read.
func Unpack(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("unpack %s: %w", from, err)
	}
	defer d.Close()
	return writeFile(to, 0o600, func(w io.Writer) error {
		if _, err := io.Copy(w, d); err != nil {
			return fmt.Errorf("unpack %s: %w", from, err)
		}
		return nil
	})
}
