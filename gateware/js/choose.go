package js

import (
	"fmt"

	"github.com/capodekappa/capo/gateware/ir"
)

// choose is a ? b : c.
func (e *eval) choose(test ir.ID, a, b value) value {
	if e.err != nil {
		return failed{}
	}
	if c, ok := e.b.Constant(e.use(test)); ok {
		if c != 0 {
			return a
		}
		return b
	}
	if same(a, b) {
		return a
	}
	x, xok := e.simple(a)
	y, yok := e.simple(b)
	if xok && yok {
		f := x.form
		if y.form != f {
			f = either
		}
		return e.known(dyn{e.mux(test, x.id, y.id, f == boolean), f})
	}
	if isObject(a) && isObject(b) {
		return &pick{[]value{b, a}, test}
	}
	return mixed(a, b)
}

// mux is test ? a : b, of truth values by and and or.
func (e *eval) mux(test, a, b ir.ID, truths bool) ir.ID {
	op, args := ir.Mux, []ir.ID{test, a, b}
	if truths {
		if c, ok := e.b.Constant(b); ok && c == 0 {
			op, args = ir.And, []ir.ID{test, a}
		} else if c, ok := e.b.Constant(a); ok && c == 1 {
			op, args = ir.Or, []ir.ID{test, b}
		}
	}
	id, err := e.b.Op(op, e.b.Value(test).Pos, args...)
	if err != nil {
		e.refuse(e.here, err.Error(), "", "")
	}
	return id
}

// chooseIn is choose for what a cell holds.
func (e *eval) chooseIn(c cell, test ir.ID, a, b value) value {
	if c.o != nil && c.i == lengthCell && a != b {
		e.refuse(e.here, "an array gets another length in one arm of a decision than in the other", "how much there is to compute must not depend on values", "give it its length first, and assign its elements")
		return failed{}
	}
	return e.choose(test, a, b)
}

// simple is a value as a number or truth value of the body, if it is one.
func (e *eval) simple(v value) (dyn, bool) {
	switch v := v.(type) {
	case dyn:
		return v, true
	case truth:
		return dyn{e.id(v, 0), boolean}, true
	case num:
		c, ok := whole(float64(v))
		if !ok {
			return dyn{}, false
		}
		return dyn{id: e.constant(c)}, true
	}
	return dyn{}, false
}

func same(a, b value) bool {
	switch a.(type) {
	case num, truth, str, undefined, null, builtin, dyn, quotient, *object, *closure, *pick:
		return a == b
	}
	return false
}

func isObject(v value) bool {
	switch v.(type) {
	case *object, *pick:
		return true
	}
	return false
}

// mixed is what may be one of two values that do not go together.
func mixed(a, b value) value {
	for _, v := range []value{a, b} {
		switch v := v.(type) {
		case bad, failed:
			return v
		case num:
			if _, ok := whole(float64(v)); !ok {
				return bad{"the value may be " + describe(v), onlyIntegers, insteadOfFloat}
			}
		}
	}
	return bad{fmt.Sprintf("the value is %s or %s, by a decision at run time", describe(a), describe(b)), "its form must not depend on values", "give it the same form in both arms"}
}
