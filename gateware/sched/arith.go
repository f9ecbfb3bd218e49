package sched

import (
	"math/bits"
	"slices"

	"github.com/capodekappa/capo/gateware/ir"
)

// addend is a term of a sum: (node << shift), taken away if minus is set.
type addend struct {
	id    ID
	shift int
	minus bool
}

// plus makes (a << x) + (b << y), with the shift that both share put behind.
func (g *Graph) plus(a ID, x int, b ID, y int, carry ID) (ID, int) {
	m := min(x, y)
	if c, known := g.Constant(b); known && c == 0 && carry == None {
		return a, x
	}
	if c, known := g.Constant(a); known && c == 0 && carry == None {
		return b, y
	}
	n := Node{Op: Add, Args: args(a, b, carry), A: x - m, B: y - m}
	if n.A == n.B && a > b || n.A > n.B { // the operand that is shifted stands second
		n.Args[0], n.Args[1], n.A, n.B = b, a, n.B, n.A
	}
	return g.make(n), m
}

// minus makes (a << x) - (b << y).
func (g *Graph) minus(a ID, x int, b ID, y int) (ID, int) {
	m := min(x, y)
	if c, known := g.Constant(a); known && c == 0 {
		m = y
		x = m
	}
	if c, known := g.Constant(b); known && c == 0 {
		return a, x
	}
	return g.make(Node{Op: Sub, Args: args(a, b), A: x - m, B: y - m}), m
}

// shl makes a << n.
func (g *Graph) shl(a ID, n int) ID {
	if n == 0 {
		return a
	}
	if v := g.Nodes[a]; v.Op == Shl {
		a, n = v.Args[0], n+int(v.Imm)
	}
	return g.make(Node{Op: Shl, Args: args(a), Imm: int64(n)})
}

// shr makes a >> n.
func (g *Graph) shr(a ID, n int) ID {
	if n == 0 {
		return a
	}
	return g.make(Node{Op: Shr, Args: args(a), Imm: int64(min(n, 63))})
}

// cut takes the low bits of a as a value of a range.
func (g *Graph) cut(a ID, lo, hi int64) ID {
	if v := &g.Nodes[a]; v.Lo == lo && v.Hi == hi {
		return a
	}
	return g.make(Node{Op: Cut, Args: args(a), Lo: lo, Hi: hi})
}

// bit is a bit of a.
func (g *Graph) bit(a ID, n int) ID {
	v := g.Nodes[a]
	if w, signed := v.Bits(); n >= w {
		if !signed {
			return g.Const(0)
		}
		n = w - 1
	}
	return g.cut(g.shr(a, n), 0, 1)
}

// total sums addends and a constant, with few and short carry chains. What is taken away is summed by itself, because a
// difference costs an inverter for each bit.
func (g *Graph) total(list []addend, k int64) ID {
	var plus, minus []addend
	var carries []ID
	for _, a := range list {
		n := &g.Nodes[a.id]
		switch {
		case a.minus:
			minus = append(minus, addend{a.id, a.shift, false})
		case a.shift == 0 && n.Lo == 0 && n.Hi == 1:
			carries = append(carries, a.id)
		default:
			plus = append(plus, a)
		}
	}
	if k != 0 {
		s := bits.TrailingZeros64(uint64(k))
		if len(plus) > 0 || k > 0 || len(minus) == 0 {
			plus = append(plus, addend{g.Const(k >> s), s, false})
		} else {
			minus = append(minus, addend{g.Const(-k >> s), s, false})
		}
	}
	if pairs := len(plus) - 1; len(carries) > max(pairs, 0) {
		for _, c := range carries[max(pairs, 0):] {
			plus = append(plus, addend{id: c})
		}
		carries = carries[:max(pairs, 0)]
	}
	p, q := g.reduce(plus, carries), g.reduce(minus, nil)
	switch {
	case q.id == None:
		return g.shl(p.id, p.shift)
	case p.id == None:
		p = addend{id: g.Const(0)}
	}
	id, s := g.minus(p.id, p.shift, q.id, q.shift)
	return g.shl(id, s)
}

// reduce adds up a list; its node is None if there is nothing.
func (g *Graph) reduce(list []addend, carries []ID) addend {
	if len(list) == 0 {
		return addend{id: None}
	}
	for len(list) > 1 {
		i, j := g.cheapest(list)
		a, b := list[i], list[j]
		carry := None
		if len(carries) > 0 && a.shift == 0 && b.shift == 0 {
			carry, carries = carries[0], carries[1:]
		}
		id, s := g.plus(a.id, a.shift, b.id, b.shift, carry)
		list = slices.Delete(list, max(i, j), max(i, j)+1)
		list = slices.Delete(list, min(i, j), min(i, j)+1)
		list = append(list, addend{id: id, shift: s})
	}
	for _, c := range carries {
		id, s := g.plus(list[0].id, list[0].shift, c, 0, None)
		list[0] = addend{id: id, shift: s}
	}
	return list[0]
}

// manyAddends is from where on the first two addends are taken instead of the best two.
const manyAddends = 96

// cheapest chooses the two addends whose sum has the shortest carry chain.
func (g *Graph) cheapest(list []addend) (int, int) {
	if len(list) > manyAddends {
		return 0, 1
	}
	best, x, y := 1<<30, 0, 1
	for i := range list {
		for j := range i {
			if c := g.chain(list[i], list[j]); c < best {
				best, x, y = c, j, i
			}
		}
	}
	return x, y
}

// chain is the length of the carry chain of a sum.
func (g *Graph) chain(a, b addend) int {
	if a.shift > b.shift {
		a, b = b, a
	}
	x, y := &g.Nodes[a.id], &g.Nodes[b.id]
	d := b.shift - a.shift
	w, _ := ir.BitsOf(x.Lo+y.Lo<<d, x.Hi+y.Hi<<d)
	if wx, signed := x.Bits(); !signed && wx <= d {
		return 0 // they do not meet
	}
	return w - d
}

// times is c * a as an addend: an odd multiple of a, shifted.
func (g *Graph) times(a ID, c int64) addend {
	minus := c < 0
	if minus {
		c = -c
	}
	s := bits.TrailingZeros64(uint64(c))
	if v := g.Nodes[a]; v.Op == Shl {
		a, s = v.Args[0], s+int(v.Imm)
		r := g.times(a, c>>bits.TrailingZeros64(uint64(c)))
		return addend{r.id, r.shift + s, minus}
	}
	return addend{g.odd(a, c>>s), s, minus}
}

// odd is an odd multiple of a.
func (g *Graph) odd(a ID, c int64) ID {
	if c == 1 {
		return a
	}
	lo, hi := g.Nodes[a].Lo*c, g.Nodes[a].Hi*c
	step := multiplier{}.best(c)
	b := g.odd(a, step.c)
	if step.factor {
		a = b
	}
	var id ID
	switch {
	case step.high: // (a << s) - b
		id, _ = g.minus(a, step.shift, b, 0)
	case step.minus: // (b << s) - a
		id, _ = g.minus(b, step.shift, a, 0)
	default:
		id, _ = g.plus(b, step.shift, a, 0, None)
	}
	return g.within(id, lo, hi)
}

// recipe is how an odd factor is made of a smaller one, c: (c·a << shift) ± a, or ± c·a if it is a factor; with high, (a << shift) - c·a.
type recipe struct {
	c             int64
	shift         int
	minus, factor bool
	high          bool
	cost          int
}

// multiplier finds recipes; it remembers them.
type multiplier map[int64]recipe

// Costs of an adder, and of a subtracter, which has inverters.
const (
	costAdd = 4
	costSub = 6
)

// best is the cheapest recipe found for an odd c > 1.
func (m multiplier) best(c int64) recipe {
	if r, ok := m[c]; ok {
		return r
	}
	best := recipe{cost: 1 << 30}
	try := func(r recipe) {
		if r.c > 1 {
			r.cost += m.best(r.c).cost
		}
		if r.cost < best.cost {
			best = r
		}
	}
	m[c] = best // what leads back here is no way
	for _, d := range [2]int64{1, -1} {
		rest := c - d
		s := bits.TrailingZeros64(uint64(rest))
		cost := costAdd
		if d < 0 {
			cost = costSub
		}
		if rest>>s > 0 && rest>>s < c {
			try(recipe{c: rest >> s, shift: s, minus: d < 0, cost: cost})
		}
	}
	for s := 1; s < 20 && int64(1)<<s+1 < c; s++ {
		if c%(1<<s+1) == 0 {
			try(recipe{c: c / (1<<s + 1), shift: s, factor: true, cost: costAdd})
		}
		if f := int64(1)<<s - 1; f > 1 && c%f == 0 && f < c {
			try(recipe{c: c / f, shift: s, minus: true, factor: true, cost: costSub})
		}
	}
	if s := bits.Len64(uint64(c)); int64(1)<<s-c > 1 && int64(1)<<s-c < c {
		try(recipe{c: int64(1)<<s - c, shift: s, high: true, cost: costSub})
	}
	m[c] = best
	return best
}
