package fuzz

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/capodekappa/capo/gateware/ir"
)

// far is as far from zero as values may get here.
const far = 1 << 53

// expr is a piece of source with the interval that its value is within.
type expr struct {
	text   string
	lo, hi int64
	truth  bool // true or false
}

// variable is what an expression may name.
type variable struct {
	expr
	assignable bool
}

// generator writes one kernel.
type generator struct {
	r            *rand.Rand
	seed         uint64
	size         Size
	declarations strings.Builder
	count        int // names so far
	vars         []variable
	inputs       []expr           // words of the input
	state        ir.Type          // of the fold that is written
	anyInput     func(int) string // a word by an expression within 0..n, for shapes that have several; may be nil
}

func (g *generator) name(prefix string) string {
	g.count++
	return fmt.Sprintf("%s%d", prefix, g.count)
}

func (g *generator) chance(n int) bool { return g.r.IntN(n) == 0 }

func (g *generator) pick(list ...string) string { return list[g.r.IntN(len(list))] }

// kernel is a whole kernel: one stage, or several.
func (g *generator) kernel() string {
	shape := ir.Shape(g.r.IntN(5))
	in := g.typ(true)
	text, out, ends := g.stage(shape, in)
	if !g.chance(7) {
		return text
	}
	for range 1 + g.r.IntN(2) {
		if ends {
			break
		}
		var next string
		next, out, ends = g.stage(ir.Shape(g.r.IntN(5)), out)
		text += "\n  .pipe(" + next + ")"
	}
	return text
}

// word is a random word type; common ones are more likely.
func (g *generator) word() ir.Word {
	w := ir.Word{Bits: []int{8, 8, 8, 16, 16, 16, 32, 32, 1, 4, 12, 24}[g.r.IntN(12)], Signed: g.chance(2), Clamp: g.chance(4)}
	if g.chance(3) {
		w.Bits = 1 + g.r.IntN(32)
	}
	if w.Signed {
		w.Bits = max(w.Bits, 2)
	}
	return w
}

// typ is a word, a record or an array.
func (g *generator) typ(arrays bool) ir.Type {
	switch n := g.r.IntN(9); {
	case n == 0 && arrays:
		elem := g.typ(false)
		return ir.Type{Elem: &elem, N: 1 + g.r.IntN(4)}
	case n <= 2:
		var t ir.Type
		for i := range 1 + g.r.IntN(3) {
			f := ir.WordType(g.word())
			if g.chance(6) && arrays {
				f = g.typ(true)
			}
			t.Fields = append(t.Fields, ir.Field{Name: string(rune('p' + i)), Type: f})
		}
		return t
	}
	return ir.WordType(g.word())
}

// source is a type as a descriptor has it.
func source(t ir.Type) string {
	switch {
	case t.Elem != nil:
		return fmt.Sprintf("[%s, %d]", source(*t.Elem), t.N)
	case len(t.Fields) == 0:
		return "'" + t.Word.String() + "'"
	}
	var parts []string
	for _, f := range t.Fields {
		parts = append(parts, f.Name+": "+source(f.Type))
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

// words lists the words of a token that stands in the source as text.
func words(text string, t ir.Type, list []expr) []expr {
	switch {
	case t.Elem != nil:
		for i := range t.N {
			list = words(fmt.Sprintf("%s[%d]", text, i), *t.Elem, list)
		}
	case len(t.Fields) > 0:
		for _, f := range t.Fields {
			list = words(text+"."+f.Name, f.Type, list)
		}
	default:
		lo, hi := t.Word.Range()
		list = append(list, expr{text: text, lo: lo, hi: hi})
	}
	return list
}

// stage writes one call of kernel(). ends says that nothing can be piped behind it with a frame that fits.
func (g *generator) stage(shape ir.Shape, in ir.Type) (text string, out ir.Type, ends bool) {
	g.vars, g.inputs, g.anyInput = nil, nil, nil
	out = g.typ(shape != ir.BlockShape)
	settings := "in: " + source(in)
	var params string
	switch shape {
	case ir.WordShape:
		params = "v"
		g.inputs = words("v", in, nil)
	case ir.TapsShape:
		n := 1 + g.r.IntN(7)
		settings += fmt.Sprintf(", taps: %d", n)
		if g.chance(3) {
			settings += fmt.Sprintf(", hop: %d", 1+g.r.IntN(4))
		}
		params = g.many("t", n, in)
	case ir.WindowShape:
		settings += g.window(in)
		params = "w"
	case ir.FoldShape:
		var more string
		params, more, ends = g.fold(in)
		settings += more
	case ir.BlockShape:
		return g.block(in, settings, out)
	}
	settings += ", out: " + source(out)
	params += g.position(shape)
	var state ir.Type
	if shape == ir.FoldShape {
		state, g.state = g.state, ir.Type{}
		settings += ", state: " + source(state)
		settings += ", init: " + g.initial(state)
	}
	body := g.body(func() string {
		if shape == ir.FoldShape {
			return "{ state: " + g.value(state) + ", out: " + g.value(out) + " }"
		}
		return g.value(out)
	})
	return fmt.Sprintf("kernel({ %s }, (%s) => %s)", settings, params, body), out, ends
}

// many makes the inputs of an array of tokens.
func (g *generator) many(name string, n int, in ir.Type) string {
	for i := range n {
		g.inputs = words(fmt.Sprintf("%s[%d]", name, i), in, g.inputs)
	}
	if in.Word.Bits != 0 && n >= 2 {
		g.anyInput = func(int) string { return fmt.Sprintf("%s[%s]", name, g.index(n)) }
	}
	return name
}

func (g *generator) window(in ir.Type) string {
	sides := []int{1, 3, 3, 3, 5, 7}
	rows, cols := sides[g.r.IntN(len(sides))], sides[g.r.IntN(len(sides))]
	text := fmt.Sprintf(", window: [%d, %d]", rows, cols)
	if g.chance(3) {
		text += fmt.Sprintf(", hop: [%d, %d]", 1+g.r.IntN(3), 1+g.r.IntN(3))
	}
	if g.chance(2) {
		text += ", edge: " + g.pick("'zero'", "'mirror'", "'clamp'")
	}
	if g.chance(4) {
		text += fmt.Sprintf(", maxWidth: %d", 70+g.r.IntN(5000))
	}
	for range 4 {
		g.inputs = words(fmt.Sprintf("w[%d][%d]", g.r.IntN(rows), g.r.IntN(cols)), in, g.inputs)
	}
	if in.Word.Bits != 0 && cols > 1 {
		g.anyInput = func(int) string { return fmt.Sprintf("w[%s][%s]", g.index(rows), g.index(cols)) }
	}
	return text
}

// fold leaves the state's type in g.state.
func (g *generator) fold(in ir.Type) (params, settings string, ends bool) {
	g.state = g.typ(true)
	g.inputs = words("v", in, nil)
	g.inputs = words("s", g.state, g.inputs)
	if g.chance(3) {
		return "s, v", ", emit: " + g.pick("'last'", "'each'"), true
	}
	return "s, v", "", false
}

func (g *generator) initial(t ir.Type) string {
	switch {
	case t.Elem != nil:
		var parts []string
		for range t.N {
			parts = append(parts, g.initial(*t.Elem))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case len(t.Fields) > 0:
		var parts []string
		for _, f := range t.Fields {
			parts = append(parts, f.Name+": "+g.initial(f.Type))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	}
	lo, hi := t.Word.Range()
	return fmt.Sprint(min(max(int64(g.r.IntN(300)-100), lo), hi))
}

// position makes the last parameter.
func (g *generator) position(shape ir.Shape) string {
	if g.chance(2) {
		return ""
	}
	switch shape {
	case ir.TapsShape, ir.FoldShape:
		g.inputs = append(g.inputs, expr{text: "i", hi: ir.MaxCount})
		return ", { i }"
	}
	x := int64(ir.MaxLine)
	g.inputs = append(g.inputs, expr{text: "p.x", hi: x}, expr{text: "p.y", hi: ir.MaxCount})
	return ", p"
}

// block writes a stage of tiles.
func (g *generator) block(in ir.Type, settings string, out ir.Type) (string, ir.Type, bool) {
	rows, cols := 1+g.r.IntN(3), 1+g.r.IntN(4)
	settings += fmt.Sprintf(", block: [%d, %d], maxWidth: %d", rows, cols, cols*(1+g.r.IntN(40)))
	whole := g.chance(3)
	if !whole {
		for r := range rows {
			for c := range cols {
				g.inputs = words(fmt.Sprintf("b[%d][%d]", r, c), in, g.inputs)
			}
		}
		g.inputs = words("v", in, g.inputs)
		g.vars = append(g.vars, variable{expr: expr{text: "r", hi: int64(rows - 1)}}, variable{expr: expr{text: "c", hi: int64(cols - 1)}})
		params := "b" + g.position(ir.BlockShape)
		body := g.body(func() string { return g.value(out) })
		return fmt.Sprintf("kernel({ %s, out: %s }, (%s) => b.map((row, r) => row.map((v, c) => %s)))", settings, source(out), params, body), out, false
	}
	for r := range rows {
		for c := range cols {
			g.inputs = words(fmt.Sprintf("b[%d][%d]", r, c), in, g.inputs)
		}
	}
	elem := out
	out = ir.Type{Elem: &elem, N: 1 + g.r.IntN(3)}
	params := "b" + g.position(ir.BlockShape)
	body := g.body(func() string { return g.value(out) })
	return fmt.Sprintf("kernel({ %s, out: %s }, (%s) => %s)", settings, source(out), params, body), out, false
}

// value is a result of a type.
func (g *generator) value(t ir.Type) string {
	switch {
	case t.Elem != nil:
		var parts []string
		for range t.N {
			parts = append(parts, g.value(*t.Elem))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case len(t.Fields) > 0:
		var parts []string
		for _, f := range t.Fields {
			parts = append(parts, f.Name+": "+g.value(f.Type))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	}
	return g.number(g.depth()).text
}

func (g *generator) depth() int {
	if g.size == Small {
		return 1 + g.r.IntN(2)
	}
	return 1 + g.r.IntN(4)
}
