package disk

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"unicode/utf16"
)

// Partition is a partition of a GPT.
type Partition struct {
	// Start and Size are in bytes, of whole sectors.
	Start, Size int64
	// Type is [ESP], [BIOSBoot] or another type as people read it.
	Type string
	// ID is the partition's own.
	ID GUID
	// Name has up to 36 characters.
	Name string
}

const (
	gptHeaderSize = 92
	gptEntrySize  = 128
	gptEntries    = 128
	gptTable      = gptEntries * gptEntrySize
)

// TableSize is what a GPT takes at the beginning of a disk, in bytes, the protective MBR included. At the end it takes a
// sector less.
const TableSize = 2*SectorSize + gptTable

// GPT returns what stands at the beginning of a disk of size bytes (a protective MBR, the header and the entries) and at its end
// (the entries and the header again).
func GPT(size int64, id GUID, parts []Partition) (head, tail []byte, err error) {
	if len(parts) > gptEntries {
		return nil, nil, fmt.Errorf("a GPT has room for %d partitions, not %d", gptEntries, len(parts))
	}
	if size%SectorSize != 0 || size < 2*TableSize {
		return nil, nil, fmt.Errorf("a disk of %d bytes has no room for a GPT", size)
	}
	var places []place
	for _, p := range parts {
		places = append(places, place{p.Start, p.Size})
	}
	if err := checkPlaces(places, TableSize, size-TableSize+SectorSize); err != nil {
		return nil, nil, err
	}
	entries, err := gptTableOf(parts)
	if err != nil {
		return nil, nil, err
	}
	protective, err := MBR(size, 0, []MBRPartition{{Start: SectorSize, Size: min(size, int64(SectorSize)<<32-SectorSize) - SectorSize, Type: typeProtective}})
	if err != nil {
		return nil, nil, err
	}
	last := size/SectorSize - 1
	head = append(append(protective, gptHeader(1, last, 2, size, id, entries)...), entries...)
	tail = append(append([]byte{}, entries...), gptHeader(last, 1, last-gptTable/SectorSize, size, id, entries)...)
	return head, tail, nil
}

func gptTableOf(parts []Partition) ([]byte, error) {
	table := make([]byte, gptTable)
	le := binary.LittleEndian
	for i, p := range parts {
		e := table[i*gptEntrySize:]
		kind, err := ParseGUID(p.Type)
		if err != nil {
			return nil, fmt.Errorf("partition %d: %w", i+1, err)
		}
		name := utf16.Encode([]rune(p.Name))
		if len(name) > 36 {
			return nil, fmt.Errorf("partition %d: the name %q is longer than 36 characters", i+1, p.Name)
		}
		copy(e, kind[:])
		copy(e[16:], p.ID[:])
		le.PutUint64(e[32:], uint64(p.Start/SectorSize))
		le.PutUint64(e[40:], uint64((p.Start+p.Size)/SectorSize-1))
		for j, c := range name {
			le.PutUint16(e[56+2*j:], c)
		}
	}
	return table, nil
}

// gptHeader returns the header that stands in the sector at; the other one stands in other. Table is the first sector of the entries.
func gptHeader(at, other, table, size int64, id GUID, entries []byte) []byte {
	h := make([]byte, SectorSize)
	le := binary.LittleEndian
	copy(h, "EFI PART\x00\x00\x01\x00")
	le.PutUint32(h[12:], gptHeaderSize)
	le.PutUint64(h[24:], uint64(at))
	le.PutUint64(h[32:], uint64(other))
	le.PutUint64(h[40:], TableSize/SectorSize)
	le.PutUint64(h[48:], uint64((size-TableSize)/SectorSize))
	copy(h[56:], id[:])
	le.PutUint64(h[72:], uint64(table))
	le.PutUint32(h[80:], gptEntries)
	le.PutUint32(h[84:], gptEntrySize)
	le.PutUint32(h[88:], crc32.ChecksumIEEE(entries))
	le.PutUint32(h[16:], crc32.ChecksumIEEE(h[:gptHeaderSize])) // over itself as zero
	return h
}
