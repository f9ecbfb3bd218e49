package js

import (
	"fmt"
	"strconv"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/token"

	"github.com/capodekappa/capo/gateware/ir"
)

func (e *eval) assign(n *ast.AssignExpression, s *env) value {
	at := n.Left.Idx0()
	switch n.Operator {
	case token.ASSIGN:
		if isPattern(n.Left) {
			v := e.expr(n.Right, s)
			e.destructure(n.Left, v, s, func(target ast.Expression, v value) { e.assignTo(target, v, s) })
			return v
		}
		p, ok := e.place(n.Left, s)
		if !ok {
			return failed{}
		}
		v := e.expr(n.Right, s)
		e.put(p, v, at)
		return v
	}
	p, ok := e.place(n.Left, s)
	if !ok {
		return failed{}
	}
	old := e.get(p, at)
	switch n.Operator {
	case token.LOGICAL_AND, token.LOGICAL_OR, token.COALESCE:
		v := e.logical(n.Operator, old, at, func() value { return e.expr(n.Right, s) })
		e.put(p, v, at)
		return v
	}
	v := e.binary(n.Operator, old, e.expr(n.Right, s), at)
	e.put(p, v, at)
	return v
}

func isPattern(n ast.Expression) bool {
	switch n.(type) {
	case *ast.ArrayPattern, *ast.ObjectPattern:
		return true
	}
	return false
}

func (e *eval) assignTo(target ast.Expression, v value, s *env) {
	if p, ok := e.place(target, s); ok {
		e.put(p, v, target.Idx0())
	}
}

func (e *eval) increment(n *ast.UnaryExpression, s *env) value {
	at := n.Idx0()
	p, ok := e.place(n.Operand, s)
	if !ok {
		return failed{}
	}
	old := e.get(p, at)
	if f, ok := constantNumber(old); ok {
		old = num(f)
	} else if d, ok := old.(dyn); ok {
		old = dyn{id: d.id}
	}
	op := token.PLUS
	if n.Operator == token.DECREMENT {
		op = token.MINUS
	}
	v := e.binary(op, old, num(1), at)
	e.put(p, v, at)
	if n.Postfix {
		return old
	}
	return v
}

// place is what can be assigned: a variable, or a property of an object.
type place struct {
	b   *binding
	of  value
	key value
}

func (e *eval) place(n ast.Expression, s *env) (place, bool) {
	switch n := n.(type) {
	case *ast.Identifier:
		id := n.Name.String()
		b := e.lookup(id, s)
		switch {
		case b == nil:
			e.refuse(n.Idx, "an assignment to "+id, noMemory, insteadOfState)
		case b.outside != "":
			e.refuse(n.Idx, "an assignment to "+id+", which is declared outside", noMemory, insteadOfState)
		case b.fixed:
			e.refuse(n.Idx, "an assignment to "+id+", which is a const", "", "declare it with let")
		case b.v == nil:
			e.refuse(n.Idx, id+" is assigned before it is declared", "", "declare it above")
		}
		return place{b: b}, e.err == nil
	case *ast.DotExpression:
		of := e.expr(n.Left, s)
		return place{of: of, key: str(n.Identifier.Name.String())}, e.err == nil
	case *ast.BracketExpression:
		of := e.expr(n.Left, s)
		return place{of: of, key: e.expr(n.Member, s)}, e.err == nil
	}
	if e.err == nil {
		e.refuse(n.Idx0(), "an assignment to this expression", "", "assign to a variable, an element or a field")
	}
	return place{}, false
}

func (e *eval) get(p place, at file.Idx) value {
	if e.err != nil {
		return failed{}
	}
	if p.b != nil {
		return p.b.v
	}
	return e.member(p.of, p.key, at)
}

func (e *eval) put(p place, v value, at file.Idx) {
	switch {
	case e.err != nil:
	case p.b != nil:
		e.write(cell{b: p.b}, v)
	default:
		e.putMember(p.of, p.key, v, at)
	}
}

// mine refuses to change an object from outside the kernel.
func (e *eval) mine(o *object, at file.Idx) bool {
	if e.err == nil && o.outside != "" {
		e.refuse(at, "a change of "+o.outside, "it is not the kernel's own, and "+noMemory, "copy it first ([...a], {...r}), or keep what changes in a fold's state")
	}
	return e.err == nil
}

func (e *eval) putMember(of, k, v value, at file.Idx) {
	switch o := of.(type) {
	case *object:
		if !e.mine(o, at) {
			return
		}
		if d, ok := k.(dyn); ok && o.array && d.form == number {
			e.putAny(o, d.id, v, at)
			return
		}
		e.putField(o, k, v, at)
	case *pick:
		s := e.span(e.use(o.index))
		for i := s.lo; i <= s.hi && e.err == nil; i++ {
			e.putIf(e.raw(ir.Eq, 0, at, o.index, e.constant(i)), o.from[i], k, v, at)
		}
	case builtin:
		e.refuse(at, "a change of "+string(o), noMemory, insteadOfState)
	case *closure:
		e.refuse(at, "a property of a function", noMemory, insteadOfState)
	default:
		e.refuse(at, "an assignment to a property of "+describe(of), "", "assign to an array or a record")
	}
}

// putIf changes a property where a test holds.
func (e *eval) putIf(test ir.ID, of, k, v value, at file.Idx) {
	if c, ok := e.b.Constant(test); ok && e.err == nil {
		if c != 0 {
			e.putMember(of, k, v, at)
		}
		return
	}
	old := e.member(of, k, at)
	e.putMember(of, k, e.choose(test, v, old), at)
}

// putAny changes the element at a run-time index.
func (e *eval) putAny(o *object, id ir.ID, v value, at file.Idx) {
	id = e.use(id)
	s := e.span(id)
	if s.lo < 0 || s.hi >= int64(len(o.elems)) {
		e.refuseIndex(s, len(o.elems), at)
		return
	}
	if s.hi-s.lo >= maxChoice {
		e.refuse(at, fmt.Sprintf("an index known only at run time chooses from %d elements", s.hi-s.lo+1), fmt.Sprintf("at most %d are possible", maxChoice), "use a smaller array")
		return
	}
	for i := s.lo; i <= s.hi && e.err == nil; i++ {
		test := e.raw(ir.Eq, 0, at, id, e.constant(i))
		e.write(cell{o: o, i: int(i)}, e.choose(test, v, o.at(int(i))))
	}
}

func (e *eval) putField(o *object, k, v value, at file.Idx) {
	text, ok := key(k)
	if d, isDyn := k.(dyn); isDyn && d.form != number {
		e.index(o, d, at)
		return
	}
	if !ok {
		e.refuse(at, "a field's name is known only at run time", "a record's fields are fixed", "use an array and an index")
		return
	}
	if !o.array {
		e.write(cell{o: o, key: text}, v)
		return
	}
	i, err := strconv.Atoi(text)
	if err != nil || i < 0 || i > ir.MaxTableEntries || strconv.Itoa(i) != text {
		e.refuse(at, "an assignment to ."+text+" of an array", "its elements are 0, 1, 2, …", "make a new array")
		return
	}
	if i >= len(o.elems) {
		e.write(cell{o: o, i: lengthCell}, num(i+1))
	}
	e.write(cell{o: o, i: i}, v)
}
