package wasm

import "github.com/capodekappa/capo/gateware/ir"

// each computes lane by lane what there is no instruction for.
func (m *vectors) each(id ir.ID, v *ir.Value, width, part int) ref {
	per := 128 / width
	out := m.g.splat(width, 0)
	for lane := range min(per, m.lanes) {
		n := numbers{widths: m.widths, layout: m.layout, g: m.g, trust: m.trust, table: m.table, made: map[place]ref{}}
		for _, a := range v.Operands() {
			n.made[place{id: a, width: 32}] = m.lane(a, part*per+lane)
		}
		out = m.g.add(v128, node{op: lanesOf(width).replace, args: [3]ref{out, n.compute(id, v, 32)}, lane: uint8(lane)})
	}
	return out
}

// lane takes one number out of a value's vectors.
func (m *vectors) lane(id ir.ID, lane int) ref {
	width := m.home[id]
	per := 128 / width
	if c := &m.f.Values[id]; c.Op == ir.Const {
		return m.g.number(32, c.Imm)
	}
	ops := lanesOf(width)
	op := pick(m.signed(id, width), ops.extractS, ops.extractU)
	return m.g.add(i32, node{op: op, args: [3]ref{m.value(id, width, lane/per)}, lane: uint8(lane % per)})
}
