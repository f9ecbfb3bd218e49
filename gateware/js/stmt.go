package js

import (
	"slices"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"
)

// block runs statements in a scope of their own.
func (e *eval) block(list []ast.Statement, s *env) *flow {
	e.hoist(list, s)
	return e.run(list, s)
}

// hoist declares what statements declare: functions at once, other names without a value.
func (e *eval) hoist(list []ast.Statement, s *env) {
	for _, n := range list {
		switch n := n.(type) {
		case *ast.LexicalDeclaration:
			for _, b := range n.List {
				for _, id := range bound(b.Target, nil) {
					s.declare(id.Name.String(), nil, false)
				}
			}
		case *ast.FunctionDeclaration:
			s.declare(n.Function.Name.Name.String(), &closure{fn: n.Function, env: s}, false)
		}
	}
}

// run runs statements one after the other.
func (e *eval) run(list []ast.Statement, s *env) *flow {
	var f *flow
	for _, n := range list {
		f = f.then(e.statement(n, s, nil))
		if e.err != nil {
			return dead()
		}
		if !f.goesOn() {
			break
		}
	}
	return f
}

// statement runs one statement. labels are those that stand before it.
func (e *eval) statement(n ast.Statement, s *env, labels []string) *flow {
	if !e.step(n) {
		return dead()
	}
	switch n.(type) {
	case *ast.BlockStatement, *ast.FunctionDeclaration, *ast.EmptyStatement:
	default:
		e.here = n.Idx0()
	}
	switch n := n.(type) {
	case *ast.BlockStatement:
		return e.block(n.List, s.inner())
	case *ast.ExpressionStatement:
		e.expr(n.Expression, s)
	case *ast.LexicalDeclaration:
		e.declareAll(n.List, s, n.Token == token.CONST)
	case *ast.VariableStatement:
		e.variables(n.List, s)
	case *ast.FunctionDeclaration, *ast.EmptyStatement:
	case *ast.ReturnStatement:
		return e.returns(n, s)
	case *ast.IfStatement:
		return e.ifElse(n, s)
	case *ast.ForStatement:
		return e.forLoop(n, s, labels)
	case *ast.ForOfStatement:
		return e.forOf(n, s, labels)
	case *ast.ForInStatement:
		return e.forIn(n, s, labels)
	case *ast.WhileStatement:
		return e.loop(n, labels, turn{test: n.Test, body: n.Body}, s)
	case *ast.DoWhileStatement:
		return e.loop(n, labels, turn{test: n.Test, body: n.Body, last: true}, s)
	case *ast.SwitchStatement:
		return e.switches(n, s, labels)
	case *ast.LabelledStatement:
		return e.labelled(n, s, labels)
	case *ast.BranchStatement:
		return e.branch(n)
	default:
		e.refuseStatement(n)
	}
	return nil
}

func (e *eval) refuseStatement(n ast.Statement) {
	switch n.(type) {
	case *ast.ThrowStatement:
		e.refuse(n.Idx0(), "throw", "a kernel answers every input", "return a value that says so")
	case *ast.TryStatement:
		e.refuse(n.Idx0(), "try", "nothing in a kernel throws", "leave it out")
	case *ast.ClassDeclaration:
		e.refuse(n.Idx0(), "a class", "a kernel is a function of numbers", "use records and functions")
	default:
		e.refuse(n.Idx0(), "this statement", "a kernel is a function of numbers", "leave it out")
	}
}

func (e *eval) declareAll(list []*ast.Binding, s *env, fixed bool) {
	for _, b := range list {
		var v value = undefined{}
		if b.Initializer != nil {
			v = e.expr(b.Initializer, s)
		}
		if e.err == nil {
			e.declare(b.Target, v, s, fixed)
		}
	}
}

// variables assigns what var declares; the names were declared with their function.
func (e *eval) variables(list []*ast.Binding, s *env) {
	for _, b := range list {
		if b.Initializer != nil {
			v := e.expr(b.Initializer, s)
			e.destructure(b.Target, v, s, func(target ast.Expression, v value) { e.assignTo(target, v, s) })
		}
	}
}

func (e *eval) returns(n *ast.ReturnStatement, s *env) *flow {
	var v value = undefined{}
	if n.Argument != nil {
		v = e.settled(e.expr(n.Argument, s))
	}
	for _, r := range slices.Backward(e.regions) {
		if r.kind == callRegion {
			if n.Argument != nil {
				e.returned = n.Argument.Idx0()
			}
			return e.leave(r, v, n)
		}
	}
	return nil
}

func (e *eval) ifElse(n *ast.IfStatement, s *env) *flow {
	t := e.truthOf(e.expr(n.Test, s), n.Test.Idx0())
	then := func() *flow { return e.statement(n.Consequent, s, nil) }
	other := func() *flow {
		if n.Alternate == nil {
			return nil
		}
		return e.statement(n.Alternate, s, nil)
	}
	switch t := t.(type) {
	case truth:
		if t {
			return then()
		}
		return other()
	case dyn:
		return e.fork(t.id, then, other)
	}
	return dead()
}

func (e *eval) labelled(n *ast.LabelledStatement, s *env, labels []string) *flow {
	labels = append(labels, n.Label.Name.String())
	switch n.Statement.(type) {
	case *ast.ForStatement, *ast.ForOfStatement, *ast.ForInStatement, *ast.WhileStatement, *ast.DoWhileStatement, *ast.LabelledStatement:
		return e.statement(n.Statement, s, labels)
	}
	r := e.enter(blockRegion, labels)
	_, rest := e.settle(r, e.statement(n.Statement, s, nil))
	return rest
}

// branch leaves for the end of a loop, or of its turn.
func (e *eval) branch(n *ast.BranchStatement) *flow {
	want := loopRegion
	if n.Token == token.CONTINUE {
		want = turnRegion
	}
	for _, r := range slices.Backward(e.regions) {
		if r.kind == callRegion {
			break
		}
		if n.Label == nil && r.kind == want || n.Label != nil && slices.Contains(r.labels, n.Label.Name.String()) && (r.kind == want || r.kind == blockRegion) {
			return e.leave(r, nil, n)
		}
	}
	e.refuse(n.Idx, n.Token.String()+" outside a loop", "", "")
	return nil
}

// switches runs a switch as decisions one after the other.
func (e *eval) switches(n *ast.SwitchStatement, s *env, labels []string) *flow {
	v := e.expr(n.Discriminant, s)
	s = s.inner()
	for _, c := range n.Body {
		e.hoist(c.Consequent, s)
	}
	r := e.enter(loopRegion, labels)
	_, rest := e.settle(r, e.cases(n, v, 0, s))
	return rest
}

// cases tests the cases from the k-th on; the default's turn comes last.
func (e *eval) cases(n *ast.SwitchStatement, v value, k int, s *env) *flow {
	if e.err != nil {
		return dead()
	}
	for k < len(n.Body) && n.Body[k].Test == nil {
		k++
	}
	if k == len(n.Body) {
		if n.Default < 0 {
			return nil
		}
		return e.fallThrough(n, n.Default, s)
	}
	test := e.equal(v, e.expr(n.Body[k].Test, s), true, n.Body[k].Case)
	from := k
	for k+1 < len(n.Body) && len(n.Body[k].Consequent) == 0 && n.Body[k+1].Test != nil { // case 1: case 2: …
		k++
		next := n.Body[k]
		test = e.logical(token.LOGICAL_OR, test, next.Case, func() value { return e.equal(v, e.expr(next.Test, s), true, next.Case) })
	}
	switch t := test.(type) {
	case truth:
		if t {
			return e.fallThrough(n, from, s)
		}
		return e.cases(n, v, k+1, s)
	case dyn:
		return e.fork(t.id, func() *flow { return e.fallThrough(n, from, s) }, func() *flow { return e.cases(n, v, k+1, s) })
	}
	return dead()
}

// fallThrough runs the bodies from the k-th on, until one breaks.
func (e *eval) fallThrough(n *ast.SwitchStatement, k int, s *env) *flow {
	var f *flow
	for ; k < len(n.Body) && f.goesOn() && e.err == nil; k++ {
		f = f.then(e.run(n.Body[k].Consequent, s))
	}
	return f
}
