package uki

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// ErrFormat is returned for bytes that are no PE32+ executable.
var ErrFormat = errors.New("not a PE32+ executable")

// Offsets in the headers (PE Format, "COFF File Header" and "Optional Header").
const (
	peOffset        = 0x3c // where the DOS header says where the PE header is
	coffSize        = 24   // with the signature
	sectionSize     = 40
	optMagic        = 0
	optInitialized  = 8
	optSectionAlign = 32
	optFileAlign    = 36
	optImageSize    = 56
	optHeadersSize  = 60
	optChecksum     = 64
	optDirectories  = 108
	optCertificates = 144 // the fifth directory
	pe32plus        = 0x20b
)

// Section is a section of an executable.
type Section struct {
	Name string
	// Address is where the firmware puts it, Size how long it is there.
	Address, Size uint32
	// Offset and Raw are the place and the length of what the file holds of it.
	Offset, Raw uint32
}

// image is an executable whose headers have been checked.
type image struct {
	data     []byte
	coff     int // the PE header
	opt      int // the optional header
	table    int // the section table
	headers  uint32
	sections []Section
}

// Sections lists the sections of an executable. What they name is inside of data.
func Sections(data []byte) ([]Section, error) {
	m, err := parse(data)
	if err != nil {
		return nil, err
	}
	return m.sections, nil
}

// parse checks all that is read or changed later.
func parse(data []byte) (*image, error) {
	if len(data) < peOffset+4 || data[0] != 'M' || data[1] != 'Z' {
		return nil, fmt.Errorf("%w: it does not begin with MZ", ErrFormat)
	}
	at := int64(binary.LittleEndian.Uint32(data[peOffset:]))
	if at+coffSize > int64(len(data)) || string(data[at:at+4]) != "PE\x00\x00" {
		return nil, fmt.Errorf("%w: it has no PE header", ErrFormat)
	}
	m := &image{data: data, coff: int(at), opt: int(at) + coffSize}
	m.table = m.opt + int(m.u16(m.coff+20))
	count := int(m.u16(m.coff + 6))
	if m.table+count*sectionSize > len(data) || m.table < m.opt+optCertificates+8 {
		return nil, fmt.Errorf("%w: its headers are cut short", ErrFormat)
	}
	if m.u16(m.opt+optMagic) != pe32plus || m.u32(m.opt+optDirectories) < 5 {
		return nil, fmt.Errorf("%w: its optional header is of another kind", ErrFormat)
	}
	m.headers = m.u32(m.opt + optHeadersSize)
	if int64(m.headers) > int64(len(data)) || int(m.headers) < m.table+count*sectionSize {
		return nil, fmt.Errorf("%w: it says that its headers have %d bytes", ErrFormat, m.headers)
	}
	for i := range count {
		s := m.section(i)
		if s.Raw > 0 && (s.Offset < m.headers || int64(s.Offset)+int64(s.Raw) > int64(len(data))) || int64(s.Address)+int64(s.Size) > 1<<32-1<<20 {
			return nil, fmt.Errorf("%w: section %q is outside of it", ErrFormat, s.Name)
		}
		m.sections = append(m.sections, s)
	}
	return m, nil
}

func (m *image) section(i int) Section {
	at := m.table + i*sectionSize
	return Section{Name: strings.TrimRight(string(m.data[at:at+8]), "\x00"),
		Size: m.u32(at + 8), Address: m.u32(at + 12), Raw: m.u32(at + 16), Offset: m.u32(at + 20)}
}

func (m *image) u16(at int) uint16 { return binary.LittleEndian.Uint16(m.data[at:]) }

func (m *image) u32(at int) uint32 { return binary.LittleEndian.Uint32(m.data[at:]) }

func (m *image) put32(at int, v uint32) { binary.LittleEndian.PutUint32(m.data[at:], v) }
