package sched

import (
	"math/bits"

	"github.com/capodekappa/capo/gateware/ir"
)

// add hash-conses a node.
func (g *Graph) add(n Node) ID {
	k := key{op: n.Op, args: n.Args, a: n.A, b: n.B, imm: n.Imm}
	if n.Op == Cut || n.Op == Input {
		k.lo, k.hi = n.Lo, n.Hi
	}
	if id, ok := g.known[k]; ok && n.Op != State {
		same := &g.Nodes[id]
		same.Lo, same.Hi = max(same.Lo, n.Lo), min(same.Hi, n.Hi) // both are true
		return id
	}
	if n.Pos == (ir.Pos{}) && n.Op != Const && n.Op != Input {
		n.Pos = g.now
	}
	id := ID(len(g.Nodes))
	g.Nodes = append(g.Nodes, n)
	g.known[k] = id
	return id
}

// Const makes a constant.
func (g *Graph) Const(c int64) ID {
	return g.add(Node{Op: Const, Args: none(), Imm: c, Lo: c, Hi: c, Zero: c})
}

// Input makes a value from outside, which holds a range.
func (g *Graph) Input(in In, lo, hi int64) ID {
	for i := range g.Inputs {
		if g.Inputs[i].Name == in.Name {
			return g.add(Node{Op: Input, Args: none(), Imm: int64(i), Lo: lo, Hi: hi})
		}
	}
	g.Inputs = append(g.Inputs, in)
	return g.add(Node{Op: Input, Args: none(), Imm: int64(len(g.Inputs) - 1), Lo: lo, Hi: hi})
}

// State makes a value that depends on itself one step ago. Its next value is set by Feed.
func (g *Graph) State(lo, hi, init int64, group int) ID {
	id := g.add(Node{Op: State, Args: none(), Imm: int64(len(g.States)), Lo: lo, Hi: hi, Zero: init})
	g.States = append(g.States, Feedback{Node: id, Next: None, Init: init, Clear: None, Group: group})
	return id
}

// Feed closes the loop of a State.
func (g *Graph) Feed(state, next, clear ID) {
	f := &g.States[g.Nodes[state].Imm]
	f.Next, f.Clear = next, clear
}

// Delayed is a value some steps ago.
func (g *Graph) Delayed(a ID, steps int) ID {
	for range steps {
		n := g.Nodes[a]
		if n.Op == Const {
			return a
		}
		a = g.add(Node{Op: Delay, Args: args(a), Imm: n.Zero, Lo: n.Lo, Hi: n.Hi, Zero: n.Zero, Pos: n.Pos})
	}
	return a
}

// Rowed is a value some rows of a block ago; end is 1 in a row's last step. It holds in such a step only.
func (g *Graph) Rowed(a ID, rows int, end ID) ID {
	for range rows {
		n := g.Nodes[a]
		if n.Op == Const {
			return a
		}
		a = g.add(Node{Op: Row, Args: args(a, end), Lo: n.Lo, Hi: n.Hi, Zero: n.Zero, Pos: n.Pos})
	}
	return a
}

func none() [3]ID { return [3]ID{None, None, None} }

func args(ids ...ID) [3]ID {
	all := none()
	copy(all[:], ids)
	return all
}

// make folds, finds the range and adds.
func (g *Graph) make(n Node) ID {
	var lo, hi, zero [3]int64
	known := true
	for i, a := range n.Operands() {
		m := &g.Nodes[a]
		lo[i], hi[i], zero[i] = m.Lo, m.Hi, m.Zero
		known = known && m.Op == Const
	}
	if n.Op != Cut {
		n.Lo, n.Hi = bounds(&n, lo, hi)
	}
	if known {
		return g.Const(g.apply(&n, lo[0], lo[1], lo[2]))
	}
	if n.Lo == n.Hi {
		return g.Const(n.Lo)
	}
	n.Zero = g.apply(&n, zero[0], zero[1], zero[2])
	return g.add(n)
}

// apply computes a node. It is used for what is constant.
func (g *Graph) apply(n *Node, a, b, c int64) int64 {
	switch n.Op {
	case Add:
		return a<<n.A + b<<n.B + c
	case Sub:
		return a<<n.A - b<<n.B
	case Shl:
		return a << n.Imm
	case Shr:
		return a >> n.Imm
	case ShlBy:
		return a << (uint64(b) & 63)
	case ShrBy:
		return a >> (uint64(b) & 63)
	case Flip:
		return a ^ -b
	case Cut:
		w, signed := n.Bits()
		if signed {
			return a << (64 - w) >> (64 - w)
		}
		return a & (1<<w - 1)
	case Quo:
		return a / n.Imm
	case Rom:
		return ir.Lookup(g.Tables[n.Imm], a)
	}
	same := [opCount]ir.Op{Mul: ir.Mul, And: ir.And, Or: ir.Or, Xor: ir.Xor, Lt: ir.Lt, Le: ir.Le, Eq: ir.Eq, Ne: ir.Ne, Mux: ir.Mux}
	return ir.Apply(same[n.Op], 0, a, b, c)
}

// bounds is the range of what a node makes of operands within lo..hi. Nothing leaves ±2^62: the kernel's own ranges hold.
func bounds(n *Node, lo, hi [3]int64) (int64, int64) {
	switch n.Op {
	case Add:
		return lo[0]<<n.A + lo[1]<<n.B + lo[2], hi[0]<<n.A + hi[1]<<n.B + hi[2]
	case Sub:
		return lo[0]<<n.A - hi[1]<<n.B, hi[0]<<n.A - lo[1]<<n.B
	case Mul:
		return corners(lo, hi, func(a, b int64) int64 { return a * b })
	case Shl:
		return lo[0] << n.Imm, hi[0] << n.Imm
	case Shr:
		return lo[0] >> n.Imm, hi[0] >> n.Imm
	case ShlBy:
		return corners(lo, hi, func(a, b int64) int64 { return a << b })
	case ShrBy:
		return corners(lo, hi, func(a, b int64) int64 { return a >> min(b, 63) })
	case Flip:
		return min(lo[0], ^hi[0]), max(hi[0], ^lo[0])
	case And, Or, Xor:
		return bitwise(n.Op, lo, hi)
	case Mux:
		return min(lo[1], lo[2]), max(hi[1], hi[2])
	case Quo:
		return lo[0] / n.Imm, hi[0] / n.Imm
	case Lt, Le, Eq, Ne:
		return 0, 1
	}
	return n.Lo, n.Hi
}

func corners(lo, hi [3]int64, f func(a, b int64) int64) (int64, int64) {
	p, q, r, s := f(lo[0], lo[1]), f(lo[0], hi[1]), f(hi[0], lo[1]), f(hi[0], hi[1])
	return min(p, q, r, s), max(p, q, r, s)
}

func bitwise(op Op, lo, hi [3]int64) (int64, int64) {
	switch {
	case lo[0] >= 0 && lo[1] >= 0 && op == And:
		return 0, min(hi[0], hi[1])
	case lo[0] >= 0 && lo[1] >= 0:
		return 0, 1<<bits.Len64(uint64(hi[0]|hi[1])) - 1
	case op == And && lo[0] >= 0:
		return 0, hi[0]
	case op == And && lo[1] >= 0:
		return 0, hi[1]
	}
	w, _ := ir.BitsOf(min(lo[0], lo[1]), max(hi[0], hi[1]))
	return -1 << (w - 1), 1<<(w-1) - 1
}

// within narrows a node's range to what is known of it otherwise.
func (g *Graph) within(id ID, lo, hi int64) ID {
	n := &g.Nodes[id]
	if n.Op == Const || n.Op == Cut {
		return id
	}
	if l, h := max(n.Lo, lo), min(n.Hi, hi); l <= h {
		n.Lo, n.Hi = l, h
	}
	return id
}
