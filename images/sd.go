package images

import (
	"io"

	"github.com/capodekappa/capo/images/disk"
	"github.com/capodekappa/capo/images/fat"
)

const mebibyte = 1 << 20

// smallestCard is the size of a card's image unless more is needed. QEMU takes only powers of two.
const smallestCard = 64 * mebibyte

// writeSD writes a card: an MBR, FAT32 from the first mebibyte on, and the board's raw partitions at the end.
func (c *contents) writeSD(o Options, r *Result) error {
	files, err := c.cardFiles()
	if err != nil {
		return err
	}
	r.ContentBytes = sizeOf(files)
	var tail int64
	for _, p := range c.raw {
		tail += rawSize(p)
		r.ContentBytes += int64(len(p.data))
	}
	size := int64(smallestCard)
	for size < r.ContentBytes*9/8+tail+2*mebibyte {
		size *= 2
	}
	volume, err := fat.New(fat.Options{Size: size - tail - mebibyte, Start: mebibyte / fat.SectorSize, Label: "CAPO", ID: c.volumeID(), Time: c.time}, files)
	if err != nil {
		return err
	}
	r.Own = c.ownIn(volume, mebibyte)
	pieces := []disk.Piece{{At: mebibyte, Size: size - tail - mebibyte, Content: volume}}
	parts := []disk.MBRPartition{{Start: mebibyte, Size: size - tail - mebibyte, Type: disk.TypeFAT32, Active: true}}
	at := size - tail
	for _, p := range c.raw {
		pieces = append(pieces, disk.Data(at, p.data))
		parts = append(parts, disk.MBRPartition{Start: at, Size: rawSize(p), Type: p.kind})
		at += rawSize(p)
	}
	head, err := disk.MBR(size, c.volumeID(), parts)
	if err != nil {
		return err
	}
	return writeImageFile(o, r, size, func(w io.Writer) error {
		return disk.Write(w, size, append(pieces, disk.Data(0, head)))
	})
}

// rawSize is what a raw partition takes.
func rawSize(p rawPart) int64 {
	return (int64(len(p.data)) + mebibyte - 1) / mebibyte * mebibyte
}
