package images

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/images/fdt"
)

// errNoSymbols is returned for a device tree to which no overlay can be applied.
var errNoSymbols = errors.New("it has no symbols (made without dtc -@), so no overlay for the FPGA could be applied")

// dtbs returns the path of the device tree that a board's Linux is given, and those of its near relatives: the kernel's own, or in the
// cache with the memory for the last log reserved in them. The first is "" where the board's firmware or QEMU brings one.
func (l *Linux) dtbs(b *board.Board) (own string, others []string, err error) {
	if b.Linux.DTB != "" {
		if own, err = l.dtb(b, b.Linux.DTB); err != nil {
			return "", nil, err
		}
	}
	for _, name := range b.Linux.DTBs {
		file, err := l.dtb(b, name)
		if err != nil {
			return "", nil, err
		}
		others = append(others, file)
	}
	return own, others, nil
}

func (l *Linux) dtb(b *board.Board, name string) (string, error) {
	own := filepath.Join(l.DTBs, filepath.FromSlash(name))
	if l.DTBs == "" || !isFile(own) {
		return "", fmt.Errorf("board %s: Linux %s (%s) has no device tree %s", b.Name, l.Release, b.Linux.Package, name)
	}
	data, err := os.ReadFile(own)
	if err != nil {
		return "", err
	}
	changed, err := deviceTree(b, data)
	if err != nil {
		return "", fmt.Errorf("device tree %s of board %s: %w", name, b.Name, err)
	}
	if bytes.Equal(changed, data) {
		return own, nil
	}
	sum := sha256.Sum256(changed)
	file, err := cachePath("dtb", hex.EncodeToString(sum[:]), filepath.Base(own))
	if err != nil || isFile(file) {
		return file, err
	}
	return file, writeFile(file, 0o644, func(w io.Writer) error { _, err := w.Write(changed); return err })
}

// deviceTree checks a device tree and adds what the board wants in it.
func deviceTree(b *board.Board, data []byte) ([]byte, error) {
	tree, err := fdt.Parse(data)
	if err != nil {
		return nil, err
	}
	if b.FPGA != "" && tree.Root.Child("__symbols__") == nil {
		return nil, errNoSymbols
	}
	if b.Linux != nil {
		if err := setTexts(tree.Root, b.Linux.Tree); err != nil {
			return nil, err
		}
	}
	if b.Ramoops != nil {
		if err := reserveRamoops(tree.Root, b.Ramoops); err != nil {
			return nil, fmt.Errorf("reserve memory for the last log: %w", err)
		}
	} else if b.Linux == nil || len(b.Linux.Tree) == 0 {
		return data, nil
	}
	return tree.Bytes(), nil
}

// setTexts sets properties of nodes that there are.
func setTexts(root *fdt.Node, nodes map[string]map[string]string) error {
	for _, at := range slices.Sorted(maps.Keys(nodes)) {
		n := root
		for _, name := range strings.Split(strings.Trim(at, "/"), "/") {
			if n = n.Child(name); n == nil {
				return fmt.Errorf("it has no node %s, in which the board sets properties", at)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(nodes[at])) {
			n.Props = slices.DeleteFunc(n.Props, func(p fdt.Prop) bool { return p.Name == name })
			n.Props = append(n.Props, fdt.String(name, nodes[at][name]))
		}
	}
	return nil
}

// reserveRamoops adds reserved-memory/ramoops@ADDRESS (Linux, Documentation/devicetree/bindings/reserved-memory/ramoops.yaml). Half
// of the memory holds two records of a panic, a quarter what the console said, a quarter what init wrote to /dev/pmsg0.
func reserveRamoops(root *fdt.Node, r *board.Ramoops) error {
	at, err := strconv.ParseUint(strings.TrimPrefix(r.Address, "0x"), 16, 64)
	if err != nil {
		return fmt.Errorf("address %q is not hexadecimal", r.Address)
	}
	memory := root.Child("reserved-memory")
	if memory == nil {
		memory = &fdt.Node{Name: "reserved-memory", Props: []fdt.Prop{
			fdt.Cells("#address-cells", root.Uint32("#address-cells", 2)), fdt.Cells("#size-cells", root.Uint32("#size-cells", 1)), {Name: "ranges"},
		}}
		root.Children = append(root.Children, memory)
	}
	if slices.ContainsFunc(memory.Children, isRamoops) {
		return nil // the device tree has it already
	}
	// Without #address-cells and #size-cells there are two and one (Devicetree Specification 0.4, section 2.3.5).
	reg := number(at, memory.Uint32("#address-cells", 2))
	reg = append(reg, number(uint64(r.Size), memory.Uint32("#size-cells", 1))...)
	part := uint32(r.Size / 4)
	memory.Children = append(memory.Children, &fdt.Node{Name: fmt.Sprintf("ramoops@%x", at), Props: []fdt.Prop{
		fdt.String("compatible", "ramoops"), fdt.Cells("reg", reg...),
		fdt.Cells("record-size", part), fdt.Cells("console-size", part), fdt.Cells("pmsg-size", part), fdt.Cells("ecc-size", 16), {Name: "no-map"},
	}})
	return nil
}

func isRamoops(n *fdt.Node) bool {
	return slices.ContainsFunc(n.Props, func(p fdt.Prop) bool { return p.Name == "compatible" && string(p.Value) == "ramoops\x00" })
}

// number returns a number of one or two cells.
func number(v uint64, cells uint32) []uint32 {
	if cells > 1 {
		return []uint32{uint32(v >> 32), uint32(v)}
	}
	return []uint32{uint32(v)}
}
