package js

import (
	"math"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/token"

	"github.com/capodekappa/capo/gateware/ir"
)

// expr evaluates an expression.
func (e *eval) expr(n ast.Expression, s *env) value {
	if !e.step(n) {
		return failed{}
	}
	switch n := n.(type) {
	case *ast.NumberLiteral:
		return e.numberLiteral(n)
	case *ast.BooleanLiteral:
		return truth(n.Value)
	case *ast.NullLiteral:
		return null{}
	case *ast.StringLiteral:
		return str(n.Value.String())
	case *ast.Identifier:
		return e.identifier(n, s)
	case *ast.ArrayLiteral:
		return newArray(e.list(n.Value, s)...)
	case *ast.ObjectLiteral:
		return e.objectLiteral(n, s)
	case *ast.FunctionLiteral:
		return e.function(n, s)
	case *ast.UnaryExpression:
		return e.unary(n, s)
	case *ast.BinaryExpression:
		return e.binaryExpr(n, s)
	case *ast.ConditionalExpression:
		return e.conditional(n, s)
	case *ast.AssignExpression:
		return e.assign(n, s)
	case *ast.SequenceExpression:
		var v value = undefined{}
		for _, x := range n.Sequence {
			v = e.expr(x, s)
		}
		return v
	case *ast.DotExpression:
		at := n.Identifier.Idx
		left := e.expr(n.Left, s)
		if _, ok := left.(builtin); ok {
			at = n.Idx0()
		}
		return e.member(left, str(n.Identifier.Name.String()), at)
	case *ast.BracketExpression:
		left := e.expr(n.Left, s)
		return e.member(left, e.expr(n.Member, s), n.Left.Idx0())
	case *ast.CallExpression:
		return e.call(n, s)
	case *ast.NewExpression:
		return e.construct(n, s)
	}
	e.refuseExpr(n)
	return failed{}
}

// refuseExpr says what an expression is that a kernel does not have.
func (e *eval) refuseExpr(n ast.Expression) {
	what, instead := "this expression", "use numbers, arrays, records and functions"
	switch n.(type) {
	case *ast.TemplateLiteral:
		what = "a template string"
	case *ast.RegExpLiteral:
		what = "a regular expression"
	case *ast.ThisExpression:
		what, instead = "this", "give what is needed as an argument"
	case *ast.ClassLiteral:
		what = "a class"
	case *ast.AwaitExpression:
		what, instead = "await", "a kernel answers at once; compute only with what it is given"
	case *ast.YieldExpression:
		what, instead = "yield", "return the values in an array"
	case *ast.SuperExpression:
		what = "super"
	case *ast.MetaProperty:
		what = "a property of the environment"
	}
	e.refuse(n.Idx0(), what, "a kernel is a function of numbers", instead)
}

func (e *eval) numberLiteral(n *ast.NumberLiteral) value {
	switch v := n.Value.(type) {
	case int64:
		return num(v)
	case float64:
		return num(v)
	}
	e.refuse(n.Idx, "the BigInt "+n.Literal, "a kernel computes with JavaScript's numbers", "leave out the n")
	return failed{}
}

func (e *eval) identifier(n *ast.Identifier, s *env) value {
	id := n.Name.String()
	if b := e.lookup(id, s); b != nil {
		if b.v == nil {
			e.refuse(n.Idx, id+" is used before it is declared", "", "declare it above")
			return failed{}
		}
		if why, ok := b.v.(bad); ok {
			e.refuse(n.Idx, why.what, why.why, why.instead)
			return failed{}
		}
		return b.v
	}
	switch id {
	case "undefined":
		return undefined{}
	case "NaN":
		return num(math.NaN())
	case "Infinity":
		return num(math.Inf(1))
	}
	return builtin(id)
}

func (e *eval) unary(n *ast.UnaryExpression, s *env) value {
	at := n.Idx0()
	switch n.Operator {
	case token.INCREMENT, token.DECREMENT:
		return e.increment(n, s)
	case token.DELETE:
		e.refuse(at, "delete", "a record's fields are fixed", "make a record without the field")
		return failed{}
	case token.TYPEOF:
		if id, ok := n.Operand.(*ast.Identifier); ok && e.lookup(id.Name.String(), s) == nil {
			return str(typeOf(e.identifier(id, s)))
		}
	}
	v := e.expr(n.Operand, s)
	if e.err != nil {
		return failed{}
	}
	f, constant := constantNumber(v)
	switch n.Operator {
	case token.NOT:
		return e.not(e.truthOf(v, at), at)
	case token.VOID:
		return undefined{}
	case token.TYPEOF:
		return str(typeOf(v))
	case token.PLUS:
		if constant {
			return num(f)
		}
		return e.known(dyn{id: e.id(v, at)})
	case token.MINUS:
		if constant {
			return num(-f)
		}
		return e.negated(v, at)
	case token.BITWISE_NOT:
		if constant {
			return num(^toInt32(f))
		}
		return e.op(ir.Xor, at, e.int32(v, at), e.constant(-1))
	}
	e.refuse(at, "the operator "+n.Operator.String(), "a kernel has no such operator", "")
	return failed{}
}

func (e *eval) negated(v value, at file.Idx) value {
	if q, ok := v.(quotient); ok {
		return quotient{q.a, -q.by}
	}
	return e.op(ir.Sub, at, e.constant(0), e.id(v, at))
}

func typeOf(v value) string {
	switch v := v.(type) {
	case truth:
		return "boolean"
	case str:
		return "string"
	case undefined:
		return "undefined"
	case *closure:
		return "function"
	case null, *object, *pick:
		return "object"
	case dyn:
		if v.form == boolean {
			return "boolean"
		}
	}
	return "number"
}

// truthOf is a value as a truth value.
func (e *eval) truthOf(v value, at file.Idx) value {
	switch v := v.(type) {
	case truth:
		return v
	case num:
		return truth(v != 0 && !math.IsNaN(float64(v)))
	case str:
		return truth(v != "")
	case undefined, null:
		return truth(false)
	case builtin, *object, *pick, *closure:
		return truth(true)
	case quotient: // it is 0 where a is
		return e.test(ir.Ne, at, e.use(v.a), e.constant(0))
	case dyn:
		id := e.use(v.id)
		if e.err == nil && e.isTruth(id) {
			return e.known(dyn{id, boolean})
		}
		return e.test(ir.Ne, at, id, e.constant(0))
	}
	e.refuseValue(v, at)
	return failed{}
}

func (e *eval) not(v value, at file.Idx) value {
	switch v := v.(type) {
	case truth:
		return !v
	case dyn:
		return e.test(ir.Eq, at, v.id, e.constant(0))
	}
	return failed{}
}

func (e *eval) binaryExpr(n *ast.BinaryExpression, s *env) value {
	at := n.Idx0()
	a := e.expr(n.Left, s)
	switch n.Operator {
	case token.LOGICAL_AND, token.LOGICAL_OR, token.COALESCE:
		return e.logical(n.Operator, a, at, func() value { return e.expr(n.Right, s) })
	}
	b := e.expr(n.Right, s)
	if e.err != nil {
		return failed{}
	}
	switch n.Operator {
	case token.EQUAL, token.STRICT_EQUAL:
		return e.equal(a, b, n.Operator == token.STRICT_EQUAL, at)
	case token.NOT_EQUAL, token.STRICT_NOT_EQUAL:
		return e.not(e.equal(a, b, n.Operator == token.STRICT_NOT_EQUAL, at), at)
	case token.LESS, token.LESS_OR_EQUAL, token.GREATER, token.GREATER_OR_EQUAL:
		return e.compare(n.Operator, a, b, at)
	case token.IN, token.INSTANCEOF:
		e.refuse(at, "the operator "+n.Operator.String(), "a kernel has no such operator", "")
		return failed{}
	}
	return e.binary(n.Operator, a, b, at)
}

// logical computes && || ??, which give one of their sides.
func (e *eval) logical(op token.Token, a value, at file.Idx, right func() value) value {
	if op == token.COALESCE {
		if isNothing(a) {
			return right()
		}
		return a
	}
	t := e.truthOf(a, at)
	if c, ok := t.(truth); ok {
		if bool(c) == (op == token.LOGICAL_AND) {
			return right()
		}
		return a
	}
	test, ok := t.(dyn)
	if !ok {
		return failed{}
	}
	left := func() value { return a }
	if op == token.LOGICAL_AND {
		return e.either(test.id, right, left)
	}
	return e.either(test.id, left, right)
}

func (e *eval) conditional(n *ast.ConditionalExpression, s *env) value {
	t := e.truthOf(e.expr(n.Test, s), n.Test.Idx0())
	then := func() value { return e.expr(n.Consequent, s) }
	other := func() value { return e.expr(n.Alternate, s) }
	switch t := t.(type) {
	case truth:
		if t {
			return then()
		}
		return other()
	case dyn:
		return e.either(t.id, then, other)
	}
	return failed{}
}

// either evaluates both arms of a decision in an expression.
func (e *eval) either(test ir.ID, then, other func() value) value {
	var a, b value
	e.fork(test, func() *flow { a = e.settled(then()); return nil }, func() *flow { b = e.settled(other()); return nil })
	if e.err != nil {
		return failed{}
	}
	return e.choose(test, a, b)
}

// settled is a value with what is known of it here, where it is about to leave.
func (e *eval) settled(v value) value {
	if d, ok := v.(dyn); ok && e.err == nil {
		d.id = e.use(d.id)
		return e.known(d)
	}
	return v
}
