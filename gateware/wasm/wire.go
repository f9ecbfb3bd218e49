package wasm

import (
	"slices"

	"github.com/capodekappa/capo/gateware/ir"
)

// mostVectors is how many vectors are shuffled together before words are loaded or stored one by one.
const mostVectors = 4

// source is a byte of a vector.
type source struct{ vector, at int }

// vectorsOf lists the vectors that bytes come from, in order.
func vectorsOf(want []source) (list []int) {
	for _, w := range want {
		if !slices.Contains(list, w.vector) {
			list = append(list, w.vector)
		}
	}
	slices.Sort(list)
	return list
}

// collect makes a vector of bytes of others.
func (g *graph) collect(want [16]source, of func(vector int) ref) ref {
	list := vectorsOf(want[:])
	acc := of(list[0])
	var pick [16]byte
	for n := 1; n == 1 || n < len(list); n++ {
		second := list[min(n, len(list)-1)]
		for k, w := range want {
			switch {
			case n == 1 && w.vector == list[0]:
				pick[k] = byte(w.at)
			case w.vector == second:
				pick[k] = byte(16 + w.at)
			default:
				pick[k] = byte(k)
			}
		}
		acc = g.shuffle(acc, of(second), pick)
	}
	return acc
}

// direct loads words that follow each other, at their own width or extended to twice of it.
func (m *vectors) direct(v *ir.Value, width, part int) (ref, bool) {
	w := m.in[v.Port.Leaf].Word
	size := w.Bytes()
	local, offset := m.address(v.Port)
	offset += m.shift * m.lanes * m.inStep
	if w.Bits != 8*size || m.inStep != size || width > 16*size || width == 64 {
		return 0, false
	}
	base := m.g.local(i32, local)
	if width == 8*size {
		return m.loadBytes(base, offset+16*part, m.lanes*size), true
	}
	op := opLoadExt
	if size == 2 {
		op += 2
	}
	if !w.Signed {
		op++
	}
	return m.g.load(v128, op, base, offset+8*part), true
}

// loadBytes loads up to a vector.
func (m *vectors) loadBytes(base ref, offset, bytes int) ref {
	switch {
	case bytes >= 16:
		return m.g.load(v128, opLoad, base, offset)
	case bytes == 8:
		return m.g.load(v128, opLoad64Zero, base, offset)
	}
	return m.g.load(v128, opLoad32Zero, base, offset)
}

// input loads words that are narrower than their bytes, or that do not follow each other.
func (m *vectors) input(v *ir.Value, width, part int) ref {
	w := m.in[v.Port.Leaf].Word
	raw := m.gather(v.Port, width, part)
	switch {
	case w.Bits == width:
		return raw
	case w.Signed:
		return m.extend(raw, width, w.Bits)
	}
	return m.g.binary(v128, opAnd, raw, m.g.splat(width, 1<<w.Bits-1))
}

// gather collects the words of a port.
func (m *vectors) gather(p ir.Port, width, part int) ref {
	size := width / 8
	local, offset := m.address(p)
	offset += m.shift * m.lanes * m.inStep
	base := m.g.local(i32, local)
	if m.inStep == size {
		return m.loadBytes(base, offset+16*part, m.lanes*size)
	}
	per := min(16/size, m.lanes)
	at := func(lane int) int { return m.inAt[p.Leaf] + (part*per+lane)*m.inStep }
	if (at(per-1)+size-1)/16-at(0)/16 < mostVectors {
		var want [16]source
		for k := range want {
			byteAt := at(k/size%per) + k%size
			want[k] = source{byteAt / 16, byteAt % 16}
		}
		return m.g.collect(want, func(vector int) ref { return m.g.load(v128, opLoad, base, offset+16*vector) })
	}
	acc := m.g.splat(8, 0)
	for lane := range per {
		op := opLoadLane + map[int]opcode{1: 0, 2: 1, 4: 2}[size]
		acc = m.g.add(v128, node{op: op, args: [3]ref{base, acc}, imm: [2]uint64{uint64(offset + at(lane))}, lane: uint8(lane)})
	}
	return acc
}

// results stores what the body gives.
func (m *vectors) results() {
	if !m.PerBlock() && len(m.out) > 1 && len(m.out) <= mostVectors {
		m.interleave()
		return
	}
	for n, id := range m.Body.Outs {
		size := m.out[n].Word.Bytes()
		row, offset := m.spot(n)
		base := m.g.local(i32, m.target[row])
		offset += m.shift * m.lanes * m.outStep
		if m.outStep == size {
			for part := range m.parts(8 * size) {
				m.storeBytes(base, offset+16*part, m.lanes*size, m.value(id, 8*size, part))
			}
			continue
		}
		per := 16 / size
		op := opStoreLane + map[int]opcode{1: 0, 2: 1, 4: 2}[size]
		for lane := range m.lanes {
			m.g.store(op, base, offset+lane*m.outStep, m.value(id, 8*size, lane/per), lane%per)
		}
	}
}

// storeBytes stores up to a vector.
func (m *vectors) storeBytes(base ref, offset, bytes int, v ref) {
	switch {
	case bytes >= 16:
		m.g.store(opStore, base, offset, v, 0)
	case bytes >= 8:
		m.g.store(opStoreLane+3, base, offset, v, 0)
	default:
		m.g.store(opStoreLane+2, base, offset, v, 0)
	}
}

// interleave stores tokens of a few words.
func (m *vectors) interleave() {
	base := m.g.local(i32, m.target[0])
	total := m.lanes * m.outStep
	for at := 0; at < total; at += 16 {
		var want [16]source
		for k := range want {
			want[k] = m.byteOf(min(at+k, total-1))
		}
		v := m.g.collect(want, func(vector int) ref {
			n := vector / 64
			return m.value(m.Body.Outs[n], 8*m.out[n].Word.Bytes(), vector%64)
		})
		left := total - at
		offset := at + m.shift*total
		m.storeBytes(base, offset, left, v)
		if left > 8 && left < 16 {
			m.g.store(opStoreLane+2, base, offset+8, v, 2)
		}
	}
}

// byteOf says which value's vector (64 times the leaf, plus the part) a byte of the output comes from.
func (m *vectors) byteOf(at int) source {
	token, at := at/m.outStep, at%m.outStep
	for n, leaf := range m.out {
		size := leaf.Word.Bytes()
		if at < size {
			return source{64*n + token*size/16, token*size%16 + at}
		}
		at -= size
	}
	return source{}
}

// input loads a word.
func (m *numbers) input(v *ir.Value, width int) ref {
	w := m.in[v.Port.Leaf].Word
	local, offset := m.address(v.Port)
	op := opI32Load
	switch {
	case w.Bytes() == 1:
		op = pick(w.Signed, opI32Load8S, opI32Load8U)
	case w.Bytes() == 2:
		op = pick(w.Signed, opI32Load16S, opI32Load16U)
	}
	raw := m.g.load(i32, op, m.g.local(i32, local), offset+m.inAt[v.Port.Leaf])
	if w.Bits == 8*w.Bytes() {
		return raw
	}
	if !w.Signed {
		return m.g.binary(i32, wordsOf(32).and, raw, m.g.number(32, 1<<w.Bits-1))
	}
	by := m.g.number(32, int64(width-w.Bits))
	return m.g.binary(i32, wordsOf(32).shrS, m.g.binary(i32, wordsOf(32).shl, raw, by), by)
}

// results stores what the body gives.
func (m *numbers) results() {
	for n, id := range m.Body.Outs {
		row, offset := m.spot(n)
		op := map[int]opcode{1: opI32Store8, 2: opI32Store16, 4: opI32Store}[m.out[n].Word.Bytes()]
		m.g.store(op, m.g.local(i32, m.target[row]), offset, m.value(id, 32), 0)
	}
}
