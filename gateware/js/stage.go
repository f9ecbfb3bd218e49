package js

import (
	"fmt"

	"github.com/dop251/goja/file"

	"github.com/capodekappa/capo/gateware/ir"
)

// arguments are what a stage's function is called with.
func (e *eval) arguments(s *ir.Stage) []value {
	token := func(row, col int) value { return e.token(s.In, 0, row, col) }
	switch s.Shape {
	case ir.TapsShape:
		return []value{e.lazyArray(s.Cols, "the taps", func(i int) value { return token(0, i) }), e.position("i", ir.I)}
	case ir.WindowShape, ir.BlockShape:
		what := "the " + s.Shape.String()
		rows := e.lazyArray(s.Rows, what, func(r int) value {
			return e.lazyArray(s.Cols, what, func(c int) value { return token(r, c) })
		})
		return []value{rows, e.position("x", ir.X, "y", ir.Y)}
	case ir.FoldShape:
		return []value{e.state(s.State, 0), token(0, 0), e.position("i", ir.I)}
	}
	return []value{token(0, 0), e.position("x", ir.X, "y", ir.Y)}
}

func (e *eval) lazyArray(n int, what string, of func(int) value) *object {
	return &object{array: true, elems: make([]value, n), outside: what, make: func(_ string, i int) value { return of(i) }}
}

// position is a record of positions: names and operations in turn.
func (e *eval) position(parts ...any) value {
	o := &object{fields: map[string]value{}, outside: "the position"}
	for i := 0; i+1 < len(parts); i += 2 {
		op, _ := parts[i+1].(ir.Op)
		key, _ := parts[i].(string)
		o.keys = append(o.keys, key)
		id, err := e.b.Position(op, ir.Pos{})
		o.fields[key] = e.input(id, err)
	}
	return o
}

func (e *eval) input(id ir.ID, err error) value {
	if err != nil {
		return bad{what: err.Error()}
	}
	return e.known(dyn{id: id})
}

// token is a value of the input.
func (e *eval) token(t ir.Type, leaf, row, col int) value {
	return e.words(t, leaf, "the input", func(leaf int) value {
		return e.input(e.b.In(ir.Port{Leaf: int32(leaf), Row: int32(row), Col: int32(col)}, ir.Pos{}))
	})
}

func (e *eval) state(t ir.Type, leaf int) value {
	return e.words(t, leaf, "the state", func(leaf int) value { return e.input(e.b.State(leaf, ir.Pos{})) })
}

// words makes a value of a type of its leaves, from a leaf on.
func (e *eval) words(t ir.Type, leaf int, what string, of func(leaf int) value) value {
	switch {
	case t.Elem != nil:
		return e.lazyArray(t.N, what, func(i int) value { return e.words(*t.Elem, leaf+i*t.Elem.Len(), what, of) })
	case len(t.Fields) == 0:
		return of(leaf)
	}
	o := &object{fields: map[string]value{}, outside: what}
	for _, f := range t.Fields {
		o.keys = append(o.keys, f.Name)
		o.fields[f.Name] = e.words(f.Type, leaf, what, of)
		leaf += f.Type.Len()
	}
	return o
}

// body compiles a stage's function.
func (e *eval) body(s *ir.Stage, f *closure, at file.Idx) error {
	v := e.invoke(f, e.arguments(s), at)
	if e.returned == 0 {
		e.returned = f.fn.Idx0()
	}
	out, next := v, value(nil)
	if s.Shape == ir.FoldShape && e.err == nil {
		o, ok := e.result(v, "the function's result", "{ state, out }")
		if ok {
			out, next = e.member(o, str("out"), e.returned), e.member(o, str("state"), e.returned)
		}
	}
	var outs, nexts []ir.ID
	if s.PerBlock() {
		outs = e.storeBlock(s, out)
	} else {
		outs = e.store(nil, s.Out, out, "out")
	}
	if s.Shape == ir.FoldShape {
		nexts = e.store(nil, s.State, next, "state")
	}
	if e.err == nil {
		s.Body = e.b.Finish(outs, nexts)
	}
	return e.err
}

// result is a value that must be an object.
func (e *eval) result(v value, what, want string) (*object, bool) {
	if !isObject(v) {
		if e.err == nil {
			e.refuseResult(v, what, want)
		}
		return nil, false
	}
	return e.whole(v, e.returned)
}

func (e *eval) refuseResult(v value, what, want string) {
	switch v := v.(type) {
	case bad:
		e.refuse(e.returned, what+": "+v.what, v.why, v.instead)
	case failed:
		e.fail()
	default:
		e.refuse(e.returned, what+" is "+describe(v), "the descriptor says "+want, "return "+want+" on every way through the function")
	}
}

// store makes the words of a result, as a typed array would hold them.
func (e *eval) store(ids []ir.ID, t ir.Type, v value, what string) []ir.ID {
	if e.err != nil {
		return ids
	}
	switch {
	case t.Elem != nil:
		o, ok := e.result(v, what, t.String())
		if !ok {
			return ids
		}
		if !o.array || len(o.elems) != t.N {
			e.refuse(e.returned, fmt.Sprintf("%s is %s of %d elements", what, describe(o), len(o.elems)), "the descriptor says "+t.String(), fmt.Sprintf("return %d elements", t.N))
			return ids
		}
		for i := range o.elems {
			ids = e.store(ids, *t.Elem, o.at(i), fmt.Sprintf("%s[%d]", what, i))
		}
	case len(t.Fields) > 0:
		o, ok := e.result(v, what, t.String())
		if !ok {
			return ids
		}
		for _, f := range t.Fields {
			ids = e.store(ids, f.Type, e.member(o, str(f.Name), e.returned), what+"."+f.Name)
		}
	default:
		ids = append(ids, e.storeWord(t.Word, v, what))
	}
	return ids
}

func (e *eval) storeWord(w ir.Word, v value, what string) ir.ID {
	switch x := v.(type) {
	case dyn, truth:
	case num:
		if _, ok := whole(float64(x)); !ok {
			e.refuseNumber(float64(x), e.returned)
			return 0
		}
	case quotient:
		e.refuse(e.returned, what+" is a fraction", onlyIntegers, "put the quotient at once into Math.floor, Math.trunc, Math.round, | 0 or >>> 0")
		return 0
	default:
		e.refuseResult(v, what, w.String())
		return 0
	}
	id := e.id(v, e.returned)
	if !w.Clamp {
		op := ir.WrapU
		if w.Signed {
			op = ir.WrapS
		}
		return e.raw(op, int64(w.Bits), e.returned, id)
	}
	lo, hi := w.Range()
	id = e.raw(ir.Max, 0, e.returned, id, e.constant(lo))
	return e.raw(ir.Min, 0, e.returned, id, e.constant(hi))
}

// storeBlock makes the words of a block: rows of columns, or all in one array.
func (e *eval) storeBlock(s *ir.Stage, v value) []ir.ID {
	want := fmt.Sprintf("%d rows of %d of %s", s.Rows, s.Cols, s.Out)
	o, ok := e.result(v, "the function's result", want)
	if !ok {
		return nil
	}
	cells := e.elements(o, e.returned)
	if len(cells) == s.Rows && e.isRow(cells[0]) {
		var all []value
		for r, row := range cells {
			list, ok := e.result(row, fmt.Sprintf("row %d of the result", r), want)
			if !ok {
				return nil
			}
			if len(list.elems) != s.Cols {
				e.refuse(e.returned, fmt.Sprintf("row %d of the result has %d elements", r, len(list.elems)), "the descriptor says "+want, fmt.Sprintf("return %d elements", s.Cols))
				return nil
			}
			all = append(all, e.elements(list, e.returned)...)
		}
		cells = all
	}
	if len(cells) != s.Rows*s.Cols {
		if e.err == nil {
			e.refuse(e.returned, fmt.Sprintf("the function's result has %d elements", len(cells)), "the descriptor says "+want, "return as many")
		}
		return nil
	}
	var ids []ir.ID
	for i, c := range cells {
		ids = e.store(ids, s.Out, c, fmt.Sprintf("the result's row %d, column %d", i/s.Cols, i%s.Cols))
	}
	return ids
}

// isRow tells whether a value is an array.
func (e *eval) isRow(v value) bool {
	if o, ok := v.(*object); ok {
		return o.array
	}
	p, ok := v.(*pick)
	return ok && e.isRow(p.from[0])
}
