package js

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/dop251/goja/file"

	"github.com/capodekappa/capo/gateware/ir"
)

// maxChoice is how many values a run-time index chooses from without a table.
const maxChoice = 1024

// member is v[k].
func (e *eval) member(v, k value, at file.Idx) value {
	if e.err != nil {
		return failed{}
	}
	switch v := v.(type) {
	case *object:
		if d, ok := k.(dyn); ok {
			return e.index(v, d, at)
		}
		return e.constantMember(v, k, at)
	case *pick:
		return e.pickMember(v, k, at)
	case builtin:
		return e.builtinMember(v, k, at)
	case *closure:
		if k == str("length") {
			return num(len(v.fn.ParameterList.List))
		}
		e.refuse(at, "a property of a function", "a kernel's functions are only called", "call it")
	case undefined, null:
		e.refuse(at, fmt.Sprintf("%s of %s", propertyName(k), describe(v)), "there is no such object", "look for an index outside its array, a missing field or argument")
	case str:
		e.refuse(at, propertyName(k)+" of "+describe(v), "a kernel has no strings", "use numbers")
	case num, truth, dyn, quotient:
		e.refuse(at, propertyName(k)+" of a number", "a kernel's numbers have no methods", "use operators and Math")
	default:
		e.refuseValue(v, at)
	}
	return failed{}
}

func propertyName(k value) string {
	if text, ok := key(k); ok {
		return "." + text
	}
	return "an element"
}

func (e *eval) constantMember(o *object, k value, at file.Idx) value {
	if q, ok := k.(quotient); ok {
		e.refuseValue(q, at)
		return failed{}
	}
	text, ok := key(k)
	if !ok {
		e.refuseValue(k, at)
		return failed{}
	}
	if !o.array {
		return o.get(text)
	}
	if text == "length" {
		return num(len(o.elems))
	}
	if i, err := strconv.Atoi(text); err == nil && strconv.Itoa(i) == text {
		return o.at(i)
	}
	if f, ok := k.(num); ok && (f != num(int(f)) || f < 0) {
		return undefined{}
	}
	if e.methods[text] == nil {
		e.refuse(at, "."+text+" of an array", "a kernel's arrays have no such property", "index them, loop over them, or use map, forEach, reduce, fill, slice and the like")
		return failed{}
	}
	return method{o, text}
}

// method is a function of an array, not called yet.
type method struct {
	of   *object
	name string
}

// index is an element at a run-time index.
func (e *eval) index(o *object, d dyn, at file.Idx) value {
	if !o.array {
		e.refuse(at, "a field's name is known only at run time", "a record's fields are fixed", "use an array and an index")
		return failed{}
	}
	if d.form != number {
		e.refuse(at, "a truth value is an index", "true is not 1 there: no element has that name", "write +(…), or choose with ?:")
		return failed{}
	}
	return e.at(o, e.use(d.id), at)
}

func (e *eval) at(o *object, id ir.ID, at file.Idx) value {
	s := e.span(id)
	if len(o.elems) == 0 || s.lo < 0 || s.hi >= int64(len(o.elems)) {
		e.refuseIndex(s, len(o.elems), at)
		return failed{}
	}
	if len(o.table) == len(o.elems) && len(o.table) > 0 {
		return e.table(o.table, id, at)
	}
	list := make([]value, len(o.elems))
	for i := range list {
		if int64(i) >= s.lo && int64(i) <= s.hi || len(list) <= maxChoice {
			list[i] = o.at(i)
		}
	}
	return e.pickFrom(list, id, at)
}

func (e *eval) refuseIndex(s span, n int, at file.Idx) {
	instead := "bound it with Math.min and Math.max, or by a condition before"
	if n&(n-1) == 0 && n > 1 {
		instead = fmt.Sprintf("bound it with & %d, with Math.min and Math.max, or by a condition before", n-1)
	}
	err := &ir.IndexError{Lo: s.lo, Hi: s.hi, Len: n}
	e.refuse(at, err.Error(), "it must be inside for all inputs", instead)
}

func (e *eval) table(entries []int64, id ir.ID, at file.Idx) value {
	got, err := e.b.Table(entries, id, e.m.pos.at(at))
	var outside *ir.IndexError
	switch {
	case errors.As(err, &outside):
		e.refuseIndex(span{outside.Lo, outside.Hi}, outside.Len, at)
		return failed{}
	case err != nil:
		e.refuse(at, err.Error(), "", "")
		return failed{}
	}
	s := e.span(got)
	if s.lo < -far || s.hi > far {
		e.refuse(at, "the table has entries outside ±2^53", "numbers are exact only up to there", "use smaller numbers")
		return failed{}
	}
	return e.known(dyn{id: got})
}

// pickFrom is list[id], where id is within the list.
func (e *eval) pickFrom(list []value, id ir.ID, at file.Idx) value {
	if e.err != nil {
		return failed{}
	}
	s := e.span(id)
	used := list[s.lo : s.hi+1]
	if entries, f, ok := integers(used); ok {
		all := make([]int64, len(list))
		for i := range list {
			all[i] = entries[min(max(i-int(s.lo), 0), len(entries)-1)]
		}
		v := e.table(all, id, at)
		if d, ok := v.(dyn); ok {
			d.form = f
			return e.known(d)
		} else if n, ok := v.(num); ok && f == boolean {
			return truth(n != 0)
		}
		return v
	}
	if isObject(used[0]) {
		for _, v := range used {
			if !isObject(v) {
				return mixed(used[0], v)
			}
		}
		return &pick{list, id}
	}
	if len(used) > maxChoice {
		e.refuse(at, fmt.Sprintf("an index known only at run time chooses from %d values", len(used)), fmt.Sprintf("at most %d are possible unless they are constants", maxChoice), "use a smaller array, or a table of constants")
		return failed{}
	}
	return e.tree(used, id, s.lo, at)
}

// tree halves what an index may choose until one value is left.
func (e *eval) tree(list []value, id ir.ID, first int64, at file.Idx) value {
	if len(list) == 1 || e.err != nil {
		return list[0]
	}
	half := len(list) / 2
	low := e.tree(list[:half], id, first, at)
	high := e.tree(list[half:], id, first+int64(half), at)
	t := e.raw(ir.Lt, 0, at, id, e.constant(first+int64(half)))
	return e.choose(t, low, high)
}

// integers are constants that a table can hold.
func integers(list []value) ([]int64, form, bool) {
	entries := make([]int64, len(list))
	truths := 0
	for i, v := range list {
		switch v := v.(type) {
		case num:
			c, ok := whole(float64(v))
			if !ok {
				return nil, 0, false
			}
			entries[i] = c
		case truth:
			truths++
			if v {
				entries[i] = 1
			}
		default:
			return nil, 0, false
		}
	}
	switch truths {
	case 0:
		return entries, number, true
	case len(list):
		return entries, boolean, true
	}
	return entries, either, true
}

// pickMember is an element of an object that is chosen at run time.
func (e *eval) pickMember(p *pick, k value, at file.Idx) value {
	id := e.use(p.index)
	if d, ok := k.(dyn); ok {
		if v, ok := e.flat(p, id, d, at); ok {
			return v
		}
	}
	s := e.span(id)
	list := make([]value, len(p.from))
	for i := int(s.lo); i <= int(s.hi) && e.err == nil; i++ {
		list[i] = e.member(p.from[i], k, at)
		if _, ok := list[i].(method); ok {
			o, ok := e.whole(p, at)
			if !ok {
				return failed{}
			}
			return e.constantMember(o, k, at)
		}
	}
	return e.pickFrom(list, id, at)
}

// flat is an entry of a table of tables: one table, row by row.
func (e *eval) flat(p *pick, id ir.ID, k dyn, at file.Idx) (value, bool) {
	width := -1
	for _, v := range p.from {
		row, ok := v.(*object)
		if !ok || len(row.table) == 0 || len(row.table) != len(row.elems) || width >= 0 && len(row.table) != width {
			return nil, false
		}
		width = len(row.table)
	}
	if k.form != number {
		return nil, false
	}
	column := e.use(k.id)
	if s := e.span(column); s.lo < 0 || s.hi >= int64(width) {
		e.refuseIndex(s, width, at)
		return failed{}, true
	}
	if len(p.from)*width > ir.MaxTableEntries {
		e.refuse(at, fmt.Sprintf("a table of %d by %d entries", len(p.from), width), fmt.Sprintf("a table has at most %d", ir.MaxTableEntries), "use a smaller table")
		return failed{}, true
	}
	var all []int64
	for _, v := range p.from {
		row, _ := v.(*object)
		all = append(all, row.table...)
	}
	row := e.raw(ir.Mul, 0, at, id, e.constant(int64(width)))
	return e.table(all, e.raw(ir.Add, 0, at, row, column), at), true
}

// whole is an object that a value is, or what is in the one that it picks.
func (e *eval) whole(v value, at file.Idx) (*object, bool) {
	switch v := v.(type) {
	case *object:
		return v, true
	case *pick:
		return e.gather(v, at)
	}
	if e.err == nil {
		e.refuse(at, describe(v)+" is not an array or a record", "", "look for an index outside its array, a missing field, argument or return")
	}
	return nil, false
}

// gather makes an object of the elements of one that is chosen at run time. It is a copy, not to be changed.
func (e *eval) gather(p *pick, at file.Idx) (*object, bool) {
	s := e.span(e.use(p.index))
	var first *object
	for i := s.lo; i <= s.hi; i++ {
		o, ok := e.whole(p.from[i], at)
		if !ok {
			return nil, false
		}
		if first != nil && (first.array != o.array || len(first.elems) != len(o.elems)) {
			e.refuse(at, "the array chosen at run time has one length or another", "how much there is to compute must not depend on values", "make the arrays equally long")
			return nil, false
		}
		first = o
	}
	out := &object{array: first.array, outside: "an object that is chosen at run time"}
	for i := range first.elems {
		out.elems = append(out.elems, e.pickMember(p, num(i), at))
	}
	if !first.array {
		out.fields = map[string]value{}
	}
	for _, k := range first.keys {
		out.set(k, e.pickMember(p, str(k), at))
	}
	return out, e.err == nil
}

// elements are those of an array.
func (e *eval) elements(v value, at file.Idx) []value {
	o, ok := e.whole(v, at)
	if !ok {
		return nil
	}
	if !o.array {
		e.refuse(at, describe(v)+" is not an array", "", "use an array")
		return nil
	}
	e.steps += len(o.elems) / 16 // copies cost time too
	list := make([]value, len(o.elems))
	for i := range list {
		list[i] = o.at(i)
	}
	return list
}
