package sched

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// Part is a model of a family's delays in nanoseconds, wires included, as place and route leaves them in a part that is not full.
type Part struct {
	Name        string
	Clock       float64 // from the clock to a flip-flop's output
	Setup       float64 // to a flip-flop
	Gate        float64 // through a look-up table and the wire to it
	Inputs      int     // of a look-up table
	CarryIn     float64 // into a carry chain and out of it
	Carry       float64 // along it, for a bit
	Memory      float64 // from the clock to a block memory's output
	RomBits     int     // tables of more bits than this go into block memory
	Multipliers bool    // products of values are left to the tools
	Period      float64 // what stages are placed for where nothing is said
}

// parts are calibrated against the reports of nextpnr 0.4; generic stands for what the vendors' tools make.
var parts = [...]Part{
	{Name: "ice40up5k", Clock: 2.6, Setup: 0.6, Gate: 2.9, Inputs: 4, CarryIn: 3.6, Carry: 0.28, Memory: 6.5, RomBits: 1024, Period: 1000. / 48},
	{Name: "ice40hx", Clock: 1.1, Setup: 0.3, Gate: 1.2, Inputs: 4, CarryIn: 1.5, Carry: 0.13, Memory: 3.0, RomBits: 1024, Period: 1000. / 100},
	{Name: "ecp5", Clock: 0.9, Setup: 0.2, Gate: 0.9, Inputs: 4, CarryIn: 1.2, Carry: 0.06, Memory: 4.5, RomBits: 2048, Period: 1000. / 100},
	{Name: "generic", Clock: 0.6, Setup: 0.1, Gate: 0.7, Inputs: 6, CarryIn: 0.9, Carry: 0.04, Memory: 2.2, RomBits: 2048, Multipliers: true, Period: 1000. / 125},
}

// PartOf finds the model of a part or family: up5k, hx8k, ecp5-25f, xc7z020. What has none of its own is generic.
func PartOf(name string) Part {
	lower := strings.ToLower(name)
	for _, f := range []struct {
		model string
		marks []string
	}{{"ice40up5k", []string{"up5k", "up3k"}}, {"ice40hx", []string{"hx", "ice40", "lp8k", "lp4k", "lp1k"}}, {"ecp5", []string{"ecp5", "lfe5"}}} {
		if slices.ContainsFunc(f.marks, func(mark string) bool { return strings.Contains(lower, mark) }) {
			return mustPart(f.model)
		}
	}
	return mustPart("generic")
}

func mustPart(name string) Part {
	i := slices.IndexFunc(parts[:], func(p Part) bool { return p.Name == name })
	return parts[i]
}

// String names the model and its target.
func (p Part) String() string { return fmt.Sprintf("%s at %.1f MHz", p.Name, 1000/p.Period) }

// times are when the lowest and the highest bit of a value are there, after the clock. A carry chain gives its bits one after
// the other, and the next chain takes them so: two in a row cost little more than one.
type arrival struct{ first, last float64 }

// after is when a node's value is there, given its operands'.
func (p *Part) after(g *Graph, n *Node, in []arrival) arrival {
	var t arrival
	for i, a := range in {
		if g.Nodes[n.Args[i]].Op == Const {
			continue
		}
		t.first, t.last = max(t.first, a.first), max(t.last, a.last)
	}
	w, _ := n.Bits()
	both := func(d float64) arrival { return arrival{t.last + d, t.last + d} }
	gate := arrival{t.first + p.Gate, t.last + p.Gate}
	switch n.Op {
	case Shl, Shr, Cut, Const:
		return t
	case Add, Sub:
		w -= max(n.A, n.B)
		return p.chain(t, w)
	case Mul:
		wb, _ := g.Nodes[n.Args[1]].Bits()
		return both(p.CarryIn + float64(w)*p.Carry + p.Gate*float64(bits.Len(uint(wb))))
	case And, Or, Xor, Flip:
		return gate
	case Mux:
		if c, known := g.Constant(n.Args[0]); known && c >= 0 {
			return gate
		}
		s := in[0].last // all bits wait for the condition
		return arrival{max(t.first, s) + p.Gate, max(t.last, s) + p.Gate}
	case Eq, Ne:
		return both(p.tree(2 * p.width(g, n)))
	case Lt, Le:
		c := p.chain(t, p.width(g, n))
		return arrival{c.last, c.last}
	case ShlBy, ShrBy:
		wb, _ := g.Nodes[n.Args[1]].Bits()
		return both(p.Gate * float64(wb))
	case Quo:
		return both(float64(w) * (p.CarryIn + float64(w)*p.Carry + p.Gate))
	case Rom:
		return both(p.Gate * float64(max(1, bits.Len(uint(len(g.Tables[n.Imm])-1))-p.Inputs+1)))
	}
	return t
}

// width is the widest operand's.
func (p *Part) width(g *Graph, n *Node) (w int) {
	for _, a := range n.Operands() {
		if g.Nodes[a].Op != Const {
			b, _ := g.Nodes[a].Bits()
			w = max(w, b)
		}
	}
	return w
}

// chain is a carry chain.
func (p *Part) chain(t arrival, w int) arrival {
	return arrival{t.first + p.CarryIn, max(t.last+p.CarryIn, t.first+p.CarryIn+float64(w)*p.Carry)}
}

// tree is a tree of gates with so many inputs.
func (p *Part) tree(inputs int) float64 {
	levels := 1
	for reach := p.Inputs; reach < inputs; reach *= p.Inputs {
		levels++
	}
	return float64(levels) * p.Gate
}
