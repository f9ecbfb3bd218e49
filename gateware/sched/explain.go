package sched

import (
	"fmt"
	"strings"

	"github.com/capodekappa/capo/gateware/ir"
)

// Rank is what happens between two ranks of pipeline registers.
type Rank struct {
	Values    []Value
	Delay     float64 // of the longest path, in nanoseconds, as the part's model has it
	Registers int     // flip-flops of values behind it, those of delays included
}

// Value is an operation of a rank.
type Value struct {
	Name   string // as in the Verilog text
	Text   string // what it is
	Bits   int
	Lo, Hi int64
	Ready  float64 // nanoseconds after the clock
	Pos    ir.Pos  // in the kernel's source; zero for what the compiler added
}

// Ranks lists a graph's operations by the pipeline stage in which they are placed. Bits that are only chosen or moved are left out.
func (s *Schedule) Ranks(g *Graph) []Rank {
	ranks := make([]Rank, s.Depth)
	for i := range g.Nodes {
		n := &g.Nodes[i]
		bits, _ := n.Bits()
		for at := s.Stage[i]; at < s.Needed[i]; at++ {
			ranks[at].Registers += bits
		}
		r := &ranks[min(s.Stage[i], s.Depth-1)]
		switch n.Op {
		case Const, Shl, Shr, Cut, Input:
			continue
		case Delay, Row, State:
			r.Registers += bits
		}
		r.Delay = max(r.Delay, s.arrive[i].last+s.Part.Setup)
		r.Values = append(r.Values, Value{fmt.Sprintf("n%d", i), g.Describe(ID(i)), bits, n.Lo, n.Hi, s.arrive[i].last, n.Pos})
	}
	return ranks
}

var signs = [opCount]string{Add: " + ", Sub: " - ", Mul: " * ", And: " & ", Or: " | ", Xor: " ^ ", ShlBy: " << ", ShrBy: " >> ", Lt: " < ", Le: " <= ", Eq: " == ", Ne: " != "}

// Describe is an operation as a reader writes it.
func (g *Graph) Describe(id ID) string {
	n := &g.Nodes[id]
	var in []string
	for k, a := range n.Operands() {
		text := g.operand(a)
		if shift := [3]int{n.A, n.B, 0}[k]; shift > 0 && (n.Op == Add || n.Op == Sub) {
			text = fmt.Sprintf("(%s << %d)", text, shift)
		}
		in = append(in, text)
	}
	switch n.Op {
	case Mux:
		return fmt.Sprintf("%s ? %s : %s", in[0], in[1], in[2])
	case Flip:
		return fmt.Sprintf("%s ? ~%s : %s", in[1], in[0], in[0])
	case Delay:
		return in[0] + ", a step ago"
	case Row:
		return in[0] + ", a row ago"
	case State:
		f := g.States[n.Imm]
		return fmt.Sprintf("state, then %s", g.operand(f.Next))
	case Rom:
		return fmt.Sprintf("table %d[%s]", n.Imm, in[0])
	case Quo:
		return fmt.Sprintf("%s / %d", in[0], n.Imm)
	}
	return strings.Join(in, signs[n.Op])
}

// operand names a value; what only moves bits is written out.
func (g *Graph) operand(id ID) string {
	n := &g.Nodes[id]
	switch n.Op {
	case Const:
		return fmt.Sprint(n.Imm)
	case Input:
		return g.Inputs[n.Imm].Name
	case Shl:
		return fmt.Sprintf("(%s << %d)", g.operand(n.Args[0]), n.Imm)
	case Shr:
		return fmt.Sprintf("(%s >> %d)", g.operand(n.Args[0]), n.Imm)
	case Cut:
		bits, _ := n.Bits()
		return fmt.Sprintf("%s[%d:0]", g.operand(n.Args[0]), bits-1)
	}
	return fmt.Sprintf("n%d", id)
}
