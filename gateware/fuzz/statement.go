package fuzz

import (
	"fmt"
	"strings"
)

// body is a function's body: statements and a return, or just a value.
func (g *generator) body(result func() string) string {
	outer := len(g.vars)
	defer func() { g.vars = g.vars[:outer] }()
	most := 4
	if g.size == Small {
		most = 2
	}
	n := g.r.IntN(most + 1)
	if n == 0 {
		return "(" + result() + ")"
	}
	var b strings.Builder
	b.WriteString("{\n")
	for range n {
		b.WriteString("    " + g.statement() + "\n")
		if g.chance(8) {
			fmt.Fprintf(&b, "    if (%s) return %s\n", g.test(1), result())
		}
	}
	fmt.Fprintf(&b, "    return %s\n  }", result())
	return b.String()
}

func (g *generator) statement() string {
	switch g.r.IntN(9) {
	case 0, 1:
		return g.declaration("const")
	case 2:
		return g.declaration("let")
	case 3, 4:
		return g.decision()
	case 5:
		return g.loop()
	case 6:
		return g.choice()
	case 7:
		return g.array()
	}
	return g.assignment()
}

func (g *generator) declare(e expr, assignable bool) {
	g.vars = append(g.vars, variable{e, assignable})
}

func (g *generator) declaration(kind string) string {
	e := g.number(g.depth())
	name := g.name("n")
	g.declare(e.named(name), kind == "let")
	return kind + " " + name + " = " + e.text
}

// target is a variable that can be assigned, or nil.
func (g *generator) target() *variable {
	for range 6 {
		if len(g.vars) == 0 {
			return nil
		}
		if v := &g.vars[g.r.IntN(len(g.vars))]; v.assignable {
			return v
		}
	}
	return nil
}

// change assigns a variable, whose interval grows.
func (g *generator) change(v *variable) string {
	name := v.text
	if g.chance(3) {
		op := g.pick("&=", "|=", "^=", "<<=", ">>=")
		text := name + " " + op + " " + g.number(1).text
		g.widen(name, int32s)
		return text
	}
	e := g.number(g.depth())
	g.widen(name, e)
	return name + " = " + e.text
}

// widen makes room for what a variable may hold.
func (g *generator) widen(name string, e expr) {
	for i := range g.vars {
		if g.vars[i].text == name {
			g.vars[i].lo, g.vars[i].hi = min(g.vars[i].lo, e.lo), max(g.vars[i].hi, e.hi)
		}
	}
}

func (g *generator) assignment() string {
	v := g.target()
	if v == nil {
		return g.declaration("let")
	}
	return g.change(v)
}

// inBlock writes statements whose declarations end with them.
func (g *generator) inBlock(n int) string {
	outer := len(g.vars)
	var parts []string
	for range n {
		parts = append(parts, g.assignment())
	}
	g.vars = g.vars[:outer]
	return strings.Join(parts, "; ")
}

func (g *generator) decision() string {
	text := fmt.Sprintf("if (%s) { %s }", g.test(g.depth()-1), g.inBlock(1+g.r.IntN(2)))
	switch g.r.IntN(3) {
	case 0:
		text += fmt.Sprintf(" else { %s }", g.inBlock(1))
	case 1:
		text += fmt.Sprintf(" else if (%s) { %s }", g.test(1), g.inBlock(1))
	}
	return text
}

// loop sums something up; what is carried from turn to turn stays within 32 bits.
func (g *generator) loop() string {
	name, i := g.name("s"), g.name("j")
	n := 1 + g.r.IntN(6)
	if g.size == Small {
		n = 1 + g.r.IntN(3)
	}
	outer := len(g.vars)
	g.declare(int32s.named(name), false)
	g.declare(expr{text: i, hi: int64(n)}, false)
	term := g.number(g.depth() - 1).text
	early := ""
	switch g.r.IntN(5) {
	case 0:
		early = fmt.Sprintf("if (%s) break; ", g.test(1))
	case 1:
		early = fmt.Sprintf("if (%s) continue; ", g.test(1))
	}
	g.vars = g.vars[:outer]
	g.declare(int32s.named(name), false)
	return fmt.Sprintf("let %s = 0; for (let %s = 0; %s < %d; %s++) { %s%s = (%s %s %s) | 0 }", name, i, i, n, i, early, name, name, g.pick("^", "|", "&"), term)
}

func (g *generator) choice() string {
	v := g.target()
	if v == nil {
		return g.declaration("let")
	}
	text := fmt.Sprintf("switch (%s & 3) {", g.number(1).text)
	for c := range 1 + g.r.IntN(3) {
		text += fmt.Sprintf(" case %d: %s;", c, g.change(v))
		if !g.chance(3) {
			text += " break;"
		}
	}
	if g.chance(2) {
		text += " default: " + g.change(v)
	}
	return text + " }"
}

// array is a local array, changed at a place known at run time or not.
func (g *generator) array() string {
	name := g.name("a")
	a, b, c, d := g.number(1), g.number(1), g.number(1), g.number(1)
	all := expr{lo: min(a.lo, b.lo, c.lo, d.lo), hi: max(a.hi, b.hi, c.hi, d.hi)}
	text := fmt.Sprintf("const %s = [%s, %s, %s]; %s[%s] = %s", name, a.text, b.text, c.text, name, g.index(3), d.text)
	if g.chance(3) {
		text += fmt.Sprintf("; [%s[0], %s[2]] = [%s[1], %s[0]]", name, name, name, name)
	}
	for i := range 3 {
		g.declare(all.named(fmt.Sprintf("%s[%d]", name, i)), false)
	}
	return text
}
