package wasm

import (
	"cmp"
	"slices"

	"github.com/capodekappa/capo/gateware/ir"
)

// A stage is paired if its sums of 32 bits are made of neighbouring words of 16 bits. Then one instruction (i32x4.dot_i16x8_s) multiplies
// eight of them and adds each to its neighbour: four outputs, every second one. So in a paired stage the two vectors of a value of
// 32 bits have the outputs at even places and those at odd ones, and not the first four and the last four.

// product is a word of the input times a number.
type product struct {
	local  int // of the address
	offset int // bytes
	by     int64
}

// form is a sum of products and a number.
type form struct {
	products []product
	plus     int64
}

// pairs tells whether a stage is paired, with this many outputs in a strip.
func pairs(s *ir.Stage, w *widths, l *layout, lanes int) bool {
	if lanes != 8 || len(l.in) != 1 || l.inStep != 2 || l.in[0].Word != (ir.Word{Bits: 16, Signed: true}) && l.in[0].Word != (ir.Word{Bits: 16, Signed: true, Clamp: true}) {
		return false
	}
	for _, leaf := range l.out {
		if leaf.Word.Bytes() == 4 {
			return false
		}
	}
	sums := 0
	for i := range s.Body.Values {
		v := &s.Body.Values[i]
		switch v.Op {
		case ir.X, ir.Y, ir.I, ir.Table, ir.Clz, ir.DivFloor, ir.DivTrunc, ir.Rem:
			return false
		case ir.Shl, ir.Shr:
			if s.Body.Values[v.Args[1]].Op != ir.Const {
				return false
			}
		case ir.Const:
			continue
		}
		if w.home[i] != 32 {
			continue
		}
		if f, ok := w.formOf(l, ir.ID(i)); ok && len(f.products) > 0 {
			sums += len(f.products) - 1
			continue
		}
		if slices.ContainsFunc(v.Operands(), func(a ir.ID) bool { return w.home[a] != 32 && s.Body.Values[a].Op != ir.Const }) {
			return false
		}
	}
	return sums > 0
}

// formOf finds the sum that a value is.
func (w *widths) formOf(l *layout, id ir.ID) (form, bool) {
	var f form
	if !w.collect(l, &f, id, 1, 0) {
		return f, false
	}
	slices.SortFunc(f.products, func(a, b product) int {
		return cmp.Or(cmp.Compare(a.local, b.local), cmp.Compare(a.offset, b.offset))
	})
	joined := f.products[:0]
	for _, p := range f.products {
		if n := len(joined); n > 0 && joined[n-1].local == p.local && joined[n-1].offset == p.offset {
			joined[n-1].by += p.by
			continue
		}
		joined = append(joined, p)
	}
	f.products = joined
	for _, p := range f.products {
		if p.by > 1<<15-1 || p.by < -(1<<15-1) {
			return f, false
		}
	}
	return f, true
}

const mostProducts = 128

// collect adds by times a value to a form.
func (w *widths) collect(l *layout, f *form, id ir.ID, by int64, depth int) bool {
	v := &w.f.Values[id]
	if by > 1<<31 || by < -1<<31 || depth > 64 || len(f.products) > mostProducts {
		return false
	}
	c := &w.f.Values[v.Args[1]]
	switch {
	case v.Op == ir.Const:
		f.plus += by * v.Imm
		return v.Imm < 1<<31 && v.Imm >= -1<<31
	case v.Op == ir.In:
		local, offset := l.address(v.Port)
		f.products = append(f.products, product{local, offset, by})
		return true
	case v.Op == ir.Add:
		return w.collect(l, f, v.Args[0], by, depth+1) && w.collect(l, f, v.Args[1], by, depth+1)
	case v.Op == ir.Sub:
		return w.collect(l, f, v.Args[0], by, depth+1) && w.collect(l, f, v.Args[1], -by, depth+1)
	case v.Op == ir.Mul && c.Op == ir.Const && c.Imm < 1<<31 && c.Imm > -1<<31:
		return w.collect(l, f, v.Args[0], by*c.Imm, depth+1)
	case v.Op == ir.Shl && c.Op == ir.Const:
		return w.collect(l, f, v.Args[0], by<<c.Imm, depth+1)
	}
	return false
}

// scaled finds the form of which a value is the high half, when that is a form shifted to the right: the shift is in the factors.
func (m *vectors) scaled(v *ir.Value) (form, bool) {
	c := &m.f.Values[v.Args[1]]
	if !m.pairs || v.Op != ir.Shr || c.Op != ir.Const || c.Imm > 16 {
		return form{}, false
	}
	f, ok := m.formOf(m.layout, v.Args[0])
	for i := range f.products {
		by := f.products[i].by << (16 - c.Imm)
		ok = ok && by < 1<<15 && by > -1<<15
		f.products[i].by = by
	}
	f.plus <<= 16 - c.Imm
	return f, ok && len(f.products) > 0
}

// dot makes the outputs at even (0) or odd (1) places of a form.
func (m *vectors) dot(f form, part int) ref {
	var acc ref
	add := func(r ref) {
		if acc != 0 {
			r = m.g.binary(v128, lanesOf(32).add, acc, r)
		}
		acc = r
	}
	for i := 0; i < len(f.products); {
		p := f.products[i]
		i++
		next := int64(0)
		if i < len(f.products) && f.products[i].local == p.local && f.products[i].offset == p.offset+2 {
			next = f.products[i].by
			i++
		}
		words := m.g.load(v128, opLoad, m.g.local(i32, p.local), p.offset+2*part+m.shift*m.lanes*m.inStep)
		by := m.g.lanes(16, func(lane int) int64 {
			if lane%2 == 0 {
				return p.by
			}
			return next
		})
		add(m.g.binary(v128, opDot, words, by))
	}
	if f.plus != 0 {
		add(m.g.splat(32, f.plus))
	}
	return acc
}

// woven picks the low (0) or high (1) halves of lanes of 32 bits, in turn of both vectors.
func woven(half int) (pick [16]byte) {
	for i := range pick {
		pick[i] = byte(i/2%2*16 + i/4*4 + half*2 + i%2)
	}
	return pick
}
