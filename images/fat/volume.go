package fat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// SectorSize is the size of a sector in bytes.
const SectorSize = 512

// ErrFull is returned by [New] when the files do not fit.
var ErrFull = errors.New("the volume is too small")

const (
	minReserved = 32
	tables      = 2
	// minClusters is what makes a volume FAT32: a driver tells the kinds of FAT by the number of clusters alone.
	minClusters = 65525
	maxClusters = 0x0ffffff5 - 2
	firstData   = 2
	endOfChain  = 0x0fffffff
)

// MinSize is the size of the smallest volume in bytes, a multiple of a mebibyte.
const MinSize = 34 << 20

// Options say what a volume is like.
type Options struct {
	// Size is the volume's size in bytes, a multiple of [SectorSize].
	Size int64
	// Start is the sector of the disk at which it begins.
	Start uint32
	// Label has up to 11 characters.
	Label string
	// ID is the volume's serial number.
	ID uint32
	// Time is that of all files and folders.
	Time time.Time
}

// Volume is a volume that has been planned: what lies where is known, and [Volume.WriteTo] writes it.
type Volume struct {
	options    Options
	label      short
	root       *node
	files      []*node // in the order in which they lie
	reserved   uint32  // sectors before the tables
	tableSize  uint32  // sectors of one table
	perCluster uint32  // sectors
	clusters   uint32
	used       uint32 // clusters
}

// New plans a volume with the given files. They lie one after the other in the order given, each in one piece.
func New(o Options, files []File) (*Volume, error) {
	if o.Size%SectorSize != 0 || o.Size < MinSize || o.Size/SectorSize > 1<<32-1 {
		return nil, fmt.Errorf("a FAT32 volume of %d bytes cannot be made: it has whole sectors and at least %d bytes", o.Size, MinSize)
	}
	label, _ := plain(strings.ReplaceAll(o.Label, " ", "_"))
	if len(label) > 11 {
		return nil, fmt.Errorf("volume label %q is longer than 11 characters", o.Label)
	}
	root, err := tree(files)
	if err != nil {
		return nil, err
	}
	v := &Volume{options: o, root: root, label: short([]byte("           "))}
	if copy(v.label[:], label) == 0 {
		copy(v.label[:], "NO NAME")
	}
	v.geometry()
	return v, v.place()
}

// geometry chooses the largest cluster, up to 4 KiB, that leaves enough of them, and puts the first one at a multiple of 4 KiB.
func (v *Volume) geometry() {
	sectors := uint32(v.options.Size / SectorSize)
	for v.perCluster = 8; ; v.perCluster /= 2 {
		v.tableSize = ((sectors-minReserved)/v.perCluster + firstData + 127) / 128 // a little more than is needed
		v.reserved = minReserved + -(minReserved+tables*v.tableSize)&7
		v.clusters = min((sectors-v.reserved-tables*v.tableSize)/v.perCluster, maxClusters)
		if v.clusters >= minClusters+16 || v.perCluster == 1 {
			return
		}
	}
}

// place gives folders and then files their clusters.
func (v *Volume) place() error {
	next := uint64(firstData)
	give := func(n *node) {
		size := uint64(v.ClusterSize())
		count := (uint64(n.bytes()) + size - 1) / size
		if n.count = uint32(count); count > 0 {
			n.cluster = uint32(next)
			next += count
		}
	}
	folders := v.root.folders()
	for _, dir := range folders {
		give(dir)
	}
	for _, dir := range folders {
		for _, c := range dir.children {
			if c.file != nil {
				v.files = append(v.files, c)
			}
		}
	}
	for _, f := range v.files {
		give(f)
		if next > uint64(v.clusters)+firstData {
			return fmt.Errorf("%w: its %d bytes hold no more than what comes before %s", ErrFull, v.options.Size, f.file.Path)
		}
	}
	v.used = uint32(next - firstData)
	return nil
}

// ClusterSize is the size of a cluster in bytes.
func (v *Volume) ClusterSize() int64 { return int64(v.perCluster) * SectorSize }

// Used is the number of bytes from the volume's beginning to the end of its last file.
func (v *Volume) Used() int64 {
	return v.offset(firstData + v.used)
}

// Offset returns where a file's content begins in the volume, in bytes: a multiple of the size of a cluster after a multiple of
// 4 KiB. It is false for a file that is empty or not there.
func (v *Volume) Offset(path string) (int64, bool) {
	for _, f := range v.files {
		if f.file.Path == path && f.cluster != 0 {
			return v.offset(f.cluster), true
		}
	}
	return 0, false
}

func (v *Volume) offset(cluster uint32) int64 {
	return (int64(v.reserved)+tables*int64(v.tableSize))*SectorSize + int64(cluster-firstData)*v.ClusterSize()
}

// WriteTo writes the whole volume from its first byte to its last.
func (v *Volume) WriteTo(w io.Writer) (int64, error) {
	c := &counter{w: w}
	boot, info := v.bootSector(), v.infoSector()
	head := make([]byte, int64(v.reserved)*SectorSize)
	for _, at := range []int{0, backupSector} {
		copy(head[at*SectorSize:], boot)
		copy(head[(at+infoAt)*SectorSize:], info)
		copy(head[(at+2)*SectorSize+510:], []byte{0x55, 0xaa})
	}
	c.write(head)
	table := v.table()
	for range tables {
		c.write(table)
	}
	for _, dir := range v.root.folders() {
		c.write(dir.content(v.label, v.options.Time))
		c.zeros(v.offset(dir.cluster+dir.count) - c.n)
	}
	for _, f := range v.files {
		c.file(f.file)
		if f.cluster != 0 {
			c.zeros(v.offset(f.cluster+f.count) - c.n)
		}
	}
	c.zeros(v.options.Size - c.n)
	return c.n, c.err
}

// table returns one allocation table: each file and folder is a chain of clusters that follow each other.
func (v *Volume) table() []byte {
	t := make([]byte, int64(v.tableSize)*SectorSize)
	put := func(i, value uint32) { binary.LittleEndian.PutUint32(t[4*i:], value) }
	put(0, 0x0ffffff8) // the medium, as in the boot sector
	put(1, endOfChain)
	chain := func(n *node) {
		for i := range n.count {
			put(n.cluster+i, n.cluster+i+1)
		}
		if n.count > 0 {
			put(n.cluster+n.count-1, endOfChain)
		}
	}
	for _, dir := range v.root.folders() {
		chain(dir)
	}
	for _, f := range v.files {
		chain(f)
	}
	return t
}
