// Package vendor looks at bitstreams that vendors' tools wrote, far enough to tell which part one is for: a bitstream of another part
// must not come near a board.
//
// Xilinx's .bit has a header with the part's name, and it and .bin have the IDCODE that the configuration logic compares (UG470,
// "Bitstream Composition"; UG570). Intel documents neither for its .rbf: there is a mark, and the size of one that is not compressed. An
// iCE40's is told by its mark and its size (Project IceStorm, "Bitstream File Format").
package vendor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Format is who writes such files.
type Format string

// The formats.
const (
	XilinxBit Format = "xilinx bit"
	XilinxBin Format = "xilinx bin"
	IntelRbf  Format = "intel rbf"
	ICE40     Format = "ice40 bin"
)

// What can be wrong.
var (
	ErrFormat    = errors.New("this is no bitstream that is known here (Xilinx .bit and .bin, Intel .rbf, iCE40 .bin)")
	ErrTruncated = errors.New("the bitstream is cut short")
	ErrPart      = errors.New("the bitstream is for another part")
)

// Info is what a bitstream tells of itself.
type Info struct {
	Format Format
	Part   string // as the tool wrote it into the header; "" without one
	IDCODE uint32 // 0: there is none in it
	Tool   string // its version, "" where it is not said
	Bytes  int
}

// Identify reads what a bitstream says of its part. Errors: ErrFormat, ErrTruncated.
func Identify(data []byte) (*Info, error) {
	i := &Info{Bytes: len(data)}
	switch {
	case bytes.HasPrefix(data, bitMagic):
		i.Format = XilinxBit
		body, err := i.header(data)
		if err != nil {
			return nil, err
		}
		return i, i.idcode(body)
	case len(data) > 132 && bytes.Equal(data[128:132], []byte{0x6a, 0x6a, 0x6a, 0x6a}) && bytes.Count(data[:128], []byte{0xff}) == 128:
		i.Format = IntelRbf
		return i, nil
	case bytes.Contains(data[:min(len(data), 4096)], []byte{0x7e, 0xaa, 0x99, 0x7e}):
		i.Format = ICE40
		return i, nil
	case sync(data) >= 0:
		i.Format = XilinxBin
		return i, i.idcode(data)
	}
	return nil, ErrFormat
}

// bitMagic begins a .bit: a field of nine bytes, and the number one.
var bitMagic = []byte{0, 9, 0x0f, 0xf0, 0x0f, 0xf0, 0x0f, 0xf0, 0x0f, 0xf0, 0, 0, 1}

// header reads a .bit's fields: a letter, a length of two bytes and a text; e has a length of four, and is the rest.
func (i *Info) header(data []byte) (body []byte, err error) {
	rest := data[len(bitMagic):]
	for len(rest) > 3 {
		if rest[0] == 'e' {
			if len(rest) < 5 || uint64(binary.BigEndian.Uint32(rest[1:])) > uint64(len(rest)-5) {
				return nil, ErrTruncated
			}
			return rest[5 : 5+binary.BigEndian.Uint32(rest[1:])], nil
		}
		n := int(binary.BigEndian.Uint16(rest[1:]))
		if n > len(rest)-3 {
			return nil, ErrTruncated
		}
		text := strings.TrimRight(string(rest[3:3+n]), "\x00")
		switch rest[0] {
		case 'a':
			if _, version, ok := strings.Cut(text, "Version="); ok {
				i.Tool, _, _ = strings.Cut(version, ";")
			}
		case 'b':
			i.Part = text
		}
		rest = rest[3+n:]
	}
	return nil, ErrTruncated
}

// sync finds the word after which the configuration logic listens, near the begin; -1 without one.
func sync(data []byte) int {
	return bytes.Index(data[:min(len(data), 4096)], []byte{0xaa, 0x99, 0x55, 0x66})
}

// idcode finds the write of one word to register 12 (IDCODE), which is among the first packets.
func (i *Info) idcode(body []byte) error {
	at := sync(body)
	if at < 0 {
		return fmt.Errorf("%w: it has no synchronisation word", ErrFormat)
	}
	const writeIDCODE = 0x30018001
	for p := at + 4; p+8 <= len(body) && p < at+4096; p += 4 {
		if binary.BigEndian.Uint32(body[p:]) == writeIDCODE {
			i.IDCODE = binary.BigEndian.Uint32(body[p+4:])
			return nil
		}
	}
	return fmt.Errorf("%w: it names no IDCODE", ErrTruncated)
}
