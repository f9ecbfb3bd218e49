package artefact

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// The head of a file: magic with the format's version, two lengths, the digest of all but itself.
const (
	magic    = "CAPOKRN\x01"
	sumAt    = 16
	headSize = sumAt + sha256.Size
)

// Encode writes a file. The version, the bitstream's length and digest and the kernel's digest are filled in.
func Encode(f *File) ([]byte, error) {
	f.Manifest.V = Version
	f.Manifest.SHA256, f.Manifest.Bytes = sum(f.Bitstream), int64(len(f.Bitstream))
	f.Manifest.Kernel = sum([]byte(f.Manifest.Text))
	if err := f.Manifest.check(); err != nil {
		return nil, err
	}
	var manifest bytes.Buffer
	enc := json.NewEncoder(&manifest)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(f.Manifest); err != nil {
		return nil, fmt.Errorf("encode the manifest: %w", err)
	}
	if manifest.Len() > MaxManifest || len(f.Bitstream) > MaxBitstream {
		return nil, fmt.Errorf("%w: a manifest of %d bytes and a bitstream of %d", ErrManifest, manifest.Len(), len(f.Bitstream))
	}
	out := make([]byte, headSize, headSize+manifest.Len()+len(f.Bitstream))
	copy(out, magic)
	binary.LittleEndian.PutUint32(out[8:], uint32(manifest.Len()))
	binary.LittleEndian.PutUint32(out[12:], uint32(len(f.Bitstream)))
	out = append(append(out, manifest.Bytes()...), f.Bitstream...)
	copy(out[sumAt:], whole(out))
	return out, nil
}

// whole is the digest of a file but for the digest in it.
func whole(data []byte) []byte {
	h := sha256.New()
	h.Write(data[:sumAt])
	h.Write(data[headSize:])
	return h.Sum(nil)
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// Decode reads a file. Errors: ErrFormat, ErrVersion, ErrTruncated, ErrCorrupt, ErrManifest.
func Decode(data []byte) (*File, error) {
	switch {
	case len(data) < len(magic) && magic[:len(data)] == string(data):
		return nil, ErrTruncated
	case len(data) < len(magic) || string(data[:7]) != magic[:7]:
		return nil, ErrFormat
	case data[7] != magic[7]:
		return nil, fmt.Errorf("%w: format %d", ErrVersion, data[7])
	case len(data) < headSize:
		return nil, fmt.Errorf("%w: %d bytes of a head of %d", ErrTruncated, len(data), headSize)
	}
	m, b := int64(binary.LittleEndian.Uint32(data[8:])), int64(binary.LittleEndian.Uint32(data[12:]))
	if m > MaxManifest || b > MaxBitstream {
		return nil, fmt.Errorf("%w: it says that its manifest has %d bytes and its bitstream %d", ErrCorrupt, m, b)
	}
	switch want := headSize + m + b; {
	case int64(len(data)) < want:
		return nil, fmt.Errorf("%w: %d bytes of %d", ErrTruncated, len(data), want)
	case int64(len(data)) > want:
		return nil, fmt.Errorf("%w: %d bytes follow its end", ErrCorrupt, int64(len(data))-want)
	case !bytes.Equal(whole(data), data[sumAt:headSize]):
		return nil, fmt.Errorf("%w: its bytes do not have the digest that it says", ErrCorrupt)
	}
	return decode(data[headSize:headSize+m], data[headSize+m:])
}

func decode(manifest, bitstream []byte) (*File, error) {
	f := &File{Bitstream: bitstream}
	if err := json.Unmarshal(manifest, &f.Manifest); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	if err := f.Manifest.check(); err != nil {
		return nil, err
	}
	if f.Manifest.Bytes != int64(len(bitstream)) || f.Manifest.SHA256 != sum(bitstream) {
		return nil, fmt.Errorf("%w: the manifest is of another bitstream", ErrManifest)
	}
	if f.Manifest.Kernel != sum([]byte(f.Manifest.Text)) {
		return nil, fmt.Errorf("%w: the kernel's text does not have its digest", ErrManifest)
	}
	return f, nil
}

// Load reads a file from a disk.
func Load(name string) (*File, error) {
	in, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, headSize+MaxManifest+MaxBitstream+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	f, err := Decode(data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return f, nil
}

// Save writes the file into a folder and returns its path.
func (f *File) Save(dir string) (string, error) {
	data, err := Encode(f)
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, f.Name())
	tmp, err := os.CreateTemp(dir, ".kernel-")
	if err != nil {
		return "", err
	}
	defer os.Remove(tmp.Name()) // gone after the rename
	_, err = tmp.Write(data)
	if closed := tmp.Close(); err != nil || closed != nil {
		return "", fmt.Errorf("write %s: %w", name, errors.Join(err, closed))
	}
	if err := os.Chmod(tmp.Name(), 0o644); err != nil {
		return "", err
	}
	return name, os.Rename(tmp.Name(), name)
}
