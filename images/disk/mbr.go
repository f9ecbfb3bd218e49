package disk

import (
	"encoding/binary"
	"fmt"
)

// Types of partitions in an MBR.
const (
	// TypeFAT32 is FAT32 with block addresses.
	TypeFAT32 = 0x0c
	// typeProtective covers a disk that has a GPT.
	typeProtective = 0xee
)

// MBRPartition is one of up to four partitions.
type MBRPartition struct {
	// Start and Size are in bytes, of whole sectors.
	Start, Size int64
	Type        byte
	// Active is the mark by which some ROMs find the partition that they boot.
	Active bool
}

const (
	mbrID      = 440 // where the disk's signature stands
	mbrEntries = 446
)

// MBR returns the first sector of a disk of size bytes with the signature id.
func MBR(size int64, id uint32, parts []MBRPartition) ([]byte, error) {
	if len(parts) > 4 {
		return nil, fmt.Errorf("an MBR has room for 4 partitions, not %d", len(parts))
	}
	var places []place
	for _, p := range parts {
		places = append(places, place{p.Start, p.Size})
	}
	if err := checkPlaces(places, SectorSize, min(size, int64(SectorSize)<<32)); err != nil {
		return nil, err
	}
	b := make([]byte, SectorSize)
	binary.LittleEndian.PutUint32(b[mbrID:], id)
	for i, p := range parts {
		putMBREntry(b, i, p)
	}
	b[510], b[511] = 0x55, 0xaa
	return b, nil
}

func putMBREntry(b []byte, i int, p MBRPartition) {
	e := b[mbrEntries+16*i:]
	if p.Active {
		e[0] = 0x80
	}
	first, count := p.Start/SectorSize, p.Size/SectorSize
	copy(e[1:], chs(first))
	e[4] = p.Type
	copy(e[5:], chs(first+count-1))
	binary.LittleEndian.PutUint32(e[8:], uint32(first))
	binary.LittleEndian.PutUint32(e[12:], uint32(count))
}

// chs is a sector's address as cylinder, head and sector of a disk with 255 heads and 63 sectors, or the largest one.
func chs(sector int64) []byte {
	const heads, sectors = 255, 63
	cylinder := sector / (heads * sectors)
	if cylinder > 1023 {
		return []byte{0xfe, 0xff, 0xff}
	}
	return []byte{byte(sector / sectors % heads), byte(cylinder>>8<<6) | byte(sector%sectors+1), byte(cylinder)}
}
