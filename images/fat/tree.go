package fat

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// node is a folder of the volume, or with file set a file.
type node struct {
	name     string
	file     *File
	parent   *node
	children []*node
	short    short
	long     bool   // whether its entry needs a long name
	cluster  uint32 // its first; 0 for an empty file
	count    uint32 // of clusters
}

// tree sorts files into folders, in the order in which they come.
func tree(files []File) (*node, error) {
	root := &node{}
	for i := range files {
		if err := files[i].check(); err != nil {
			return nil, err
		}
		dir, parts := root, strings.Split(files[i].Path, "/")
		for _, name := range parts[:len(parts)-1] {
			sub := dir.child(name)
			if sub == nil {
				sub = &node{name: name, parent: dir}
				dir.children = append(dir.children, sub)
			}
			if sub.file != nil {
				return nil, fmt.Errorf("file %s: %s is a file and a folder", files[i].Path, sub.file.Path)
			}
			dir = sub
		}
		name := parts[len(parts)-1]
		if dir.child(name) != nil {
			return nil, fmt.Errorf("file %s: there are two of that name (FAT does not tell capitals from small letters)", files[i].Path)
		}
		dir.children = append(dir.children, &node{name: name, file: &files[i], parent: dir})
	}
	return root, root.shorten()
}

func (n *node) child(name string) *node {
	for _, c := range n.children {
		if strings.EqualFold(c.name, name) {
			return c
		}
	}
	return nil
}

// shorten gives everything below a folder its short name.
func (n *node) shorten() error {
	taken := map[short]bool{}
	for _, c := range n.children {
		s, exact, err := shortName(c.name, taken)
		if err != nil {
			return err
		}
		taken[s] = true
		c.short, c.long = s, !exact
		if err := c.shorten(); err != nil {
			return err
		}
	}
	return nil
}

// folders returns the folder and all below it, parents first.
func (n *node) folders() []*node {
	all := []*node{n}
	for _, c := range n.children {
		if c.file == nil {
			all = append(all, c.folders()...)
		}
	}
	return all
}

// bytes is the size of the node's content. A folder's does not depend on where anything lies.
func (n *node) bytes() int64 {
	if n.file != nil {
		return n.file.Size
	}
	size := 2 * entrySize // "." and "..", or the root's volume label
	for _, c := range n.children {
		size += entrySize
		if c.long {
			size += len(longEntries(c.name, c.short))
		}
	}
	return int64(size)
}

// content returns a folder's entries.
func (n *node) content(label short, at time.Time) []byte {
	var out []byte
	if n.parent == nil {
		out = append(out, entry(label, attrVolume, 0, 0, at)...)
	} else {
		up := n.parent.cluster
		if n.parent.parent == nil {
			up = 0 // the root has the number 0 in "..", wherever it lies
		}
		out = append(out, entry(short([]byte(".          ")), attrFolder, n.cluster, 0, at)...)
		out = append(out, entry(short([]byte("..         ")), attrFolder, up, 0, at)...)
	}
	for _, c := range n.children {
		if c.long {
			out = append(out, longEntries(c.name, c.short)...)
		}
		if c.file != nil {
			out = append(out, entry(c.short, attrFile, c.cluster, uint32(c.file.Size), at)...)
		} else {
			out = append(out, entry(c.short, attrFolder, c.cluster, 0, at)...)
		}
	}
	return out
}

// entry returns one short entry. All of its times are the same.
func entry(name short, attr byte, cluster, size uint32, at time.Time) []byte {
	e := make([]byte, entrySize)
	copy(e, name[:])
	date, clock := dosTime(at)
	e[11] = attr
	le := binary.LittleEndian
	le.PutUint16(e[14:], clock)
	le.PutUint16(e[16:], date)
	le.PutUint16(e[18:], date)
	le.PutUint16(e[20:], uint16(cluster>>16))
	le.PutUint16(e[22:], clock)
	le.PutUint16(e[24:], date)
	le.PutUint16(e[26:], uint16(cluster))
	le.PutUint32(e[28:], size)
	return e
}

// dosTime returns a time as FAT has it: from 1980 to 2107, in steps of two seconds, here always UTC.
func dosTime(at time.Time) (date, clock uint16) {
	at = at.UTC()
	if at.Year() < 1980 {
		at = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	year := min(at.Year(), 2107) - 1980
	return uint16(year<<9 | int(at.Month())<<5 | at.Day()), uint16(at.Hour()<<11 | at.Minute()<<5 | at.Second()/2)
}
