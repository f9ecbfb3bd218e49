package flash

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// openExclusive opens a path; of a device nobody else may hold it (open(2), O_EXCL without O_CREAT).
func openExclusive(path string, write, device bool) (*os.File, error) {
	flags := os.O_RDONLY
	if write {
		flags = os.O_RDWR
	}
	if device && write {
		flags |= unix.O_EXCL
	}
	f, err := os.OpenFile(path, flags, 0)
	switch {
	case errors.Is(err, unix.EBUSY):
		return nil, fmt.Errorf("%w: %s is in use: %w", ErrRefused, path, err)
	case errors.Is(err, unix.ENOMEDIUM):
		return nil, fmt.Errorf("there is no card in %s: %w", path, err)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("%w (writing a disk takes root: sudo capo flash …)", err)
	}
	return f, err
}

// Forget drops what the kernel has in its cache of the medium.
func (f *file) Forget() error {
	if f.direct != nil {
		return nil
	}
	if f.device {
		if err := unix.IoctlSetInt(int(f.Fd()), unix.BLKFLSBUF, 0); err != nil {
			return fmt.Errorf("BLKFLSBUF: %w", err)
		}
	}
	return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}

// settle has the kernel read the partition table anew. A device that cannot is no worse off.
func (f *file) settle() {
	if f.device {
		_ = unix.IoctlSetInt(int(f.Fd()), unix.BLKRRPART, 0)
	}
}

// direct reads with O_DIRECT, which takes memory and places that are aligned.
type direct struct {
	file   *os.File
	buffer []byte
}

const directAlign = 4096

// openDirect returns nil where the file system cannot read past its cache.
func openDirect(path string) reader {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECT, 0)
	if err != nil {
		return nil
	}
	b, err := unix.Mmap(-1, 0, mebibyte, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		f.Close()
		return nil
	}
	return &direct{file: f, buffer: b}
}

// ReadAt reads whole blocks into the buffer and copies out of it.
func (d *direct) ReadAt(b []byte, at int64) (int, error) {
	done := 0
	for done < len(b) {
		from := (at + int64(done)) / directAlign * directAlign
		n, err := d.file.ReadAt(d.buffer, from)
		skip := int(at + int64(done) - from)
		if n <= skip {
			return done, err
		}
		done += copy(b[done:], d.buffer[skip:n])
	}
	return done, nil
}

// Close closes the file and frees the buffer.
func (d *direct) Close() error {
	return errors.Join(unix.Munmap(d.buffer), d.file.Close())
}
