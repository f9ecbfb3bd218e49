package wasm

import "encoding/binary"

// valtype is the type of a node, as the binary format writes it.
type valtype byte

const (
	void = valtype(0)
	i32  = valtype(0x7f)
	i64  = valtype(0x7e)
	v128 = valtype(0x7b)
)

// node is an operation of a loop's body. Equal nodes are one; stores stand for themselves, in order.
type node struct {
	op   opcode
	args [3]ref
	imm  [2]uint64 // a constant, an offset, a shuffle, a lane, the number of a local
	lane uint8     // of a load or store of one lane
}

// ref is a node's place in its graph, plus 1; 0 is none.
type ref int32

// graph is the body of a loop: nodes, of which stores and new values of locals are the roots.
type graph struct {
	nodes []node
	types []valtype
	uses  []int32
	known map[node]ref
	roots []ref
}

func newGraph() *graph { return &graph{known: map[node]ref{}} }

// add makes a node, or finds the same one.
func (g *graph) add(t valtype, n node) ref {
	if r, ok := g.known[n]; ok {
		return r
	}
	g.nodes = append(g.nodes, n)
	g.types = append(g.types, t)
	g.uses = append(g.uses, 0)
	r := ref(len(g.nodes))
	g.known[n] = r
	for _, a := range n.args {
		if a != 0 {
			g.uses[a-1]++
		}
	}
	return r
}

// root adds what is done for its effect.
func (g *graph) root(n node) {
	g.nodes = append(g.nodes, n)
	g.types = append(g.types, void)
	g.uses = append(g.uses, 0)
	for _, a := range n.args {
		if a != 0 {
			g.uses[a-1]++
		}
	}
	g.roots = append(g.roots, ref(len(g.nodes)))
}

func (g *graph) local(t valtype, n int) ref {
	return g.add(t, node{op: opGet, imm: [2]uint64{uint64(n)}})
}

func (g *graph) number(width int, v int64) ref {
	if width == 64 {
		return g.add(i64, node{op: opI64Const, imm: [2]uint64{uint64(v)}})
	}
	return g.add(i32, node{op: opI32Const, imm: [2]uint64{uint64(int32(v))}})
}

func (g *graph) unary(t valtype, op opcode, a ref) ref {
	return g.add(t, node{op: op, args: [3]ref{a}})
}

func (g *graph) binary(t valtype, op opcode, a, b ref) ref {
	return g.add(t, node{op: op, args: [3]ref{a, b}})
}

func (g *graph) load(t valtype, op opcode, base ref, offset int) ref {
	return g.add(t, node{op: op, args: [3]ref{base}, imm: [2]uint64{uint64(offset)}})
}

func (g *graph) store(op opcode, base ref, offset int, value ref, lane int) {
	g.root(node{op: op, args: [3]ref{base, value}, imm: [2]uint64{uint64(offset)}, lane: uint8(lane)})
}

// constant is a vector of 16 bytes.
func (g *graph) constant(b [16]byte) ref {
	return g.add(v128, node{op: opConst, imm: [2]uint64{binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])}})
}

// splat is a vector whose lanes of a width are all v.
func (g *graph) splat(width int, v int64) ref {
	return g.lanes(width, func(int) int64 { return v })
}

// lanes is a vector of constants.
func (g *graph) lanes(width int, v func(lane int) int64) ref {
	var b [16]byte
	size := width / 8
	for lane := range 16 / size {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], uint64(v(lane)))
		copy(b[lane*size:], word[:size])
	}
	return g.constant(b)
}

// shuffle picks bytes of a (0 to 15) and b (16 to 31).
func (g *graph) shuffle(a, b ref, pick [16]byte) ref {
	n := node{op: opShuffle, args: [3]ref{a, b}}
	n.imm = [2]uint64{binary.LittleEndian.Uint64(pick[:8]), binary.LittleEndian.Uint64(pick[8:])}
	return g.add(v128, n)
}
