package fuzz

import (
	"fmt"
	"math/bits"
)

var int32s = expr{lo: -1 << 31, hi: 1<<31 - 1}

func (e expr) named(text string) expr {
	e.text = text
	return e
}

// leaf is a constant, a variable or a word of the input.
func (g *generator) leaf() expr {
	switch n := g.r.IntN(10); {
	case n < 2 || len(g.inputs) == 0:
		return g.constant()
	case n < 4 && len(g.vars) > 0:
		return g.vars[g.r.IntN(len(g.vars))].expr
	case n == 4 && g.anyInput != nil:
		return expr{text: g.anyInput(0), lo: g.inputs[0].lo, hi: g.inputs[0].hi}
	}
	return g.inputs[g.r.IntN(len(g.inputs))]
}

func (g *generator) constant() expr {
	c := int64(g.r.IntN(40)) - 12
	switch g.r.IntN(6) {
	case 0:
		c = int64(1) << g.r.IntN(33)
	case 1:
		c = int64(g.r.Uint32()) - 1<<31
	case 2:
		c = int64(g.r.IntN(256))
	}
	if c < 0 {
		return expr{text: fmt.Sprintf("(%d)", c), lo: c, hi: c}
	}
	return expr{text: fmt.Sprint(c), lo: c, hi: c}
}

// number is an expression of a depth.
func (g *generator) number(depth int) expr {
	if depth <= 0 {
		return g.leaf()
	}
	d := depth - 1
	switch g.r.IntN(16) {
	case 0, 1, 2:
		return g.arithmetic(d)
	case 3, 4:
		return g.bitwise(d)
	case 5:
		return g.shift(d)
	case 6, 7:
		return g.function(d)
	case 8:
		return g.quotient(d)
	case 9:
		t, a, b := g.test(d), g.number(d), g.number(d)
		return expr{text: fmt.Sprintf("(%s ? %s : %s)", t, a.text, b.text), lo: min(a.lo, b.lo), hi: max(a.hi, b.hi)}
	case 10:
		return g.logical(d)
	case 11:
		return g.table(d)
	case 12:
		return g.local(d)
	case 13:
		return g.helper(d)
	case 14:
		return g.guarded(d)
	}
	t := g.test(d)
	return expr{text: "+(" + t + ")", hi: 1}
}

// within narrows an expression to what is at most so far from zero.
func (g *generator) within(e expr, most int64) expr {
	if e.lo >= -most && e.hi <= most {
		return e
	}
	n := bits.Len64(uint64(most)) - 1
	switch {
	case n < 31 && g.chance(2):
		mask := int64(1)<<n - 1
		return expr{text: fmt.Sprintf("(%s & %d)", e.text, mask), hi: mask}
	case most >= 1<<31 && g.chance(2):
		return int32s.named("(" + e.text + " | 0)")
	case most >= 1<<32 && g.chance(2):
		return expr{text: "(" + e.text + " >>> 0)", hi: 1<<32 - 1}
	}
	limit := most - int64(g.r.IntN(int(min(most/2+1, 1<<20))))
	return expr{text: fmt.Sprintf("Math.max(%d, Math.min(%d, %s))", -limit, limit, e.text), lo: -limit, hi: limit}
}

func (g *generator) arithmetic(d int) expr {
	a, b := g.number(d), g.number(d)
	switch g.r.IntN(5) {
	case 0, 1:
		a, b = g.within(a, far/2), g.within(b, far/2)
		return expr{text: "(" + a.text + " + " + b.text + ")", lo: a.lo + b.lo, hi: a.hi + b.hi}
	case 2:
		a, b = g.within(a, far/2), g.within(b, far/2)
		return expr{text: "(" + a.text + " - " + b.text + ")", lo: a.lo - b.hi, hi: a.hi - b.lo}
	case 3:
		return expr{text: "(-" + a.text + ")", lo: -a.hi, hi: -a.lo}
	}
	b = g.within(b, 1<<31)
	a = g.within(a, max(far/max(-b.lo, b.hi, 1), 3))
	p := []int64{a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi}
	return expr{text: "(" + a.text + " * " + b.text + ")", lo: min(p[0], p[1], p[2], p[3]), hi: max(p[0], p[1], p[2], p[3])}
}

func (g *generator) bitwise(d int) expr {
	a, b := g.number(d), g.number(d)
	switch g.r.IntN(6) {
	case 0:
		mask := int64(1)<<(1+g.r.IntN(31)) - 1
		if g.chance(3) {
			mask = int64(g.r.IntN(1 << 20))
		}
		return expr{text: fmt.Sprintf("(%s & %d)", a.text, mask), hi: mask}
	case 1:
		return int32s.named("(" + a.text + " & " + b.text + ")")
	case 2:
		return int32s.named("(" + a.text + " | " + b.text + ")")
	case 3:
		return int32s.named("(~" + a.text + ")")
	case 4:
		return int32s.named("(" + a.text + " | 0)")
	}
	return int32s.named("(" + a.text + " ^ " + b.text + ")")
}

func (g *generator) shift(d int) expr {
	a := g.number(d)
	by := fmt.Sprint(g.r.IntN(35))
	if g.chance(2) {
		by = g.number(d).text
		if g.chance(2) {
			by = "(" + by + " & " + g.pick("3", "7", "15", "31") + ")"
		}
	}
	switch g.r.IntN(3) {
	case 0:
		return int32s.named("(" + a.text + " << " + by + ")")
	case 1:
		return int32s.named("(" + a.text + " >> " + by + ")")
	}
	return expr{text: "(" + a.text + " >>> " + by + ")", hi: 1<<32 - 1}
}

func (g *generator) function(d int) expr {
	a, b := g.number(d), g.number(d)
	switch g.r.IntN(8) {
	case 0, 1:
		return expr{text: "abs(" + a.text + ")", hi: max(-a.lo, a.hi)}
	case 2:
		return expr{text: "min(" + a.text + ", " + b.text + ")", lo: min(a.lo, b.lo), hi: min(a.hi, b.hi)}
	case 3:
		return expr{text: "Math.max(" + a.text + ", " + b.text + ")", lo: max(a.lo, b.lo), hi: max(a.hi, b.hi)}
	case 4:
		return expr{text: "Math.clz32(" + a.text + ")", hi: 32}
	case 5:
		return expr{text: "Math.sign(" + a.text + ")", lo: -1, hi: 1}
	}
	return int32s.named("Math.imul(" + a.text + ", " + b.text + ")")
}

func (g *generator) quotient(d int) expr {
	a := g.within(g.number(d), 1<<50)
	by := int64(1 + g.r.IntN(20))
	if g.chance(3) {
		by = int64(1 + g.r.IntN(1<<20))
	}
	if g.chance(3) {
		by = -by
	}
	most := max(-a.lo, a.hi) + 1
	all := expr{lo: -most, hi: most}
	switch g.r.IntN(8) {
	case 0, 1:
		return all.named(fmt.Sprintf("Math.floor(%s / %d)", a.text, by))
	case 2:
		return all.named(fmt.Sprintf("Math.trunc(%s / %d)", a.text, by))
	case 3:
		return all.named(fmt.Sprintf("Math.round(%s / %d)", a.text, by))
	case 4:
		return all.named(fmt.Sprintf("Math.ceil(%s / %d)", a.text, by))
	case 5:
		return int32s.named(fmt.Sprintf("(%s / %d | 0)", a.text, by))
	case 6:
		return expr{text: fmt.Sprintf("(%s / %d >>> 0)", a.text, by), hi: 1<<32 - 1}
	}
	return all.named(fmt.Sprintf("(%s %% %d)", a.text, by))
}

// logical is && or ||, which give one of their sides.
func (g *generator) logical(d int) expr {
	a, b := g.number(d), g.number(d)
	op := g.pick("&&", "||")
	return expr{text: "(" + a.text + " " + op + " " + b.text + ")", lo: min(a.lo, b.lo, 0), hi: max(a.hi, b.hi, 0)}
}

// test is a truth value.
func (g *generator) test(d int) string {
	if d > 0 && g.chance(4) {
		a, b := g.test(d-1), g.test(d-1)
		return g.pick("("+a+" && "+b+")", "("+a+" || "+b+")", "!"+a, "("+a+" === "+b+")")
	}
	a, b := g.number(d).text, g.number(d).text
	if g.chance(12) {
		return "FLAGS[" + g.index(4) + "]"
	}
	return "(" + a + " " + g.pick("<", "<=", ">", ">=", "===", "!==", "==", "!=", "<", ">") + " " + b + ")"
}

// index is within 0..n-1.
func (g *generator) index(n int) string {
	if g.chance(5) {
		return fmt.Sprint(g.r.IntN(n))
	}
	e := g.number(g.r.IntN(2))
	if n&(n-1) == 0 && g.chance(2) {
		return fmt.Sprintf("%s & %d", e.text, n-1)
	}
	if e.lo >= 0 && e.hi < int64(n) {
		return e.text
	}
	return g.pick(fmt.Sprintf("clamp(%s, 0, %d)", e.text, n-1), fmt.Sprintf("Math.min(%d, Math.max(0, %s))", n-1, e.text), fmt.Sprintf("abs(%s %% %d)", e.text, n))
}

func (g *generator) table(int) expr {
	switch g.r.IntN(7) {
	case 0:
		return expr{text: "SINE[" + g.index(64) + "]", lo: -2047, hi: 2047}
	case 1:
		return expr{text: "POWERS[" + g.index(8) + "]", lo: 1, hi: 128}
	case 2:
		return expr{text: "WIDE[" + g.index(8) + "]", lo: -4503599627370496, hi: 4503599627370495}
	case 3:
		return expr{text: "GRID[" + g.index(4) + "][" + g.index(4) + "]", lo: -70000, hi: 1200}
	case 4:
		return expr{text: "PAIRS[" + g.index(4) + "]." + g.pick("a", "b[0]", "b["+g.index(2)+"]", "b.length"), lo: -8, hi: 100}
	case 5:
		return expr{text: "+FLAGS[" + g.index(4) + "]", hi: 1}
	}
	name := fmt.Sprintf("T%d_%d", g.seed, g.r.IntN(2))
	return g.ownTable(name)
}

// ownTable is an entry of a table that only this kernel has.
func (g *generator) ownTable(name string) expr {
	name = g.name(name + "_")
	n := 1 + g.r.IntN(20)
	text := ""
	e := expr{lo: 1 << 62, hi: -1 << 62}
	for i := range n {
		c := g.constant()
		if i > 0 {
			text += ", "
		}
		text += c.text
		e.lo, e.hi = min(e.lo, c.lo), max(e.hi, c.hi)
	}
	fmt.Fprintf(&g.declarations, "const %s = [%s]\n", name, text)
	return e.named(name + "[" + g.index(n) + "]")
}

// local is an element of an array made in place.
func (g *generator) local(d int) expr {
	a, b, c := g.number(d), g.number(d), g.number(d)
	all := expr{lo: min(a.lo, b.lo, c.lo), hi: max(a.hi, b.hi, c.hi)}
	list := "[" + a.text + ", " + b.text + ", " + c.text + "]"
	switch g.r.IntN(4) {
	case 0:
		return all.named("Math.max(..." + list + ")")
	case 1:
		return all.named("({ q: " + list + " }).q[" + g.index(3) + "]")
	case 2:
		return all.named(list + ".map(e => e).reverse()[" + g.index(3) + "]")
	}
	return all.named(list + "[" + g.index(3) + "]")
}

func (g *generator) helper(d int) expr {
	a, b := g.number(d), g.number(d)
	switch g.r.IntN(4) {
	case 0:
		lo := int64(g.r.IntN(200) - 150)
		hi := lo + int64(g.r.IntN(300))
		return expr{text: fmt.Sprintf("clamp(%s, %d, %d)", a.text, lo, hi), lo: lo, hi: hi}
	case 1:
		return expr{text: "bits(" + a.text + ")", hi: 8}
	case 2:
		by := 1 + g.r.IntN(1000)
		return expr{text: fmt.Sprintf("wrapped(%s, { by: %d })", a.text, by), lo: int64(-max(by, 3)), hi: int64(max(by, 3))}
	}
	return int32s.named("apply((p, q) => (p " + g.pick("^", "|", "&") + " q), " + a.text + ", " + b.text + ")")
}

// guarded is a value that a condition holds in bounds.
func (g *generator) guarded(int) expr {
	a := g.leaf()
	switch g.r.IntN(3) {
	case 0:
		return expr{text: "(" + a.text + " >= 0 && " + a.text + " < 64 ? SINE[" + a.text + "] : -1)", lo: -2047, hi: 2047}
	case 1:
		return expr{text: "(" + a.text + " < 0 ? -" + a.text + " : " + a.text + ")", hi: max(-a.lo, a.hi)}
	}
	return expr{text: "(" + a.text + " > 1000 ? 1000 : " + a.text + ")", lo: min(a.lo, 1000), hi: 1000}
}
