package fat

import (
	"fmt"
	"io"
)

// counter writes until the first error and counts the bytes.
type counter struct {
	w   io.Writer
	n   int64
	err error
}

func (c *counter) write(p []byte) {
	if c.err != nil {
		return
	}
	n, err := c.w.Write(p)
	c.n, c.err = c.n+int64(n), err
}

func (c *counter) zeros(n int64) {
	block := make([]byte, min(max(n, 0), 1<<16))
	for ; n > 0 && c.err == nil; n -= int64(len(block)) {
		block = block[:min(int64(len(block)), n)]
		c.write(block)
	}
}

// file copies a file's content, which must have the size that was said.
func (c *counter) file(f *File) {
	if c.err != nil {
		return
	}
	r, err := f.Open()
	if err != nil {
		c.err = fmt.Errorf("open file %s of the volume: %w", f.Path, err)
		return
	}
	defer r.Close()
	n, err := io.Copy(c.w, io.LimitReader(r, f.Size))
	c.n += n
	switch {
	case err != nil:
		c.err = fmt.Errorf("write file %s of the volume: %w", f.Path, err)
	case n < f.Size:
		c.err = fmt.Errorf("write file %s of the volume: it has %d bytes instead of %d", f.Path, n, f.Size)
	}
}
