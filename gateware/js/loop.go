package js

import (
	"fmt"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"
)

// turn is what a loop does again and again.
type turn struct {
	test   ast.Expression // nil: always
	update ast.Expression // nil: nothing
	body   ast.Statement
	last   bool // the test stands behind the body
	fresh  bool // the variables are new in each turn
}

// goes tells whether a loop goes on: its test must be known.
func (e *eval) goes(test ast.Expression, s *env) bool {
	if test == nil {
		return true
	}
	t := e.truthOf(e.expr(test, s), test.Idx0())
	if _, ok := t.(dyn); ok {
		e.refuse(test.Idx0(), "the loop's end depends on values that are known only at run time", "each turn becomes part of the circuit", "count to a constant, and leave with if (…) break")
	}
	return t == truth(true) && e.err == nil
}

// loop runs all turns of a loop.
func (e *eval) loop(n ast.Statement, labels []string, t turn, s *env) *flow {
	r := e.enter(loopRegion, labels)
	var f *flow
	for turns := 0; f.goesOn() && (t.last && turns == 0 || e.goes(t.test, s)); turns++ {
		if turns == maxTurns {
			e.refuse(n.Idx0(), e.turns(t, s), fmt.Sprintf("each turn becomes part of the circuit, and at most %d are possible", maxTurns), "use fewer turns, or a fold over the stream")
			break
		}
		f = f.then(e.turn(labels, func() *flow { return e.statement(t.body, s, nil) }))
		if !f.goesOn() || e.err != nil {
			break
		}
		if t.fresh {
			s = s.copy()
		}
		if t.update != nil {
			e.expr(t.update, s)
		}
	}
	_, rest := e.settle(r, f)
	return rest
}

// turns says how many turns a loop has that has too many, without running more of them.
func (e *eval) turns(t turn, s *env) string {
	const most = 100_000
	n := maxTurns
	for ; n < most && t.update != nil && e.goes(t.test, s); n++ {
		e.expr(t.update, s)
	}
	if t.update == nil || n == most {
		return fmt.Sprintf("the loop has more than %d turns", n)
	}
	return fmt.Sprintf("the loop has %d turns", n)
}

// turn runs one turn.
func (e *eval) turn(labels []string, body func() *flow) *flow {
	r := e.enter(turnRegion, labels)
	_, rest := e.settle(r, body())
	return rest
}

// copy is a scope with the same values in new variables, so that functions made in a turn keep theirs.
func (s *env) copy() *env {
	c := s.outer.inner()
	for id, b := range s.names {
		c.names[id] = &binding{name: b.name, v: b.v, fixed: b.fixed}
	}
	return c
}

func (e *eval) forLoop(n *ast.ForStatement, s *env, labels []string) *flow {
	t := turn{test: n.Test, update: n.Update, body: n.Body}
	switch i := n.Initializer.(type) {
	case *ast.ForLoopInitializerExpression:
		e.expr(i.Expression, s)
	case *ast.ForLoopInitializerVarDeclList:
		e.variables(i.List, s)
	case *ast.ForLoopInitializerLexicalDecl:
		s, t.fresh = s.inner(), true
		e.declareAll(i.LexicalDeclaration.List, s, i.LexicalDeclaration.Token == token.CONST)
	}
	return e.loop(n, labels, t, s)
}

func (e *eval) forOf(n *ast.ForOfStatement, s *env, labels []string) *flow {
	return e.over(e.elements(e.expr(n.Source, s), n.Source.Idx0()), n.Into, n.Body, n, s, labels)
}

func (e *eval) forIn(n *ast.ForInStatement, s *env, labels []string) *flow {
	keys, _ := objectKeys(e, []value{e.expr(n.Source, s)}, n.Source.Idx0()).(*object)
	if keys == nil {
		return dead()
	}
	return e.over(keys.elems, n.Into, n.Body, n, s, labels)
}

// over runs a loop's body for each of a list.
func (e *eval) over(list []value, into ast.ForInto, body, n ast.Statement, s *env, labels []string) *flow {
	if len(list) > maxTurns {
		e.refuse(n.Idx0(), fmt.Sprintf("the loop has %d turns", len(list)), fmt.Sprintf("each turn becomes part of the circuit, and at most %d are possible", maxTurns), "use fewer turns, or a fold over the stream")
	}
	r := e.enter(loopRegion, labels)
	var f *flow
	for _, v := range list {
		if !f.goesOn() || e.err != nil {
			break
		}
		f = f.then(e.turn(labels, func() *flow {
			in := s.inner()
			e.intoNext(into, v, in)
			return e.statement(body, in, nil)
		}))
	}
	_, rest := e.settle(r, f)
	return rest
}

// intoNext gives a loop's variable its next value.
func (e *eval) intoNext(into ast.ForInto, v value, s *env) {
	switch into := into.(type) {
	case *ast.ForDeclaration:
		e.declare(into.Target, v, s, into.IsConst)
	case *ast.ForIntoVar:
		e.destructure(into.Binding.Target, v, s, func(target ast.Expression, v value) { e.assignTo(target, v, s) })
	case *ast.ForIntoExpression:
		e.destructure(into.Expression, v, s, func(target ast.Expression, v value) { e.assignTo(target, v, s) })
	}
}
