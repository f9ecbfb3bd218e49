package verilog

import (
	"fmt"

	"github.com/capodekappa/capo/gateware/sched"
)

// name is a node's value in a stage.
func (u *unit) ref(id sched.ID, stage int) string {
	n := &u.g.Nodes[id]
	at := u.s.Stage[id]
	switch {
	case stage > at:
		return fmt.Sprintf("n%d_%d", id, stage)
	case n.Op == sched.Input:
		return u.g.Inputs[n.Imm].Name
	case n.Op == sched.Delay && u.shared(id):
		return u.ref(n.Args[0], at+1)
	}
	return fmt.Sprintf("n%d", id)
}

// shared tells whether a delay is its operand's register into the next stage.
func (u *unit) shared(id sched.ID) bool {
	return !u.g.Clear && u.s.Needed[u.g.Nodes[id].Args[0]] > u.s.Stage[id]
}

// constant is a literal of a width.
func constant(value int64, width int) string {
	if width < 64 {
		value &= 1<<width - 1
	}
	return fmt.Sprintf("%d'h%x", width, uint64(value))
}

// fit is a node's value at a width: its low bits, or extended.
func (u *unit) fit(id sched.ID, stage, width int) string { return u.slice(id, stage, 0, width) }

// slice is width bits of a node's value from a bit on, with its sign above.
func (u *unit) slice(id sched.ID, stage, from, width int) string {
	n := &u.g.Nodes[id]
	if n.Op == sched.Const {
		return constant(n.Imm>>min(from, 63), width)
	}
	name := u.ref(id, stage)
	bits, signed := n.Bits()
	have := bits - from
	switch {
	case have >= width && from == 0 && have == width:
		return name
	case have >= width:
		return fmt.Sprintf("%s[%d:%d]", name, from+width-1, from)
	case have <= 0 && signed:
		return fmt.Sprintf("{%d{%s[%d]}}", width, name, bits-1)
	case have <= 0:
		return constant(0, width)
	}
	low := name
	if from > 0 {
		low = fmt.Sprintf("%s[%d:%d]", name, bits-1, from)
	}
	if signed {
		return fmt.Sprintf("{{%d{%s[%d]}}, %s}", width-have, name, bits-1, low)
	}
	return fmt.Sprintf("{%s, %s}", constant(0, width-have), low)
}

// expression is what a node computes in its stage.
func (u *unit) expression(id sched.ID) string {
	n := &u.g.Nodes[id]
	at := u.s.Stage[id]
	w, _ := n.Bits()
	fit := func(k int) string { return u.fit(n.Args[k], at, w) }
	one := func(k int) string { return u.fit(n.Args[k], at, 1) }
	switch n.Op {
	case sched.Add:
		return u.sum(n, at, w)
	case sched.Sub:
		return u.difference(n, at, w)
	case sched.Mul:
		return fmt.Sprintf("%s * %s", fit(0), fit(1))
	case sched.And:
		return fit(0) + " & " + fit(1)
	case sched.Or:
		return fit(0) + " | " + fit(1)
	case sched.Xor:
		return fit(0) + " ^ " + fit(1)
	case sched.Flip:
		return fmt.Sprintf("%s ^ {%d{%s}}", fit(0), w, one(1))
	case sched.Shl:
		if int(n.Imm) >= w {
			return constant(0, w)
		}
		return fmt.Sprintf("{%s, %s}", u.fit(n.Args[0], at, w-int(n.Imm)), constant(0, int(n.Imm)))
	case sched.Shr:
		return u.slice(n.Args[0], at, int(n.Imm), w)
	case sched.Cut:
		return fit(0)
	case sched.ShlBy:
		return fit(0) + " << " + u.ref(n.Args[1], at)
	case sched.ShrBy:
		return u.shifted(n, at, w)
	case sched.Lt:
		return u.compared(n, at, "<")
	case sched.Le:
		return u.compared(n, at, "<=")
	case sched.Eq, sched.Ne:
		return u.equal(n, at)
	case sched.Mux:
		return fmt.Sprintf("%s ? %s : %s", one(0), fit(1), fit(2))
	case sched.Quo:
		wa := u.width(n.Args[0])
		return fmt.Sprintf("%s / %s", u.fit(n.Args[0], at, max(wa, w)), constant(n.Imm, max(wa, w, u.least(n.Imm))))
	}
	return ""
}

func (u *unit) width(id sched.ID) int {
	w, _ := u.g.Nodes[id].Bits()
	return w
}

// least is the number of bits of a constant.
func (u *unit) least(c int64) int {
	w := 1
	for c>>w != 0 {
		w++
	}
	return w
}

// sum is an adder that has no bits below the shifted operand's lowest. The third operand is a carry into the lowest bit.
func (u *unit) sum(n *sched.Node, at, w int) string {
	a, b, k := n.Args[0], n.Args[1], n.B
	switch {
	case n.Args[2] != sched.None:
		return fmt.Sprintf("({%s, 1'b1} + {%s, %s}) >> 1", u.fit(a, at, w), u.fit(b, at, w), u.fit(n.Args[2], at, 1))
	case k == 0:
		return u.fit(a, at, w) + " + " + u.fit(b, at, w)
	case k >= w:
		return u.fit(a, at, w)
	}
	return fmt.Sprintf("{%s + %s, %s}", u.slice(a, at, k, w-k), u.fit(b, at, w-k), u.slice(a, at, 0, k))
}

func (u *unit) difference(n *sched.Node, at, w int) string {
	a, b, k := n.Args[0], n.Args[1], n.B
	switch {
	case n.A >= w:
		return constant(0, w) + " - " + u.fit(b, at, w)
	case n.A > 0:
		return fmt.Sprintf("{%s, %s} - %s", u.fit(a, at, w-n.A), constant(0, n.A), u.fit(b, at, w))
	case k == 0:
		return u.fit(a, at, w) + " - " + u.fit(b, at, w)
	case k >= w:
		return u.fit(a, at, w)
	}
	return fmt.Sprintf("{%s - %s, %s}", u.slice(a, at, k, w-k), u.fit(b, at, w-k), u.slice(a, at, 0, k))
}

// shifted is a shift to the right by a variable. Where it may be negative it is turned, so that zeros are what is shifted in.
func (u *unit) shifted(n *sched.Node, at, w int) string {
	wa, signed := u.g.Nodes[n.Args[0]].Bits()
	wa = max(wa, w)
	a, by := u.fit(n.Args[0], at, wa), u.ref(n.Args[1], at)
	if u.g.Nodes[n.Args[1]].Op == sched.Const {
		by = constant(u.g.Nodes[n.Args[1]].Imm, 6)
	}
	if !signed {
		return fmt.Sprintf("%s >> %s", a, by)
	}
	sign := u.slice(n.Args[0], at, u.width(n.Args[0])-1, 1)
	if u.g.Nodes[n.Args[0]].Op == sched.Const {
		sign = "1'b1"
		if u.g.Nodes[n.Args[0]].Imm >= 0 {
			sign = "1'b0"
		}
	}
	return fmt.Sprintf("{%d{%s}} ^ (({%d{%s}} ^ %s) >> %s)", wa, sign, wa, sign, a, by)
}

func (u *unit) compared(n *sched.Node, at int, op string) string {
	w, signed := u.together(n)
	a, b := u.fit(n.Args[0], at, w), u.fit(n.Args[1], at, w)
	if signed {
		return fmt.Sprintf("$signed(%s) %s $signed(%s)", a, op, b)
	}
	return a + " " + op + " " + b
}

// together is the width in which two operands can be compared.
func (u *unit) together(n *sched.Node) (int, bool) {
	a, b := &u.g.Nodes[n.Args[0]], &u.g.Nodes[n.Args[1]]
	joined := sched.Node{Lo: min(a.Lo, b.Lo), Hi: max(a.Hi, b.Hi)}
	return joined.Bits()
}

func (u *unit) equal(n *sched.Node, at int) string {
	b := &u.g.Nodes[n.Args[1]]
	if b.Op == sched.Const && b.Imm == 0 {
		name := u.fit(n.Args[0], at, u.width(n.Args[0]))
		if n.Op == sched.Eq {
			return "~(|" + name + ")"
		}
		return "|" + name
	}
	w, _ := u.together(n)
	op := "=="
	if n.Op == sched.Ne {
		op = "!="
	}
	return fmt.Sprintf("%s %s %s", u.fit(n.Args[0], at, w), op, u.fit(n.Args[1], at, w))
}
