package wasm

import "encoding/binary"

// mostDepth is how deep an expression may be nested before its parts are put into locals.
const mostDepth = 200

// code is a function that is being written.
type code struct {
	out   []byte
	types []valtype // of the locals behind the arguments
	free  map[valtype][]int
}

func newCode() *code { return &code{free: map[valtype][]int{}} }

// local makes a local.
func (c *code) local(t valtype) int {
	c.types = append(c.types, t)
	return arguments + len(c.types) - 1
}

func (c *code) op(op opcode, imm ...uint64) {
	if op&simd != 0 {
		c.out = unsigned(append(c.out, 0xfd), uint64(op&^simd))
	} else {
		c.out = append(c.out, byte(op))
	}
	for _, i := range imm {
		c.out = unsigned(c.out, i)
	}
}

// loop begins a loop, repeat ends it: it goes on while the condition on the stack is not 0.
func (c *code) loop() {
	c.op(opLoop)
	c.out = append(c.out, 0x40)
}

func (c *code) repeat() {
	c.op(opBrIf, 0)
	c.op(opEnd)
}

func (c *code) constant(v int32) {
	c.op(opI32Const)
	c.out = signed(c.out, int64(v))
}

// bump adds a number to a local.
func (c *code) bump(local, by int) {
	if by == 0 {
		return
	}
	c.op(opGet, uint64(local))
	c.constant(int32(by))
	c.op(opI32Add)
	c.op(opSet, uint64(local))
}

// function is the finished body, with its locals.
func (c *code) function() []byte {
	out := unsigned(nil, uint64(len(c.types)))
	for _, t := range c.types {
		out = append(out, 1, byte(t))
	}
	return append(append(out, c.out...), byte(opEnd))
}

// emitter writes a graph's roots. A node that is used once stands where it is used; others are in locals, which are used again
// after their last use.
type emitter struct {
	*code
	*graph
	left  []int32 // uses to come
	where []int   // the local of a node, plus 1
}

func (c *code) emit(g *graph) {
	e := emitter{code: c, graph: g, left: append([]int32(nil), g.uses...), where: make([]int, len(g.nodes))}
	for _, r := range g.deep() {
		e.left[r-1] += 2 // nobody takes its local
		e.value(r)
		e.op(opDrop)
	}
	for _, r := range g.roots {
		e.value(r)
	}
}

// deep lists nodes that are computed before all others, so that no expression is nested deeper than mostDepth.
func (g *graph) deep() (all []ref) {
	depth := make([]int, len(g.nodes))
	for i := range g.nodes {
		for _, a := range g.nodes[i].args {
			if a != 0 {
				depth[i] = max(depth[i], depth[a-1]+1)
			}
		}
		if depth[i] > mostDepth && g.types[i] != void {
			all = append(all, ref(i+1))
			depth[i] = 0
		}
	}
	return all
}

// value puts a node's value on the stack.
func (e *emitter) value(r ref) {
	n := &e.nodes[r-1]
	switch n.op {
	case opGet:
		e.op(opGet, n.imm[0])
		return
	case opI32Const, opI64Const:
		e.op(n.op)
		e.out = signed(e.out, int64(n.imm[0]))
		return
	}
	if at := e.where[r-1]; at > 0 {
		e.op(opGet, uint64(at-1))
		e.done(r)
		return
	}
	for _, a := range n.args {
		if a != 0 {
			e.value(a)
		}
	}
	e.instruction(n)
	if t := e.graph.types[r-1]; t != void && e.left[r-1] > 1 {
		at := e.take(t)
		e.where[r-1] = at + 1
		e.op(opTee, uint64(at))
		e.done(r)
	}
}

// done counts a use of a local.
func (e *emitter) done(r ref) {
	if e.left[r-1]--; e.left[r-1] == 0 {
		t := e.graph.types[r-1]
		e.free[t] = append(e.free[t], e.where[r-1]-1)
	}
}

func (e *emitter) take(t valtype) int {
	if n := len(e.free[t]); n > 0 {
		at := e.free[t][n-1]
		e.free[t] = e.free[t][:n-1]
		return at
	}
	return e.code.local(t)
}

// instruction writes a node behind its operands.
func (e *emitter) instruction(n *node) {
	switch op := n.op; {
	case op == opConst || op == opShuffle:
		e.op(op)
		e.out = binary.LittleEndian.AppendUint64(e.out, n.imm[0])
		e.out = binary.LittleEndian.AppendUint64(e.out, n.imm[1])
	case op >= opLoadLane && op < opLoadLane+8:
		e.op(op, 0, n.imm[0])
		e.out = append(e.out, n.lane)
	case isMemory(op):
		e.op(op, 0, n.imm[0])
	case op >= simd|0x15 && op <= simd|0x22: // extract, replace
		e.op(op)
		e.out = append(e.out, n.lane)
	case op == opSet:
		e.op(op, n.imm[0])
	default:
		e.op(op)
	}
}

func isMemory(op opcode) bool {
	return op >= opI32Load && op <= 0x3e || op >= opLoad && op <= opStore || op == opLoad32Zero || op == opLoad64Zero
}
