package fdt

import "encoding/binary"

// Bytes returns the flattened tree.
func (t *Tree) Bytes() []byte {
	w := &writer{at: map[string]uint32{}}
	w.node(t.Root)
	w.u32(tokenLast)
	be := binary.BigEndian
	reservations := t.reserved
	if reservations == nil {
		reservations = make([]byte, 16) // the end of the list
	}
	reserved := uint32(headerSize)
	structs := reserved + uint32(len(reservations))
	names := structs + uint32(len(w.structs))
	out := make([]byte, headerSize)
	for i, v := range []uint32{magic, names + uint32(len(w.names)), structs, names, reserved, version, compatible, t.bootCPU, uint32(len(w.names)), uint32(len(w.structs))} {
		be.PutUint32(out[4*i:], v)
	}
	out = append(out, reservations...)
	return append(append(out, w.structs...), w.names...)
}

type writer struct {
	structs, names []byte
	at             map[string]uint32 // of names
}

func (w *writer) u32(v uint32) { w.structs = binary.BigEndian.AppendUint32(w.structs, v) }

func (w *writer) padded(b []byte) {
	w.structs = append(w.structs, b...)
	w.structs = append(w.structs, make([]byte, -len(b)&3)...)
}

func (w *writer) node(n *Node) {
	w.u32(tokenBegin)
	w.padded(append([]byte(n.Name), 0))
	for _, p := range n.Props {
		w.u32(tokenProp)
		w.u32(uint32(len(p.Value)))
		w.u32(w.name(p.Name))
		w.padded(p.Value)
	}
	for _, c := range n.Children {
		w.node(c)
	}
	w.u32(tokenEnd)
}

func (w *writer) name(name string) uint32 {
	at, ok := w.at[name]
	if !ok {
		at = uint32(len(w.names))
		w.at[name] = at
		w.names = append(append(w.names, name...), 0)
	}
	return at
}
