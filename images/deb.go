package images

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// errNoData is returned for a .deb without a data archive.
var errNoData = errors.New("no data.tar member")

// debFiles calls fn for every regular file of a Debian package, with its path relative to the root.
//
// Format: deb(5), an ar(5) archive whose member data.tar.{xz,zst,gz} or data.tar holds the files.
func debFiles(r io.Reader, fn func(name string, size int64, r io.Reader) error) error {
	data, err := debData(r)
	if err != nil {
		return err
	}
	defer data.Close()
	t := tar.NewReader(data)
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read data.tar: %w", err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := fn(strings.TrimPrefix(h.Name, "./"), h.Size, t); err != nil {
			return err
		}
	}
}

// debData finds the data archive of a .deb and returns it uncompressed.
func debData(r io.Reader) (io.ReadCloser, error) {
	magic := make([]byte, 8)
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != "!<arch>\n" {
		return nil, fmt.Errorf("not an ar archive")
	}
	for {
		name, size, err := arHeader(r)
		if err == io.EOF {
			return nil, errNoData
		}
		if err != nil {
			return nil, err
		}
		if ext, ok := strings.CutPrefix(name, "data.tar"); ok {
			return decompress(ext, io.LimitReader(r, size))
		}
		if _, err := io.CopyN(io.Discard, r, size+size%2); err != nil {
			return nil, fmt.Errorf("skip ar member %s: %w", name, err)
		}
	}
}

// arHeader reads the 60 bytes before an ar member.
func arHeader(r io.Reader) (name string, size int64, err error) {
	h := make([]byte, 60)
	if _, err := io.ReadFull(r, h); err != nil {
		if err == io.EOF {
			return "", 0, io.EOF
		}
		return "", 0, fmt.Errorf("read ar header: %w", err)
	}
	if !bytes.Equal(h[58:60], []byte("`\n")) {
		return "", 0, fmt.Errorf("bad ar header")
	}
	name = strings.TrimSuffix(strings.TrimSpace(string(h[:16])), "/")
	size, err = strconv.ParseInt(strings.TrimSpace(string(h[48:58])), 10, 64)
	if err != nil || size < 0 {
		return "", 0, fmt.Errorf("ar member %q has a bad size", name)
	}
	return name, size, nil
}
