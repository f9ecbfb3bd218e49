package sched

import (
	"fmt"

	"github.com/capodekappa/capo/gateware/ir"
)

// ID is a node's place in Graph.Nodes.
type ID int32

// None stands where there is no node.
const None ID = -1

// Op is what a node is made by.
type Op uint8

// The operations. Operands are a, b, c. Add and Sub shift their operands left by A and B first.
const (
	Const Op = iota // Imm
	Input           // Graph.Inputs[Imm]
	State           // Graph.States[Imm]: what its next value was one step ago
	Delay           // a one step ago; before the first step of a frame it is Imm, if the graph clears its delays
	Row             // a when b was 1 last, before this step: in a block, at the end of the row of words before
	Add             // (a << A) + (b << B) + c; c is 0 or 1, and may be absent
	Sub             // (a << A) - (b << B)
	Mul             // a * b
	And             // a & b
	Or              // a | b
	Xor             // a ^ b
	Flip            // b ? ~a : a; b is 0 or 1
	Shl             // a << Imm
	Shr             // a >> Imm
	ShlBy           // a << b
	ShrBy           // a >> b
	Cut             // as many low bits of a as the range needs, read as the range says
	Lt              // a < b: 1 or 0
	Le              // a <= b
	Eq              // a == b
	Ne              // a != b
	Mux             // a ? b : c
	Quo             // a / Imm; neither is negative
	Rom             // Graph.Tables[Imm][a]; anything where a is outside
	opCount
)

var opNames = [opCount]string{"const", "input", "state", "delay", "row", "add", "sub", "mul", "and", "or", "xor", "flip", "shl", "shr",
	"shlby", "shrby", "cut", "lt", "le", "eq", "ne", "mux", "quo", "rom"}

// String is the operation's name.
func (op Op) String() string { return opNames[op] }

// Node is a value.
type Node struct {
	Op     Op
	Args   [3]ID // None where there is none
	A, B   int   // shifts of the first two operands
	Imm    int64
	Lo, Hi int64
	Zero   int64 // what it is when all inputs have been 0 for long
	Pos    ir.Pos
}

// Bits is the width of the node's wires, and whether the highest of them is a sign.
func (n *Node) Bits() (bits int, signed bool) { return ir.BitsOf(n.Lo, n.Hi) }

// In is a value from outside.
type In struct {
	Name   string
	Stage  int  // the pipeline stage in which it stands
	Memory bool // it comes out of a memory's read port
	Leaf   int  // which word of a token it is,
	Rows   int  // and how many rows above it stood
}

// Held is how many rows of a token's word a window's memory holds.
func (g *Graph) Held(leaf int) (rows int) {
	for _, in := range g.Inputs {
		if in.Leaf == leaf {
			rows = max(rows, in.Rows)
		}
	}
	return rows
}

// Feedback is a value that depends on itself one step ago.
type Feedback struct {
	Node  ID // the State
	Next  ID
	Init  int64
	Clear ID  // where this is 1 the next value is Init; None for never
	Group int // feedback of one group stands in one pipeline stage
}

// Graph is what a stage of a kernel computes in a step.
type Graph struct {
	Nodes  []Node
	Inputs []In
	States []Feedback
	Tables [][]int64
	Outs   []ID // the words that are given
	Tokens []ID // the words of a token that comes in, where the memories of a window's rows want them
	Keep   ID   // 1 where this step gives a token; None for always
	Line   ID   // 1 where it is the last of its row; None if nobody asks
	Last   ID   // 1 in the last step of a frame
	Fresh  ID   // 1 in a step before a frame's first token, in which states and delays get their first values; None if nothing needs it
	Clear  bool // delays have first values

	known map[key]ID
	now   ir.Pos // where in the source what is made now stands
}

// key is what makes two nodes one.
type key struct {
	op     Op
	args   [3]ID
	a, b   int
	imm    int64
	lo, hi int64 // of what chooses its range
}

// NewGraph starts a graph.
func NewGraph() *Graph {
	return &Graph{Keep: None, Line: None, Last: None, Fresh: None, known: map[key]ID{}}
}

// Operands lists a node's operands.
func (n *Node) Operands() []ID {
	k := 0
	for k < 3 && n.Args[k] != None {
		k++
	}
	return n.Args[:k]
}

// Constant tells whether a node is known, and which value it has.
func (g *Graph) Constant(id ID) (int64, bool) {
	n := &g.Nodes[id]
	return n.Imm, n.Op == Const
}

// String lists the graph, a node on each line.
func (g *Graph) String() string {
	var s string
	for i := range g.Nodes {
		n := &g.Nodes[i]
		s += fmt.Sprintf("n%d = %s", i, n.Op)
		for k, a := range n.Operands() {
			s += fmt.Sprintf(" n%d", a)
			if shift := [3]int{n.A, n.B, 0}[k]; shift != 0 {
				s += fmt.Sprintf("<<%d", shift)
			}
		}
		s += fmt.Sprintf(" #%d ; %d..%d\n", n.Imm, n.Lo, n.Hi)
	}
	return s + fmt.Sprintln("outs", g.Outs, "keep", g.Keep, "line", g.Line, "last", g.Last)
}
