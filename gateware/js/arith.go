package js

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/dop251/goja/file"
	"github.com/dop251/goja/token"

	"github.com/capodekappa/capo/gateware/ir"
)

// far is how far from zero JavaScript's numbers are exact integers.
const far = 1 << 53

func formatNumber(f float64) string {
	switch {
	case f == 0: // -0 too
		return "0"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// raw makes an operation, of any range that the IR takes.
func (e *eval) raw(op ir.Op, imm int64, at file.Idx, args ...ir.ID) ir.ID {
	if e.err != nil {
		return 0
	}
	for i, a := range args {
		args[i] = e.use(a)
	}
	id, err := e.b.OpImm(op, imm, e.m.pos.at(at), args...)
	if err != nil {
		e.refuseOp(op, at, err, args)
		return 0
	}
	return e.use(id)
}

func (e *eval) refuseOp(op ir.Op, at file.Idx, err error, args []ir.ID) {
	if errors.Is(err, ir.ErrRange) {
		e.refuse(at, e.operands(op, args)+" may be outside ±2^53", "numbers are exact only up to there", narrower(op))
		return
	}
	e.refuse(at, err.Error(), "", "")
}

// opNames name operations as a programmer knows them.
var opNames = map[ir.Op]string{ir.Add: "the sum", ir.Sub: "the difference", ir.Mul: "the product", ir.Shl: "the shift", ir.Abs: "the magnitude"}

// operands describes an operation with the ranges of what goes in.
func (e *eval) operands(op ir.Op, args []ir.ID) string {
	name := opNames[op]
	if name == "" {
		name = "the result of " + op.String()
	}
	text := name + " of "
	for i, a := range args {
		if i > 0 {
			text += " and "
		}
		s := e.span(a)
		text += fmt.Sprintf("%d..%d", s.lo, s.hi)
	}
	return text
}

func narrower(op ir.Op) string {
	if op == ir.Mul {
		return "narrow a factor with & or Math.min and Math.max, or use Math.imul, which keeps the low 32 bits"
	}
	return "narrow an operand with &, | 0 or Math.min and Math.max"
}

// op makes an operation whose result is a JavaScript number.
func (e *eval) op(op ir.Op, at file.Idx, args ...ir.ID) value {
	return e.checked(op, at, e.raw(op, 0, at, args...), args)
}

func (e *eval) opImm(op ir.Op, imm int64, at file.Idx, args ...ir.ID) value {
	return e.checked(op, at, e.raw(op, imm, at, args...), args)
}

func (e *eval) checked(op ir.Op, at file.Idx, id ir.ID, args []ir.ID) value {
	if e.err != nil {
		return failed{}
	}
	s := e.span(id)
	if s.lo < -far || s.hi > far {
		e.refuse(at, fmt.Sprintf("%s is within %d..%d, outside ±2^53", e.operands(op, args), s.lo, s.hi), "numbers are exact only up to there", narrower(op))
		return failed{}
	}
	return e.known(dyn{id: id})
}

// known turns a run-time number that is a constant into one of compile time.
func (e *eval) known(d dyn) value {
	c, ok := e.b.Constant(d.id)
	switch {
	case !ok:
		return d
	case d.form == boolean:
		return truth(c != 0)
	case d.form == either:
		return d
	}
	return num(c)
}

// test makes a comparison.
func (e *eval) test(op ir.Op, at file.Idx, args ...ir.ID) value {
	id := e.raw(op, 0, at, args...)
	if e.err != nil {
		return failed{}
	}
	return e.known(dyn{id, boolean})
}

// constant makes a number of the body.
func (e *eval) constant(c int64) ir.ID {
	id, err := e.b.Const(c)
	if err != nil {
		e.refuse(0, err.Error(), "", "")
	}
	return id
}

// id is a value as a number of the body: refused if it is none.
func (e *eval) id(v value, at file.Idx) ir.ID {
	switch v := v.(type) {
	case dyn:
		return e.use(v.id)
	case truth:
		if v {
			return e.constant(1)
		}
		return e.constant(0)
	case num:
		c, ok := whole(float64(v))
		if !ok {
			e.refuseNumber(float64(v), at)
			return 0
		}
		return e.constant(c)
	}
	e.refuseValue(v, at)
	return 0
}

func (e *eval) refuseNumber(f float64, at file.Idx) {
	switch {
	case math.IsNaN(f):
		e.refuse(at, "the value is NaN", onlyIntegers, "look for a missing element or argument, or a calculation with undefined")
	case math.IsInf(f, 0):
		e.refuse(at, "the value is "+formatNumber(f), onlyIntegers, "use a number as large as is needed")
	case math.Abs(f) > far:
		e.refuse(at, formatNumber(f)+" is outside ±2^53", "numbers are exact only up to there", "use a smaller number")
	default:
		e.refuse(at, formatNumber(f)+" is not a whole number", onlyIntegers, insteadOfFloat)
	}
}

// refuseValue says why a value is no number.
func (e *eval) refuseValue(v value, at file.Idx) {
	switch v := v.(type) {
	case failed:
		e.fail()
	case bad:
		e.refuse(at, v.what, v.why, v.instead)
	case undefined:
		e.refuse(at, "the value is undefined", onlyIntegers, "look for an index outside its array, a missing field, argument or return")
	case quotient:
		e.refuse(at, "a quotient is a fraction", onlyIntegers, "put it at once into Math.floor, Math.trunc, Math.round, | 0 or >>> 0")
	case str:
		e.refuse(at, describe(v)+" is not a number", "a kernel has no strings", "use numbers")
	case builtin:
		e.refuseBuiltin(string(v), at)
	default:
		e.refuse(at, describe(v)+" is not a number", onlyIntegers, "name an element or a field of it")
	}
}

// binary computes a op b.
func (e *eval) binary(op token.Token, a, b value, idx file.Idx) value {
	if e.err != nil {
		return failed{}
	}
	if x, y, ok := numbers(a, b); ok {
		return constantBinary(op, x, y)
	}
	if op == token.PLUS && (isString(a) || isString(b)) {
		return e.strings(a, b, idx)
	}
	switch op {
	case token.PLUS:
		return e.op(ir.Add, idx, e.id(a, idx), e.id(b, idx))
	case token.MINUS:
		return e.minus(idx, e.id(a, idx), e.id(b, idx))
	case token.MULTIPLY:
		return e.op(ir.Mul, idx, e.id(a, idx), e.id(b, idx))
	case token.EXPONENT:
		return e.power(a, b, idx)
	case token.SLASH, token.REMAINDER:
		return e.divide(op, a, b, idx)
	}
	return e.bits(op, a, b, idx)
}

// minus is a difference, which is not negative where a test said that a is at least b.
func (e *eval) minus(at file.Idx, a, b ir.ID) value {
	v := e.op(ir.Sub, at, a, b)
	if d, ok := v.(dyn); ok && e.ordered[pair{e.plain(a), e.plain(b)}] {
		id, err := e.b.Bound(d.id, 0, far, e.m.pos.at(at))
		if err == nil {
			return e.known(dyn{id: id})
		}
	}
	return v
}

func isString(v value) bool { _, ok := v.(str); return ok }

// strings joins what is known; names of fields may be made so.
func (e *eval) strings(a, b value, at file.Idx) value {
	x, xok := key(a)
	y, yok := key(b)
	if !xok || !yok {
		e.refuse(at, "a string is made of a value that is known only at run time", "a kernel has no strings", "use numbers")
		return failed{}
	}
	return str(x + y)
}

// numbers are two values known at compile time, as numbers.
func numbers(a, b value) (x, y float64, ok bool) {
	x, okX := constantNumber(a)
	y, okY := constantNumber(b)
	return x, y, okX && okY
}

func constantNumber(v value) (float64, bool) {
	switch v := v.(type) {
	case num:
		return float64(v), true
	case truth:
		if v {
			return 1, true
		}
		return 0, true
	case undefined:
		return math.NaN(), true
	case null:
		return 0, true
	}
	return 0, false
}
