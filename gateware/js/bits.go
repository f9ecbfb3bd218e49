package js

import (
	"math"

	"github.com/dop251/goja/file"
	"github.com/dop251/goja/token"

	"github.com/capodekappa/capo/gateware/ir"
)

// toInt32 is JavaScript's ToInt32.
func toInt32(f float64) int32 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return int32(uint32(int64(math.Mod(math.Trunc(f), 1<<32))))
}

// constantBinary computes a op b of what is known.
func constantBinary(op token.Token, a, b float64) value {
	x, y := toInt32(a), toInt32(b)
	switch op {
	case token.PLUS:
		return num(a + b)
	case token.MINUS:
		return num(a - b)
	case token.MULTIPLY:
		return num(a * b)
	case token.SLASH:
		return num(a / b)
	case token.REMAINDER:
		return num(math.Mod(a, b))
	case token.EXPONENT:
		return num(power(a, b))
	case token.AND:
		return num(x & y)
	case token.OR:
		return num(x | y)
	case token.EXCLUSIVE_OR:
		return num(x ^ y)
	case token.SHIFT_LEFT:
		return num(x << (uint32(y) & 31))
	case token.SHIFT_RIGHT:
		return num(x >> (uint32(y) & 31))
	case token.UNSIGNED_SHIFT_RIGHT:
		return num(uint32(x) >> (uint32(y) & 31))
	case token.LESS:
		return truth(a < b)
	case token.LESS_OR_EQUAL:
		return truth(a <= b)
	case token.GREATER:
		return truth(a > b)
	case token.GREATER_OR_EQUAL:
		return truth(a >= b)
	}
	return bad{what: "the operator " + op.String(), why: "a kernel has no such operator"}
}

// power is a ** b, where JavaScript differs from Go.
func power(a, b float64) float64 {
	if math.IsNaN(b) || math.IsInf(b, 0) && (a == 1 || a == -1) {
		return math.NaN()
	}
	return math.Pow(a, b)
}

// int32 is ToInt32 of a value.
func (e *eval) int32(v value, at file.Idx) ir.ID { return e.wrap(ir.WrapS, v, at) }

// uint32 is ToUint32 of a value.
func (e *eval) uint32(v value, at file.Idx) ir.ID { return e.wrap(ir.WrapU, v, at) }

func (e *eval) wrap(op ir.Op, v value, at file.Idx) ir.ID {
	if f, ok := constantNumber(v); ok {
		if op == ir.WrapU {
			return e.constant(int64(uint32(toInt32(f))))
		}
		return e.constant(int64(toInt32(f)))
	}
	if q, ok := v.(quotient); ok { // ToInt32 rounds towards zero
		return e.raw(op, 32, at, e.raw(ir.DivTrunc, q.by, at, q.a))
	}
	return e.raw(op, 32, at, e.id(v, at))
}

// bits computes the operators that work on 32 bits.
func (e *eval) bits(op token.Token, a, b value, at file.Idx) value {
	switch op {
	case token.AND:
		return e.mask(a, b, at)
	case token.OR:
		return e.op(ir.Or, at, e.int32(a, at), e.int32(b, at))
	case token.EXCLUSIVE_OR:
		return e.op(ir.Xor, at, e.int32(a, at), e.int32(b, at))
	case token.SHIFT_LEFT:
		return e.shiftLeft(e.int32(a, at), e.count(b, at), at)
	case token.SHIFT_RIGHT:
		return e.op(ir.Shr, at, e.int32(a, at), e.count(b, at))
	case token.UNSIGNED_SHIFT_RIGHT:
		return e.op(ir.Shr, at, e.uint32(a, at), e.count(b, at))
	}
	e.refuse(at, "the operator "+op.String(), "a kernel has no such operator", "")
	return failed{}
}

// mask is a & b; a mask of less than 32 bits makes wrapping needless.
func (e *eval) mask(a, b value, at file.Idx) value {
	x, xok := constantNumber(a)
	if xok {
		a, b = b, a
		x, xok = constantNumber(a)
	}
	y, yok := constantNumber(b)
	if _, fraction := a.(quotient); yok && !xok && !fraction && toInt32(y) >= 0 {
		return e.op(ir.And, at, e.id(a, at), e.constant(int64(toInt32(y))))
	}
	_ = x
	return e.op(ir.And, at, e.int32(a, at), e.int32(b, at))
}

// count is a shift's right side.
func (e *eval) count(v value, at file.Idx) ir.ID {
	if f, ok := constantNumber(v); ok {
		return e.constant(int64(toInt32(f) & 31))
	}
	if _, ok := v.(quotient); ok {
		return e.raw(ir.And, 0, at, e.int32(v, at), e.constant(31))
	}
	return e.raw(ir.And, 0, at, e.id(v, at), e.constant(31))
}

// shiftLeft shifts in two steps where one might leave ±2^62.
func (e *eval) shiftLeft(a, n ir.ID, at file.Idx) value {
	if e.err != nil {
		return failed{}
	}
	s, c := e.span(a), e.span(n)
	if max(-s.lo, s.hi) >= 1<<31 && c.hi == 31 {
		a = e.raw(ir.WrapS, 32, at, e.raw(ir.Shl, 0, at, a, e.raw(ir.And, 0, at, n, e.constant(15))))
		n = e.raw(ir.And, 0, at, n, e.constant(16))
	}
	return e.opImm(ir.WrapS, 32, at, e.raw(ir.Shl, 0, at, a, n))
}

// imul is Math.imul, in two steps where one might leave ±2^62.
func (e *eval) imul(a, b ir.ID, at file.Idx) value {
	if e.err != nil {
		return failed{}
	}
	x, y := e.span(a), e.span(b)
	if max(-x.lo, x.hi) < 1<<31 || max(-y.lo, y.hi) < 1<<31 {
		return e.opImm(ir.WrapS, 32, at, e.raw(ir.Mul, 0, at, a, b))
	}
	low := e.raw(ir.Mul, 0, at, a, e.raw(ir.And, 0, at, b, e.constant(0xffff)))
	high := e.raw(ir.WrapS, 16, at, e.raw(ir.Mul, 0, at, a, e.raw(ir.Shr, 0, at, b, e.constant(16))))
	high = e.raw(ir.Shl, 0, at, high, e.constant(16))
	return e.opImm(ir.WrapS, 32, at, e.raw(ir.Add, 0, at, low, high))
}

// power multiplies a value with itself.
func (e *eval) power(a, b value, at file.Idx) value {
	f, ok := constantNumber(b)
	n, isWhole := whole(f)
	if !ok || !isWhole || n < 0 || n > 16 {
		e.refuse(at, "a power of a value that is known only at run time", onlyIntegers, "use a whole exponent of at most 16, or a table")
		return failed{}
	}
	var result value = num(1)
	for range n {
		result = e.binary(token.MULTIPLY, result, a, at)
	}
	return result
}

// divide computes / and %, by a constant.
func (e *eval) divide(op token.Token, a, b value, at file.Idx) value {
	f, ok := constantNumber(b)
	if !ok {
		if e.err == nil {
			e.refuse(at, "a division by a value that is known only at run time", "only constants divide", "multiply by a reciprocal from a table and shift")
		}
		return failed{}
	}
	by, isWhole := whole(f)
	if f == 0 {
		e.refuse(at, "a division by 0", "its result is no number", "use another divisor")
		return failed{}
	}
	if !isWhole || by <= -far || by >= far {
		e.refuse(at, "a division by "+formatNumber(f), "a kernel divides by whole numbers", insteadOfFloat)
		return failed{}
	}
	id := e.id(a, at)
	switch {
	case e.err != nil:
		return failed{}
	case op == token.REMAINDER:
		return e.opImm(ir.Rem, by, at, id)
	case by == 1:
		return e.known(dyn{id: id})
	}
	return quotient{id, by}
}

// compare computes < <= > >=.
func (e *eval) compare(op token.Token, a, b value, at file.Idx) value {
	if x, y, ok := numbers(a, b); ok {
		return constantBinary(op, x, y)
	}
	switch op { // only < and <= are left
	case token.GREATER:
		a, b, op = b, a, token.LESS
	case token.GREATER_OR_EQUAL:
		a, b, op = b, a, token.LESS_OR_EQUAL
	}
	strict := op == token.LESS
	if f, ok := constantNumber(a); ok {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return truth(f < 0)
		}
		if strict {
			f = math.Floor(f)
		} else {
			f = math.Ceil(f)
		}
		a = num(min(max(f, -far), far))
	}
	if f, ok := constantNumber(b); ok {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return truth(f > 0)
		}
		if strict {
			f = math.Ceil(f)
		} else {
			f = math.Floor(f)
		}
		b = num(min(max(f, -far), far))
	}
	if strict {
		return e.test(ir.Lt, at, e.id(a, at), e.id(b, at))
	}
	return e.test(ir.Le, at, e.id(a, at), e.id(b, at))
}

// equal computes == and ===.
func (e *eval) equal(a, b value, strict bool, at file.Idx) value {
	for _, v := range []value{a, b} {
		switch v.(type) {
		case bad, failed, quotient:
			e.refuseValue(v, at)
			return failed{}
		}
	}
	x, isX := a.(dyn)
	y, isY := b.(dyn)
	if !isX && !isY {
		return e.constantEqual(a, b, strict, at)
	}
	if !isX {
		a, b, x, y, isY = b, a, y, x, false
	}
	f, constant := constantNumber(b)
	switch {
	case !isY && (!constant || isNothing(b)):
		if !strict && (isString(b) || isObject(b)) {
			e.refuse(at, "== of a number and "+describe(b), "one would become the other", "use numbers, or ===")
		}
		return truth(false)
	case strict && (x.form == either || isY && y.form == either):
		e.refuse(at, "=== of what is a number in one case and true or false in another", "the two are never ===", "use ==, or give the value one form")
		return failed{}
	case strict && (x.form == boolean) != (isY && y.form == boolean || isTruth(b)):
		return truth(false)
	case !isY && (f != math.Trunc(f) || math.Abs(f) > far):
		return truth(false)
	}
	return e.test(ir.Eq, at, e.id(a, at), e.id(b, at))
}

func isTruth(v value) bool { _, ok := v.(truth); return ok }

func isNothing(v value) bool {
	switch v.(type) {
	case undefined, null:
		return true
	}
	return false
}

func (e *eval) constantEqual(a, b value, strict bool, at file.Idx) value {
	switch {
	case isNothing(a) || isNothing(b):
		return truth(a == b || !strict && isNothing(a) && isNothing(b))
	case isString(a) && isString(b):
		return truth(a == b)
	}
	x, okX := constantNumber(a)
	y, okY := constantNumber(b)
	switch {
	case !strict && isObject(a) != isObject(b):
		e.refuse(at, "== of "+describe(a)+" and "+describe(b), "an object would become a string", "compare what is in it")
		return failed{}
	case okX && okY:
		return truth(x == y && (!strict || isTruth(a) == isTruth(b)))
	case !strict && (isString(a) || isString(b)):
		e.refuse(at, "== of a string and something else", "a kernel has no strings", "use ===, or numbers")
		return failed{}
	}
	if _, ok := a.(*pick); ok {
		e.refuse(at, "a comparison of objects that are chosen at run time", "which object it is must not depend on values", "compare what is in them")
		return failed{}
	}
	return truth(same(a, b))
}
