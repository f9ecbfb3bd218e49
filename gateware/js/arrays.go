package js

import (
	"fmt"
	"slices"

	"github.com/dop251/goja/file"
	"github.com/dop251/goja/token"
)

// arrayMethod is a method of arrays.
type arrayMethod func(e *eval, o *object, args []value, at file.Idx) value

// arrayMethods are those that a kernel's arrays have.
func arrayMethods() map[string]arrayMethod {
	return map[string]arrayMethod{
		"map": arrayMap, "forEach": arrayForEach, "reduce": arrayReduce, "reduceRight": arrayReduceRight, "some": arraySome, "every": arrayEvery,
		"filter": arrayFilter, "fill": arrayFill, "slice": arraySlice, "concat": arrayConcat, "reverse": arrayReverse, "toReversed": arrayToReversed,
		"push": arrayPush, "pop": arrayPop, "shift": arrayShift, "unshift": arrayUnshift, "at": arrayAt, "flat": arrayFlat, "flatMap": arrayFlatMap,
		"includes": arrayIncludes, "keys": arrayKeys, "values": arrayValues, "entries": arrayEntries,
		"sort": refuseMethod("sort", "compare and swap with Math.min and Math.max"), "splice": refuseMethod("splice", "use slice and concat"),
		"copyWithin": refuseMethod("copyWithin", "assign in a loop"), "join": refuseMethod("join", "a kernel has no strings"),
		"indexOf": refuseMethod("indexOf", "loop over the array"), "find": refuseMethod("find", "loop over the array"),
	}
}

func refuseMethod(name, instead string) arrayMethod {
	return func(e *eval, o *object, _ []value, at file.Idx) value {
		if name == "sort" || name == "splice" || name == "copyWithin" {
			e.mine(o, at)
		}
		e.refuse(at, "."+name+" of an array", "a kernel's arrays have no such method", instead)
		return failed{}
	}
}

// eachOf calls a function with every element, its index and the array.
func (e *eval) eachOf(o *object, f value, at file.Idx, got func(i int, elem, result value)) {
	if !e.isKnownFunction(f, at) {
		return
	}
	for i := 0; i < len(o.elems) && e.err == nil; i++ {
		elem := o.at(i)
		got(i, elem, e.apply(f, []value{elem, num(i), o}, at))
	}
}

func arrayMap(e *eval, o *object, args []value, at file.Idx) value {
	out := newArray()
	e.eachOf(o, argument(args, 0), at, func(_ int, _, v value) { out.elems = append(out.elems, v) })
	return out
}

func arrayFlatMap(e *eval, o *object, args []value, at file.Idx) value {
	mapped, _ := arrayMap(e, o, args, at).(*object)
	return arrayFlat(e, mapped, nil, at)
}

func arrayForEach(e *eval, o *object, args []value, at file.Idx) value {
	e.eachOf(o, argument(args, 0), at, func(int, value, value) {})
	return undefined{}
}

func arrayFilter(e *eval, o *object, args []value, at file.Idx) value {
	out := newArray()
	e.eachOf(o, argument(args, 0), at, func(_ int, elem, v value) {
		t, ok := e.truthOf(v, at).(truth)
		if !ok {
			e.refuse(at, "filter by a value that is known only at run time", "how much there is to compute must not depend on values", "keep all elements, and choose with ?:")
		}
		if t {
			out.elems = append(out.elems, elem)
		}
	})
	return out
}

func arrayReduce(e *eval, o *object, args []value, at file.Idx) value {
	return e.reduce(o, args, at, func(i int) int { return i })
}

func arrayReduceRight(e *eval, o *object, args []value, at file.Idx) value {
	return e.reduce(o, args, at, func(i int) int { return len(o.elems) - 1 - i })
}

func (e *eval) reduce(o *object, args []value, at file.Idx, place func(int) int) value {
	f := argument(args, 0)
	if !e.isKnownFunction(f, at) {
		return failed{}
	}
	first := 0
	acc := argument(args, 1)
	if len(args) < 2 {
		if len(o.elems) == 0 {
			e.refuse(at, "reduce of an empty array without a first value", "", "give a first value")
			return failed{}
		}
		acc, first = o.at(place(0)), 1
	}
	for i := first; i < len(o.elems) && e.err == nil; i++ {
		acc = e.apply(f, []value{acc, o.at(place(i)), num(place(i)), o}, at)
	}
	return acc
}

func arraySome(e *eval, o *object, args []value, at file.Idx) value {
	return e.anyOf(token.LOGICAL_OR, o, args, 0, at)
}

func arrayEvery(e *eval, o *object, args []value, at file.Idx) value {
	return e.anyOf(token.LOGICAL_AND, o, args, 0, at)
}

// anyOf joins what a function says of the elements from i on.
func (e *eval) anyOf(op token.Token, o *object, args []value, i int, at file.Idx) value {
	if i == len(o.elems) {
		return truth(op == token.LOGICAL_AND)
	}
	v := e.truthOf(e.apply(argument(args, 0), []value{o.at(i), num(i), o}, at), at)
	return e.logical(op, v, at, func() value { return e.anyOf(op, o, args, i+1, at) })
}

func arrayIncludes(e *eval, o *object, args []value, at file.Idx) value {
	var result value = truth(false)
	for i := 0; i < len(o.elems) && e.err == nil; i++ {
		same := e.equal(o.at(i), argument(args, 0), true, at)
		result = e.logical(token.LOGICAL_OR, result, at, func() value { return same })
	}
	return result
}

func arrayFill(e *eval, o *object, args []value, at file.Idx) value {
	from, to, ok := e.slice(o, args, 1, at)
	if !ok || !e.mine(o, at) {
		return failed{}
	}
	for i := from; i < to; i++ {
		e.write(cell{o: o, i: i}, argument(args, 0))
	}
	return o
}

// slice reads a begin and an end among the arguments.
func (e *eval) slice(o *object, args []value, first int, at file.Idx) (from, to int, ok bool) {
	n := len(o.elems)
	from, ok1 := e.within(argument(args, first), 0, at)
	to, ok2 := e.within(argument(args, first+1), n, at)
	clip := func(i int) int {
		if i < 0 {
			i += n
		}
		return min(max(i, 0), n)
	}
	return clip(from), clip(to), ok1 && ok2
}

func arraySlice(e *eval, o *object, args []value, at file.Idx) value {
	from, to, ok := e.slice(o, args, 0, at)
	if !ok {
		return failed{}
	}
	return newArray(slices.Clone(e.elements(o, at)[from:max(from, to)])...)
}

func arrayConcat(e *eval, o *object, args []value, at file.Idx) value {
	list := e.elements(o, at)
	for _, a := range args {
		if part, ok := a.(*object); ok && part.array {
			list = append(list, e.elements(part, at)...)
		} else {
			list = append(list, a)
		}
	}
	return newArray(list...)
}

func arrayToReversed(e *eval, o *object, _ []value, at file.Idx) value {
	list := e.elements(o, at)
	slices.Reverse(list)
	return newArray(list...)
}

func arrayReverse(e *eval, o *object, _ []value, at file.Idx) value {
	if !e.mine(o, at) {
		return failed{}
	}
	list := e.elements(o, at)
	slices.Reverse(list)
	e.replace(o, list)
	return o
}

// replace gives an array other elements.
func (e *eval) replace(o *object, list []value) {
	for i := len(list); i < len(o.elems); i++ {
		e.write(cell{o: o, i: i}, undefined{})
	}
	if len(list) != len(o.elems) {
		e.write(cell{o: o, i: lengthCell}, num(len(list)))
	}
	for i, v := range list {
		e.write(cell{o: o, i: i}, v)
	}
}

// resize changes an array at its ends, and gives what its method returns.
func (e *eval) resize(o *object, at file.Idx, change func(list []value) ([]value, value)) value {
	if !e.mine(o, at) {
		return failed{}
	}
	list, result := change(e.elements(o, at))
	if len(list) > maxElements {
		e.refuse(at, fmt.Sprintf("an array of more than %d elements", maxElements), "each becomes part of the circuit", "use a smaller one")
		return failed{}
	}
	e.replace(o, list)
	return result
}

// maxElements bounds arrays that grow.
const maxElements = 1 << 16

func arrayPush(e *eval, o *object, args []value, at file.Idx) value {
	if !e.mine(o, at) || len(o.elems)+len(args) > maxElements {
		e.refuse(at, fmt.Sprintf("an array of more than %d elements", maxElements), "each becomes part of the circuit", "use a smaller one")
		return failed{}
	}
	for _, a := range args {
		e.write(cell{o: o, i: lengthCell}, num(len(o.elems)+1))
		e.write(cell{o: o, i: len(o.elems) - 1}, a)
	}
	return num(len(o.elems))
}

func arrayPop(e *eval, o *object, _ []value, at file.Idx) value {
	return e.resize(o, at, func(list []value) ([]value, value) {
		if len(list) == 0 {
			return list, undefined{}
		}
		return list[:len(list)-1], list[len(list)-1]
	})
}

func arrayShift(e *eval, o *object, _ []value, at file.Idx) value {
	return e.resize(o, at, func(list []value) ([]value, value) {
		if len(list) == 0 {
			return list, undefined{}
		}
		return list[1:], list[0]
	})
}

func arrayUnshift(e *eval, o *object, args []value, at file.Idx) value {
	return e.resize(o, at, func(list []value) ([]value, value) {
		list = append(slices.Clone(args), list...)
		return list, num(len(list))
	})
}

func arrayAt(e *eval, o *object, args []value, at file.Idx) value {
	i := argument(args, 0)
	if f, ok := i.(num); ok && f < 0 {
		i = f + num(len(o.elems))
	}
	return e.member(o, i, at)
}

func arrayFlat(e *eval, o *object, args []value, at file.Idx) value {
	depth, ok := e.within(argument(args, 0), 1, at)
	if !ok || o == nil {
		return failed{}
	}
	out := newArray()
	for _, v := range e.elements(o, at) {
		part, ok := v.(*object)
		if !ok || !part.array || depth < 1 {
			out.elems = append(out.elems, v)
			continue
		}
		if depth > 1 {
			part, _ = arrayFlat(e, part, []value{num(depth - 1)}, at).(*object)
		}
		if part != nil {
			out.elems = append(out.elems, e.elements(part, at)...)
		}
	}
	return out
}

func arrayKeys(_ *eval, o *object, _ []value, _ file.Idx) value {
	out := newArray()
	for i := range o.elems {
		out.elems = append(out.elems, num(i))
	}
	return out
}

func arrayValues(e *eval, o *object, _ []value, at file.Idx) value {
	return newArray(e.elements(o, at)...)
}

func arrayEntries(e *eval, o *object, _ []value, at file.Idx) value {
	out := newArray()
	for i, v := range e.elements(o, at) {
		out.elems = append(out.elems, newArray(num(i), v))
	}
	return out
}
