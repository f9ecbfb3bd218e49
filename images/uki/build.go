package uki

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// Parts are what an image is made of besides the stub. Empty ones are left out.
type Parts struct {
	// OSRelease is an os-release(5) file, by which boot menus name the image.
	OSRelease string
	// Cmdline is Linux's command line.
	Cmdline string
	// Uname is Linux's release.
	Uname string
	// Linux is an EFI executable, Initrd what it is given, DTB a device tree in place of the firmware's.
	Linux, Initrd, DTB []byte
}

// Names of the sections.
const (
	SectionLinux   = ".linux"
	SectionInitrd  = ".initrd"
	SectionCmdline = ".cmdline"
)

const (
	// pageSize is what sections are aligned to in memory.
	pageSize = 4096
	// fileAlign is what they are aligned to in the file: a sector, so that a boot loader that knows sectors alone can read them.
	fileAlign = 512
	// readOnlyData marks a section as initialised data that is read.
	readOnlyData = 0x40000040
)

// Build returns an image. The same input gives the same bytes.
func Build(stub []byte, p Parts) ([]byte, error) {
	if len(p.Linux) == 0 {
		return nil, fmt.Errorf("make a unified kernel image: there is no Linux")
	}
	m, err := parse(stub)
	if err != nil {
		return nil, fmt.Errorf("read the EFI stub: %w", err)
	}
	if m.u32(m.opt+optCertificates+4) != 0 {
		return nil, fmt.Errorf("read the EFI stub: it is signed, and a changed one needs a new signature")
	}
	if m.data, err = whole(m); err != nil {
		return nil, fmt.Errorf("read the EFI stub: %w", err)
	}
	for _, s := range []struct {
		name string
		data []byte
	}{
		{".osrel", []byte(p.OSRelease)}, {SectionCmdline, []byte(p.Cmdline)}, {".uname", []byte(p.Uname)},
		{".dtb", p.DTB}, {SectionLinux, p.Linux}, {SectionInitrd, p.Initrd},
	} {
		if len(s.data) == 0 {
			continue
		}
		if err := m.add(s.name, s.data); err != nil {
			return nil, fmt.Errorf("add %s to the EFI stub: %w", s.name, err)
		}
	}
	return m.data, nil
}

// whole returns a copy of the stub without what lies behind its sections, such as symbols. Nothing may lie between sections
// either: a signature would not cover it.
func whole(m *image) ([]byte, error) {
	sections := slices.Clone(m.sections)
	slices.SortFunc(sections, func(a, b Section) int { return int(int64(a.Offset) - int64(b.Offset)) })
	end := m.headers
	for _, s := range sections {
		if s.Raw == 0 {
			continue
		}
		if s.Offset != end {
			return nil, fmt.Errorf("section %q does not begin where the one before ends", s.Name)
		}
		end += s.Raw
	}
	align := m.u32(m.opt + optSectionAlign)
	if end%fileAlign != 0 || m.u32(m.opt+optFileAlign) > fileAlign || align == 0 || pageSize%align != 0 {
		return nil, fmt.Errorf("its sections are aligned otherwise than to %d bytes", fileAlign)
	}
	data := append([]byte{}, m.data[:end]...)
	clear(data[m.coff+12 : m.coff+20]) // where the symbols were, and their number
	return data, nil
}

// add appends a section.
func (m *image) add(name string, data []byte) error {
	at := m.table + len(m.sections)*sectionSize
	if at+sectionSize > int(m.headers) {
		return fmt.Errorf("there is no room for another section")
	}
	raw := (len(data) + fileAlign - 1) / fileAlign * fileAlign
	end := int64(pageSize)
	for _, other := range m.sections {
		if other.Name == name {
			return fmt.Errorf("it has one already")
		}
		end = max(end, int64(other.Address)+int64(max(other.Size, other.Raw)))
	}
	end = (end + pageSize - 1) / pageSize * pageSize
	if end+int64(raw) > 1<<31 {
		return fmt.Errorf("the image would be larger than 2 GiB")
	}
	s := Section{Name: name, Address: uint32(end), Size: uint32(len(data)), Offset: uint32(len(m.data)), Raw: uint32(raw)}
	m.data = append(append(m.data, data...), make([]byte, raw-len(data))...)
	m.sections = append(m.sections, s)
	h := m.data[at:]
	copy(h[:8], bytes.Repeat([]byte{0}, 8))
	copy(h[:8], name)
	for i, v := range []uint32{s.Size, s.Address, s.Raw, s.Offset, 0, 0, 0, readOnlyData} {
		binary.LittleEndian.PutUint32(h[8+4*i:], v)
	}
	binary.LittleEndian.PutUint16(m.data[m.coff+6:], uint16(len(m.sections)))
	m.put32(m.opt+optInitialized, m.u32(m.opt+optInitialized)+s.Raw)
	align := m.u32(m.opt + optSectionAlign)
	m.put32(m.opt+optImageSize, (s.Address+s.Size+align-1)/align*align)
	m.put32(m.opt+optChecksum, 0) // UEFI does not look at it
	return nil
}
