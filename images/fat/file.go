package fat

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"unicode/utf8"
)

// File is a file of a volume.
type File struct {
	// Path has slashes between its elements and does not begin with one. Its folders are made.
	Path string
	// Size is the number of bytes that Open's reader gives.
	Size int64
	// Open returns the content. It is called once for each time that the volume is written.
	Open func() (io.ReadCloser, error)
}

// Bytes returns a file with the content data.
func Bytes(name string, data []byte) File {
	return File{Path: name, Size: int64(len(data)), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
}

// FromDisk returns a file with the content of one of this computer.
func FromDisk(name, from string) (File, error) {
	info, err := os.Stat(from)
	if err != nil {
		return File{}, err
	}
	if !info.Mode().IsRegular() {
		return File{}, fmt.Errorf("%s is no regular file", from)
	}
	return File{Path: name, Size: info.Size(), Open: func() (io.ReadCloser, error) { return os.Open(from) }}, nil
}

// maxFile is what the 32 bits of a file's size can say.
const maxFile = 1<<32 - 1

func (f File) check() error {
	if f.Path == "" || path.Clean(f.Path) != f.Path || strings.HasPrefix(f.Path, "/") || strings.HasPrefix(f.Path, "..") || f.Path == "." {
		return fmt.Errorf("file %q: not a path below the volume's root", f.Path)
	}
	if f.Size < 0 || f.Size > maxFile {
		return fmt.Errorf("file %s: %d bytes do not fit into a file of FAT32", f.Path, f.Size)
	}
	for _, name := range strings.Split(f.Path, "/") {
		if err := checkName(name); err != nil {
			return fmt.Errorf("file %s: %w", f.Path, err)
		}
	}
	return nil
}

// checkName refuses what a long name cannot be (specification, "Long Directory Entries").
func checkName(name string) error {
	switch {
	case !utf8.ValidString(name):
		return fmt.Errorf("name %q is not UTF-8", name)
	case len(utf16Of(name)) > 255:
		return fmt.Errorf("name %q is longer than 255 characters", name)
	case strings.ContainsAny(name, `"*/:<>?\|`) || strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return fmt.Errorf("name %q has a character that FAT forbids", name)
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") || strings.HasPrefix(name, " "):
		return fmt.Errorf("name %q begins or ends with a space or ends with a dot", name)
	}
	return nil
}
