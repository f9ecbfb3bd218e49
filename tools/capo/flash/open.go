package flash

import (
	"fmt"
	"os"
)

// file is a medium that the operating system shows as a file or a device.
type file struct {
	*os.File
	size   int64
	device bool
	// direct reads past the cache; nil where that is not possible.
	direct reader
}

type reader interface {
	ReadAt(b []byte, at int64) (int, error)
	Close() error
}

// Size is the medium's size in bytes.
func (f *file) Size() int64 { return f.size }

// ReadAt reads past the cache where that is possible.
func (f *file) ReadAt(b []byte, at int64) (int, error) {
	if f.direct != nil {
		return f.direct.ReadAt(b, at)
	}
	return f.File.ReadAt(b, at)
}

// Close closes the medium and has the system look at its partitions anew.
func (f *file) Close() error {
	if f.direct != nil {
		_ = f.direct.Close() // it was only read
	}
	f.settle()
	return f.File.Close()
}

// MediumFile is an open medium.
type MediumFile interface {
	Medium
	Close() error
}

// Open opens a device, or a regular file that stands for one, for writing, or for reading alone. A device is refused while anybody has it
// mounted.
func Open(path string, write bool) (MediumFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	f := &file{device: info.Mode()&os.ModeDevice != 0}
	if !f.device && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is neither a disk nor a file", ErrRefused, path)
	}
	if f.File, err = openExclusive(path, write, f.device); err != nil {
		return nil, err
	}
	if f.size, err = f.Seek(0, 2); err != nil {
		f.File.Close()
		return nil, fmt.Errorf("find the size of %s: %w", path, err)
	}
	f.direct = openDirect(path)
	return f, nil
}
