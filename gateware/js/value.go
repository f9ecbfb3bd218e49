package js

import (
	"fmt"

	"github.com/dop251/goja/ast"

	"github.com/capodekappa/capo/gateware/ir"
)

// value is what an expression gives at compile time: one of the types below. Only dyn is known at run time only.
type value any

type (
	num       float64 // a number
	truth     bool
	str       string
	undefined struct{}
	null      struct{}
	builtin   string // a function or object of the language, by name
	// bad is a value that cannot be used, and why. It is refused where it is used.
	bad struct{ what, why, instead string }
	// failed is the value of what was refused already.
	failed struct{}
)

// form is what a run-time value is to JavaScript.
type form byte

const (
	number form = iota
	boolean
	either // a number in one arm, a truth value in the other
)

// dyn is a value of the body.
type dyn struct {
	id   ir.ID
	form form
}

// quotient is a / by, which is not a whole number until it is rounded.
type quotient struct {
	a  ir.ID
	by int64
}

// object is an array or a record. Elements may be made when they are asked for.
type object struct {
	array   bool
	elems   []value // of an array; nil: make it
	keys    []string
	fields  map[string]value
	make    func(key string, i int) value
	outside string // what it is, if the kernel must not change it: "the table STEPS"
	table   []int64
}

// pick is one of several objects, by a run-time index that is within them.
type pick struct {
	from  []value
	index ir.ID
}

// closure is a function of the source.
type closure struct {
	fn    *ast.FunctionLiteral
	env   *env  // where it was made; nil for what the top level left
	ref   *node // what it captured, for those
	name  string
	using map[string]*binding // what was asked for of ref
}

// binding is a variable.
type binding struct {
	name    string
	v       value // nil before its declaration
	fixed   bool  // const
	outside string
}

// env is a scope at compile time.
type env struct {
	outer *env
	names map[string]*binding
	fn    *closure // whose names are at the end of the chain
}

func (s *env) inner() *env { return &env{outer: s, names: map[string]*binding{}} }

func (s *env) declare(id string, v value, fixed bool) *binding {
	b := &binding{name: id, v: v, fixed: fixed}
	s.names[id] = b
	return b
}

// newArray is an array of the kernel's own.
func newArray(elems ...value) *object { return &object{array: true, elems: elems} }

func newRecord() *object { return &object{fields: map[string]value{}} }

func (o *object) set(key string, v value) {
	if _, ok := o.fields[key]; !ok {
		o.keys = append(o.keys, key)
	}
	o.fields[key] = v
}

// at is an array's element.
func (o *object) at(i int) value {
	if i < 0 || i >= len(o.elems) {
		return undefined{}
	}
	if o.elems[i] == nil {
		o.elems[i] = o.make("", i)
	}
	return o.elems[i]
}

// get is a record's field.
func (o *object) get(key string) value {
	v, ok := o.fields[key]
	if !ok {
		return undefined{}
	}
	if v == nil {
		v = o.make(key, 0)
		o.fields[key] = v
	}
	return v
}

// describe names a value in a message.
func describe(v value) string {
	switch v := v.(type) {
	case num:
		return formatNumber(float64(v))
	case truth:
		return fmt.Sprint(bool(v))
	case str:
		return fmt.Sprintf("the string %q", string(v))
	case undefined:
		return "undefined"
	case null:
		return "null"
	case builtin:
		return string(v)
	case *object:
		if v.outside != "" {
			return v.outside
		}
		if v.array {
			return "an array"
		}
		return "a record"
	case *pick:
		return "one of several objects"
	case *closure:
		return "a function"
	case quotient:
		return "a fraction"
	case dyn:
		return "a number"
	}
	return "no value"
}
