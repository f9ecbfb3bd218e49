// Package fdt reads and writes flattened device trees, so that an image's one can say more than the kernel's.
//
// Source of the format: Devicetree Specification 0.4, chapter 5. Numbers are big-endian.
package fdt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// ErrFormat is returned for bytes that are no flattened device tree.
var ErrFormat = errors.New("not a flattened device tree")

// Tree is a device tree.
type Tree struct {
	Root *Node
	// reserved is the memory reservation block, as it is.
	reserved []byte
	bootCPU  uint32
}

// Node is a node, with its properties and children in order.
type Node struct {
	Name     string
	Props    []Prop
	Children []*Node
}

// Prop is a property.
type Prop struct {
	Name  string
	Value []byte
}

// Child returns the child of that name, or nil.
func (n *Node) Child(name string) *Node {
	for _, c := range n.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Uint32 returns a property that is one cell, or otherwise if there is none such.
func (n *Node) Uint32(name string, otherwise uint32) uint32 {
	for _, p := range n.Props {
		if p.Name == name && len(p.Value) == 4 {
			return binary.BigEndian.Uint32(p.Value)
		}
	}
	return otherwise
}

// Cells returns the property whose value is the given cells.
func Cells(name string, cells ...uint32) Prop {
	p := Prop{Name: name}
	for _, c := range cells {
		p.Value = binary.BigEndian.AppendUint32(p.Value, c)
	}
	return p
}

// String returns the property whose value is a string.
func String(name, value string) Prop { return Prop{Name: name, Value: append([]byte(value), 0)} }

const (
	magic      = 0xd00dfeed
	headerSize = 40
	version    = 17
	compatible = 16
	maxDepth   = 64

	tokenBegin = 1
	tokenEnd   = 2
	tokenProp  = 3
	tokenNop   = 4
	tokenLast  = 9
)

// Parse reads a tree.
func Parse(data []byte) (*Tree, error) {
	if len(data) < headerSize || u32(data, 0) != magic {
		return nil, fmt.Errorf("%w: it does not begin as one", ErrFormat)
	}
	if v := u32(data, 24); v > version || u32(data, 20) < compatible {
		return nil, fmt.Errorf("%w: it is of version %d", ErrFormat, u32(data, 20))
	}
	reserved, ok := reservations(data)
	structs, ok2 := block(data, u32(data, 8), u32(data, 36))
	names, ok3 := block(data, u32(data, 12), u32(data, 32))
	if !ok || !ok2 || !ok3 {
		return nil, fmt.Errorf("%w: it is cut short", ErrFormat)
	}
	r := &reader{structs: structs, names: names}
	if r.token() != tokenBegin {
		return nil, fmt.Errorf("%w: it has no root", ErrFormat)
	}
	root := r.node(0)
	if r.failed || r.token() != tokenLast {
		return nil, fmt.Errorf("%w: its structure is broken", ErrFormat)
	}
	return &Tree{Root: root, reserved: reserved, bootCPU: u32(data, 28)}, nil
}

func u32(data []byte, at int) uint32 { return binary.BigEndian.Uint32(data[at:]) }

func block(data []byte, at, size uint32) ([]byte, bool) {
	if uint64(at)+uint64(size) > uint64(len(data)) {
		return nil, false
	}
	return data[at : at+size], true
}

// reservations returns the memory reservation block with the two zeros that end it.
func reservations(data []byte) ([]byte, bool) {
	from := uint64(u32(data, 16))
	for at := from; at+16 <= uint64(len(data)); at += 16 {
		if binary.BigEndian.Uint64(data[at:]) == 0 && binary.BigEndian.Uint64(data[at+8:]) == 0 {
			return data[from : at+16], true
		}
	}
	return nil, false
}

// reader reads the structure block. After something that cannot be, failed is set and it gives zeros.
type reader struct {
	structs, names []byte
	failed         bool
}

func (r *reader) take(n uint32) []byte {
	if r.failed || uint64(n) > uint64(len(r.structs)) {
		r.failed = true
		return make([]byte, 4)
	}
	taken := r.structs[:n]
	r.structs = r.structs[min(uint64(n)+uint64(-n&3), uint64(len(r.structs))):]
	return taken
}

func (r *reader) token() uint32 {
	for {
		if t := u32(r.take(4), 0); t != tokenNop || r.failed {
			return t
		}
	}
}

// node reads what follows the token that begins a node.
func (r *reader) node(depth int) *Node {
	name, _, ok := strings.Cut(string(r.structs), "\x00")
	if !ok || depth > maxDepth {
		r.failed = true
		return nil
	}
	r.take(uint32(len(name) + 1))
	n := &Node{Name: name}
	for !r.failed {
		switch r.token() {
		case tokenProp:
			n.Props = append(n.Props, r.prop())
		case tokenBegin:
			n.Children = append(n.Children, r.node(depth+1))
		case tokenEnd:
			return n
		default:
			r.failed = true
		}
	}
	return n
}

func (r *reader) prop() Prop {
	size, at := u32(r.take(4), 0), u32(r.take(4), 0)
	value := r.take(size)
	if r.failed || uint64(at) >= uint64(len(r.names)) {
		r.failed = true
		return Prop{}
	}
	name, _, _ := strings.Cut(string(r.names[at:]), "\x00")
	return Prop{Name: name, Value: value}
}
