package js

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"

	"github.com/capodekappa/capo/gateware/ir"
)

// keys are what a descriptor may have.
var keys = []string{"in", "out", "taps", "window", "block", "state", "init", "emit", "edge", "hop", "maxWidth"}

// descriptor reads what kernel() was called with.
type descriptor struct {
	m     *module
	snap  *snapshot
	node  *node
	call  *ast.CallExpression // may be nil
	at    file.Idx
	shape string // the key that says the shape
	stage ir.Stage
}

// stageOf makes a stage of a call of kernel(), without its body.
func stageOf(m *module, snap *snapshot, c stageCall) (*ir.Stage, file.Idx, error) {
	d := &descriptor{m: m, snap: snap, node: snap.node(c.Descriptor), at: file.Idx(c.At), stage: ir.Stage{Rows: 1, Cols: 1, HopRows: 1, HopCols: 1}}
	d.call = m.names.calls[d.at]
	if d.node == nil || d.node.Form != 'k' {
		return nil, d.at, d.refuse("", "kernel() without a descriptor", "its first argument says what goes in and comes out", "write kernel({ in: 'u8', out: 'u8' }, x => …)")
	}
	for _, step := range []func() error{d.keys, d.types, d.shapes, d.windows, d.folds, d.widths, d.check} {
		if err := step(); err != nil {
			return nil, d.at, err
		}
	}
	return &d.stage, d.at, nil
}

// place is where a key stands, or the call.
func (d *descriptor) place(key string) file.Idx {
	if d.call == nil || len(d.call.ArgumentList) == 0 {
		return d.at
	}
	o, ok := d.call.ArgumentList[0].(*ast.ObjectLiteral)
	if !ok {
		return d.at
	}
	for _, p := range o.Value {
		switch p := p.(type) {
		case *ast.PropertyKeyed:
			if s, ok := p.Key.(*ast.StringLiteral); ok && s.Value.String() == key {
				return p.Key.Idx0()
			}
		case *ast.PropertyShort:
			if p.Name.Name.String() == key {
				return p.Name.Idx
			}
		}
	}
	return d.at
}

func (d *descriptor) refuse(key, what, why, instead string) error {
	return &Problem{d.m.pos.at(d.place(key)), what, why, instead}
}

func (d *descriptor) keys() error {
	for _, k := range d.node.Keys {
		if !slices.Contains(keys, k) {
			return d.refuse(k, fmt.Sprintf("the descriptor has %q", k), "there is no such setting", fmt.Sprintf("did you mean %q?", nearest(k, keys)))
		}
	}
	for _, k := range []string{"in", "out"} {
		if !d.has(k) {
			return d.refuse("", "the descriptor has no "+k, "the words that go in and come out must be known", "write "+k+": 'u8', or another type")
		}
	}
	for _, k := range []string{"taps", "window", "block", "state"} {
		if !d.has(k) {
			continue
		}
		if d.shape != "" {
			return d.refuse(k, fmt.Sprintf("the descriptor has both %s and %s", d.shape, k), "a kernel has one shape", "make two kernels, and pipe them")
		}
		d.shape = k
	}
	needs := map[string][]string{"init": {"state"}, "emit": {"state"}, "edge": {"window"}, "hop": {"window", "taps"}, "maxWidth": {"window", "block"}}
	for _, k := range d.node.Keys {
		if of := needs[k]; of != nil && !slices.Contains(of, d.shape) {
			return d.refuse(k, fmt.Sprintf("the descriptor has %s, but no %s", k, strings.Join(of, " and no ")), "", "leave "+k+" out")
		}
	}
	return nil
}

func (d *descriptor) has(k string) bool { return d.node.field(k).Kind != undefinedKind }

func (d *descriptor) types() error {
	for k, t := range map[string]*ir.Type{"in": &d.stage.In, "out": &d.stage.Out, "state": &d.stage.State} {
		if k == "state" && d.shape != "state" {
			continue
		}
		got, err := d.typeOf(d.node.field(k), 0)
		if err == nil {
			err = got.Check()
		}
		if err != nil {
			return d.refuse(k, fmt.Sprintf("%s: %v", k, err), "", "write 'u8', { r: 'u8', g: 'u8' } or ['u8', 64]")
		}
		*t = got
	}
	return nil
}

func (d *descriptor) typeOf(v val, depth int) (ir.Type, error) {
	if v.Kind == stringKind {
		w, err := ir.ParseWord(v.Text)
		return ir.WordType(w), err
	}
	n := d.snap.node(v)
	switch {
	case depth > 8:
		return ir.Type{}, fmt.Errorf("the type is nested more than 8 deep")
	case n == nil || n.Form == 'f' || n.Form == 'l':
		return ir.Type{}, fmt.Errorf("this is not a type")
	case n.Form == 'k':
		var t ir.Type
		for i, k := range n.Keys {
			f, err := d.typeOf(n.Values[i], depth+1)
			if err != nil {
				return t, fmt.Errorf("field %s: %w", k, err)
			}
			t.Fields = append(t.Fields, ir.Field{Name: k, Type: f})
		}
		return t, nil
	}
	length, ok := whole(n.elem(1).Number)
	if n.length() != 2 || n.elem(1).Kind != numberKind || !ok || length < 1 || length > ir.MaxLeaves {
		return ir.Type{}, fmt.Errorf("an array's type is [type, length], the length 1 to %d", ir.MaxLeaves)
	}
	elem, err := d.typeOf(n.elem(0), depth+1)
	return ir.Type{Elem: &elem, N: int(length)}, err
}

// count reads a number that is a size.
func (d *descriptor) count(v val) (int, bool) {
	n, ok := whole(v.Number)
	return int(n), v.Kind == numberKind && ok && n >= 1
}

// two reads [rows, columns].
func (d *descriptor) two(key string) (rows, cols int, err error) {
	n := d.snap.node(d.node.field(key))
	if n != nil && n.Form != 'k' && n.length() == 2 {
		r, okR := d.count(n.elem(0))
		c, okC := d.count(n.elem(1))
		if okR && okC {
			return r, c, nil
		}
	}
	return 0, 0, d.refuse(key, key+" is not [rows, columns]", "", "write two whole numbers: "+key+": [3, 3]")
}

func (d *descriptor) shapes() error {
	s := &d.stage
	var err error
	switch d.shape {
	case "taps":
		n, ok := d.count(d.node.field("taps"))
		if !ok {
			return d.refuse("taps", "taps is not a number of samples", "", "write taps: 5")
		}
		s.Shape, s.Cols = ir.TapsShape, n
	case "window":
		s.Shape, s.MaxWidth = ir.WindowShape, ir.DefaultMaxWidth
		s.Rows, s.Cols, err = d.two("window")
	case "block":
		s.Shape = ir.BlockShape
		s.Rows, s.Cols, err = d.two("block")
		s.MaxWidth = s.Cols
	case "state":
		s.Shape = ir.FoldShape
	}
	return err
}

func (d *descriptor) windows() error {
	s := &d.stage
	if d.has("edge") {
		names := []string{"clamp", "zero", "mirror"}
		text := d.node.field("edge")
		i := slices.Index(names, text.Text)
		if text.Kind != stringKind || i < 0 {
			return d.refuse("edge", "edge is none of 'clamp', 'zero', 'mirror'", "", fmt.Sprintf("did you mean %q?", nearest(text.Text, names)))
		}
		s.Edge = []ir.Edge{ir.Clamp, ir.Zero, ir.Mirror}[i]
	}
	if !d.has("hop") {
		return nil
	}
	if d.shape == "taps" {
		n, ok := d.count(d.node.field("hop"))
		if !ok {
			return d.refuse("hop", "hop is not a number of samples", "", "write hop: 2")
		}
		s.HopCols = n
		return nil
	}
	var err error
	s.HopRows, s.HopCols, err = d.two("hop")
	return err
}

func (d *descriptor) folds() error {
	if d.shape != "state" {
		return nil
	}
	s := &d.stage
	if d.has("emit") {
		emit := d.node.field("emit")
		if emit.Kind != stringKind || emit.Text != "each" && emit.Text != "last" {
			return d.refuse("emit", "emit is neither 'each' nor 'last'", "", fmt.Sprintf("did you mean %q?", nearest(emit.Text, []string{"each", "last"})))
		}
		s.Last = emit.Text == "last"
	}
	if !d.has("init") {
		s.Init = make([]int64, s.State.Len())
		return nil
	}
	var err error
	s.Init, err = d.initial(nil, s.State, d.node.field("init"), "init")
	return err
}

// initial reads a state's words before the first step.
func (d *descriptor) initial(words []int64, t ir.Type, v val, what string) ([]int64, error) {
	n := d.snap.node(v)
	var err error
	switch {
	case t.Elem != nil:
		if n == nil || n.Form != 'a' && n.Form != 'i' || n.length() != t.N {
			return nil, d.refuse("init", fmt.Sprintf("%s is not an array of %d", what, t.N), "the state says "+t.String(), "write as many values")
		}
		for i := range t.N {
			if words, err = d.initial(words, *t.Elem, n.elem(i), fmt.Sprintf("%s[%d]", what, i)); err != nil {
				return nil, err
			}
		}
		return words, nil
	case len(t.Fields) > 0:
		if n == nil || n.Form != 'k' {
			return nil, d.refuse("init", what+" is not a record", "the state says "+t.String(), "write a value for each field")
		}
		for _, f := range t.Fields {
			if words, err = d.initial(words, f.Type, n.field(f.Name), what+"."+f.Name); err != nil {
				return nil, err
			}
		}
		return words, nil
	}
	i, ok := whole(v.Number)
	if lo, hi := t.Word.Range(); v.Kind != numberKind || !ok || i < lo || i > hi {
		return nil, d.refuse("init", fmt.Sprintf("%s is not a whole number within %d..%d", what, lo, hi), "the state says "+t.String(), "write such a number")
	}
	return append(words, i), nil
}

func (d *descriptor) widths() error {
	if !d.has("maxWidth") {
		return nil
	}
	n, ok := d.count(d.node.field("maxWidth"))
	if !ok {
		return d.refuse("maxWidth", "maxWidth is not a number of words", "", "write maxWidth: 2048")
	}
	d.stage.MaxWidth = n
	return nil
}

// check applies the limits of shapes.
func (d *descriptor) check() error {
	if err := d.stage.CheckShape(); err != nil {
		return d.refuse(d.shape, err.Error(), "", "use another size")
	}
	return nil
}

// nearest is the name that takes the fewest changes.
func nearest(word string, names []string) string {
	best, least := names[0], 1<<30
	for _, n := range names {
		if d := distance(strings.ToLower(word), strings.ToLower(n)); d < least {
			best, least = n, d
		}
	}
	return best
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
