package js

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"

	"github.com/capodekappa/capo/gateware/ir"
)

func (e *eval) call(n *ast.CallExpression, s *env) value {
	f := e.expr(n.Callee, s)
	args := e.list(n.ArgumentList, s)
	return e.apply(f, args, callPlace(n))
}

// callPlace is where a call is said to be: at the name that is called.
func callPlace(n *ast.CallExpression) file.Idx {
	if dot, ok := n.Callee.(*ast.DotExpression); ok {
		if _, ok := dot.Left.(*ast.Identifier); ok {
			return dot.Left.Idx0()
		}
		return dot.Identifier.Idx
	}
	return n.Idx0()
}

// apply calls a value.
func (e *eval) apply(f value, args []value, at file.Idx) value {
	if e.err != nil {
		return failed{}
	}
	switch f := f.(type) {
	case *closure:
		return e.invoke(f, args, at)
	case builtin:
		return e.callBuiltin(string(f), args, at)
	case method:
		return e.methods[f.name](e, f.of, args, at)
	case bad:
		e.refuseValue(f, at)
	default:
		e.refuse(at, describe(f)+" is called", "it is not a function known at compile time", "call a function by its name")
	}
	return failed{}
}

// invoke calls a function of the source: its body is evaluated in place.
func (e *eval) invoke(c *closure, args []value, at file.Idx) value {
	switch {
	case slices.Contains(e.calls, c) && !slices.ContainsFunc(args, isFunction):
		e.refuse(at, "a recursion", "the depth of calls must be known", "use a loop")
	case len(e.calls) >= maxDepth:
		e.refuse(at, fmt.Sprintf("calls are nested more than %d deep", maxDepth), "each is put in place", "use loops")
	case c.fn.Async:
		e.refuse(at, "a call of an async function", "a kernel answers at once", "leave out async")
	case c.fn.Generator:
		e.refuse(at, "a call of a generator", "a kernel answers at once", "return the values in an array")
	}
	if e.err != nil {
		return failed{}
	}
	e.calls = append(e.calls, c)
	s := &env{names: map[string]*binding{}, fn: c}
	if c.env != nil {
		s = c.env.inner()
	}
	if c.fn.Name != nil {
		s.declare(c.fn.Name.Name.String(), c, true)
	}
	for _, d := range c.fn.DeclarationList {
		for _, b := range d.List {
			for _, id := range bound(b.Target, nil) {
				s.declare(id.Name.String(), undefined{}, false)
			}
		}
	}
	e.parameters(c.fn.ParameterList, args, s)
	r := e.enter(callRegion, nil)
	f := e.block(c.fn.Body.List, s)
	result, _ := e.settle(r, f)
	e.calls = e.calls[:len(e.calls)-1]
	if e.err != nil {
		return failed{}
	}
	return result
}

// isFunction tells whether a value is a function: a helper that is given one may be in use already, in a call for which it is
// given another.
func isFunction(v value) bool {
	_, ok := v.(*closure)
	return ok
}

func (e *eval) parameters(list *ast.ParameterList, args []value, s *env) {
	for i, p := range list.List {
		var v value = undefined{}
		if i < len(args) {
			v = args[i]
		}
		e.declare(p, v, s, false)
	}
	if list.Rest != nil {
		e.declare(list.Rest, newArray(slices.Clone(args[min(len(list.List), len(args)):])...), s, false)
	}
}

func (e *eval) construct(n *ast.NewExpression, s *env) value {
	f := e.expr(n.Callee, s)
	if f == builtin("Array") {
		return e.callBuiltin("Array", e.list(n.ArgumentList, s), n.New)
	}
	if id, ok := f.(builtin); ok && forbidden[string(id)] != [2]string{} {
		e.refuseBuiltin(string(id), n.New)
	}
	if e.err == nil {
		what := "new"
		if id, ok := n.Callee.(*ast.Identifier); ok {
			what = "new " + id.Name.String()
		}
		e.refuse(n.New, what, "a kernel computes with numbers, arrays and records", "use those")
	}
	return failed{}
}

// forbidden says what is wrong with what programs call but kernels cannot.
var forbidden = map[string][2]string{
	"Date": {"a kernel has no clock", "give the time as an input"}, "Math.random": {"a kernel gives the same output for the same input", "compute noise from the input or the position"},
	"performance": {"a kernel has no clock", "give the time as an input"}, "console": {"a kernel has no I/O", "look at values in a test, or with capo kernel run"},
	"fetch": {"a kernel has no I/O", "give what it needs as an input"}, "require": {"a kernel has no I/O", "import at the top of the file"},
	"eval": {"a kernel is compiled", "write the code out"}, "Function": {"a kernel is compiled", "write the code out"},
	"setTimeout": {"a kernel has no clock", "answer at once"}, "setInterval": {"a kernel has no clock", "answer at once"},
	"Promise": {"a kernel answers at once", "return the value"}, "process": {"a kernel has no I/O", "give what it needs as an input"},
	"crypto":        {"a kernel gives the same output for the same input", "compute noise from the input or the position"},
	"Object.assign": {"it changes its first argument", "make a new record: {...a, ...b}"}, "arguments": {"a kernel's parameters have names", "use ...rest"},
	"BigInt": {"a kernel computes with JavaScript's numbers", "leave it out"}, "String": {"a kernel has no strings", "use numbers"},
	"JSON": {"a kernel has no strings", "use numbers"}, "Symbol": {"a kernel has no symbols", "use numbers"}, "globalThis": {noMemory, insteadOfState},
}

// refuseBuiltin says why a name of the language or its surroundings cannot be used.
func (e *eval) refuseBuiltin(name string, at file.Idx) {
	root, _, _ := strings.Cut(name, ".")
	for _, n := range []string{name, root} {
		if why, ok := forbidden[n]; ok {
			e.refuse(at, name, why[0], why[1])
			return
		}
	}
	e.refuse(at, name+" cannot be used", "a kernel has Math, Array, Number and what the source declares", "declare it, or import it")
}

func (e *eval) builtinMember(b builtin, k value, at file.Idx) value {
	text, ok := key(k)
	if !ok {
		e.refuse(at, "a property by a computed name", "", "name the property")
		return failed{}
	}
	full := string(b) + "." + text
	switch b {
	case "Math", "Number":
		if v, ok := constantsOf[full]; ok {
			return num(v)
		}
	}
	if e.builtins[full] != nil || mathNames[full] || b == "Object" {
		return builtin(full)
	}
	e.refuseBuiltin(full, at)
	return failed{}
}

// callBuiltin calls a function of the language.
func (e *eval) callBuiltin(name string, args []value, at file.Idx) value {
	if f := e.builtins[name]; f != nil {
		return f(e, args, at)
	}
	if mathNames[name] {
		return e.constantMath(name, args, at)
	}
	e.refuseBuiltin(name, at)
	return failed{}
}

// argument is one that may be missing.
func argument(args []value, i int) value {
	if i < len(args) {
		return args[i]
	}
	return undefined{}
}

func (e *eval) isKnownFunction(f value, at file.Idx) bool {
	switch f.(type) {
	case *closure, builtin:
		return e.err == nil
	}
	if e.err == nil {
		e.refuse(at, describe(f)+" is given as a function", "", "give a function")
	}
	return false
}

// within is a number that only says how much: a length, an index known at compile time.
func (e *eval) within(v value, or int, at file.Idx) (int, bool) {
	if _, ok := v.(undefined); ok {
		return or, true
	}
	f, ok := constantNumber(v)
	c, isWhole := whole(f)
	if !ok || !isWhole || c > ir.MaxTableEntries || c < -ir.MaxTableEntries {
		if e.err == nil {
			e.refuse(at, "a length or position that is not a known whole number", fmt.Sprintf("how much there is to compute must be known, and at most %d", ir.MaxTableEntries), "use a constant")
		}
		return 0, false
	}
	return int(c), true
}
