package flash

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
)

// errGone is what a device says that was pulled out.
var errGone = errors.New("no such device")

// fake is a medium in memory that can fail.
type fake struct {
	data    []byte
	lostAt  int64 // the medium is gone when this many bytes were written; 0 for never
	failAt  int64 // one write that reaches this byte fails; 0 for none
	flip    int64 // this byte is kept wrong; 0 for none
	written int64
	syncs   int
}

func (f *fake) gone() bool { return f.lostAt > 0 && f.written >= f.lostAt }

func (f *fake) ReadAt(b []byte, at int64) (int, error) {
	if f.gone() {
		return 0, errGone
	}
	if at >= int64(len(f.data)) {
		return 0, io.EOF
	}
	return copy(b, f.data[at:]), nil
}

func (f *fake) WriteAt(b []byte, at int64) (int, error) {
	n := len(b)
	if f.lostAt > 0 {
		n = int(min(int64(n), max(f.lostAt-f.written, 0)))
	}
	copy(f.data[at:], b[:n])
	f.written += int64(n)
	if f.flip > 0 && at <= f.flip && f.flip < at+int64(n) {
		f.data[f.flip] ^= 1
	}
	if f.failAt > 0 && at <= f.failAt && f.failAt < at+int64(n) {
		f.failAt = 0
		return 0, errors.New("input/output error")
	}
	if n < len(b) {
		return n, errGone
	}
	return n, nil
}

func (f *fake) Sync() error {
	if f.gone() {
		return errGone
	}
	f.syncs++
	return nil
}

func (f *fake) Forget() error { return nil }

func (f *fake) Size() int64 { return int64(len(f.data)) }

// picture is an image of n bytes, none of its sectors zero.
func picture(n int) *bytes.Reader {
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(data) // it cannot fail
	return bytes.NewReader(data)
}

// used is a medium with something on it.
func used(n int) *fake { return &fake{data: bytes.Repeat([]byte("old "), n/4)} }
