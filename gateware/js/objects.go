package js

import "github.com/dop251/goja/file"

// makeArray is Array(n) or Array(a, b, …).
func makeArray(e *eval, args []value, at file.Idx) value {
	if len(args) != 1 {
		return newArray(args...)
	}
	if _, ok := args[0].(num); !ok {
		if _, ok := args[0].(dyn); ok {
			e.refuse(at, "an array of a length known only at run time", "how much there is to compute must be known", "use a constant")
		}
		return newArray(args...)
	}
	n, ok := e.within(args[0], 0, at)
	if !ok || n < 0 {
		return failed{}
	}
	out := newArray()
	for range n {
		out.elems = append(out.elems, undefined{})
	}
	return out
}

func arrayOf(_ *eval, args []value, _ file.Idx) value { return newArray(args...) }

// arrayFrom is Array.from of an array or of {length: n}, with a function or without.
func arrayFrom(e *eval, args []value, at file.Idx) value {
	from, ok := e.whole(argument(args, 0), at)
	if !ok {
		return failed{}
	}
	var list *object
	if from.array {
		list = newArray(e.elements(from, at)...)
	} else {
		n, ok := e.within(from.get("length"), 0, at)
		if !ok {
			return failed{}
		}
		list, _ = makeArray(e, []value{num(max(n, 0))}, at).(*object)
	}
	if len(args) < 2 || list == nil {
		return list
	}
	f := args[1]
	if !e.isKnownFunction(f, at) {
		return failed{}
	}
	for i, v := range list.elems {
		list.elems[i] = e.apply(f, []value{v, num(i)}, at)
	}
	return list
}

func isArray(_ *eval, args []value, _ file.Idx) value {
	switch v := argument(args, 0).(type) {
	case *object:
		return truth(v.array)
	case *pick:
		o, ok := v.from[0].(*object)
		return truth(ok && o.array)
	}
	return truth(false)
}

func freeze(_ *eval, args []value, _ file.Idx) value { return argument(args, 0) }

func objectKeys(e *eval, args []value, at file.Idx) value {
	return e.fields(args, at, func(k string, _ value) value { return str(k) })
}

func objectValues(e *eval, args []value, at file.Idx) value {
	return e.fields(args, at, func(_ string, v value) value { return v })
}

func objectEntries(e *eval, args []value, at file.Idx) value {
	return e.fields(args, at, func(k string, v value) value { return newArray(str(k), v) })
}

// fields lists what is made of a record's fields or an array's elements.
func (e *eval) fields(args []value, at file.Idx, of func(string, value) value) value {
	o, ok := e.whole(argument(args, 0), at)
	if !ok {
		return failed{}
	}
	out := newArray()
	for i := range o.elems {
		out.elems = append(out.elems, of(formatNumber(float64(i)), o.at(i)))
	}
	for _, k := range o.keys {
		out.elems = append(out.elems, of(k, o.get(k)))
	}
	return out
}
