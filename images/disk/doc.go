// Package disk makes partition tables (MBR and GPT) and writes a disk image in one go from its first byte to its last.
//
// Source of the formats: UEFI Specification 2.10, chapter 5 ("GUID Partition Table (GPT) Disk Layout"), whose section 5.2
// describes the MBR. Sectors have 512 bytes; numbers are little-endian.
package disk

import "fmt"

// SectorSize is the size of a sector in bytes.
const SectorSize = 512

// checkPlaces refuses partitions that overlap, leave the room from first to last (in bytes, last exclusive) or are not made of whole sectors.
func checkPlaces(places []place, first, last int64) error {
	for i, p := range places {
		if p.start%SectorSize != 0 || p.size%SectorSize != 0 || p.size <= 0 {
			return fmt.Errorf("partition %d (%d bytes from %d) is not made of whole sectors", i+1, p.size, p.start)
		}
		if p.start < first || p.size > last-p.start {
			return fmt.Errorf("partition %d (%d bytes from %d) is not between %d and %d", i+1, p.size, p.start, first, last)
		}
		for j, q := range places[:i] {
			if p.start < q.start+q.size && q.start < p.start+p.size {
				return fmt.Errorf("partitions %d and %d overlap", j+1, i+1)
			}
		}
	}
	return nil
}

type place struct{ start, size int64 }
