package js

import (
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
)

// name is a binding as the text declares it.
type name struct {
	fn       *ast.FunctionLiteral // it is declared in; nil: the module
	assigned file.Idx             // where another function assigns it, 0: none does
}

// names are a script's functions, in order, and what each captures.
type names struct {
	functions []*ast.FunctionLiteral
	ids       map[*ast.FunctionLiteral]int
	free      map[*ast.FunctionLiteral]map[string]*name
	objects   []*ast.ObjectLiteral
	declared  map[*ast.FunctionLiteral]bool    // by a statement or in a class, an object
	calls     map[file.Idx]*ast.CallExpression // by their begin and their parenthesis; of several the innermost
}

// scope is where names are visible.
type scope struct {
	outer *scope
	fn    *ast.FunctionLiteral
	names map[string]*name
}

// resolver finds what each identifier means.
type resolver struct{ *names }

// resolve looks at a whole script.
func resolve(p *ast.Program) *names {
	r := resolver{&names{ids: map[*ast.FunctionLiteral]int{}, free: map[*ast.FunctionLiteral]map[string]*name{},
		declared: map[*ast.FunctionLiteral]bool{}, calls: map[file.Idx]*ast.CallExpression{}}}
	s := &scope{names: map[string]*name{}}
	for _, d := range p.DeclarationList {
		s.declareAll(d.List)
	}
	s.declareBlock(p.Body)
	each(p.Body, func(n ast.Node) { r.visit(n, s) })
	return r.names
}

func (s *scope) inner(fn *ast.FunctionLiteral) *scope {
	return &scope{outer: s, fn: fn, names: map[string]*name{}}
}

func (s *scope) declare(id string) { s.names[id] = &name{fn: s.fn} }

// declareTarget declares what a pattern binds.
func (s *scope) declareTarget(target ast.Expression) {
	for _, id := range bound(target, nil) {
		s.declare(id.Name.String())
	}
}

func (s *scope) declareAll(list []*ast.Binding) {
	for _, b := range list {
		s.declareTarget(b.Target)
	}
}

// declareBlock declares what a block's statements do.
func (s *scope) declareBlock(list []ast.Statement) {
	for _, n := range list {
		switch n := n.(type) {
		case *ast.LexicalDeclaration:
			s.declareAll(n.List)
		case *ast.FunctionDeclaration:
			s.declareTarget(n.Function.Name)
		case *ast.ClassDeclaration:
			s.declareTarget(n.Class.Name)
		}
	}
}

// bound lists the identifiers that a pattern binds or assigns.
func bound(target ast.Expression, list []*ast.Identifier) []*ast.Identifier {
	switch t := target.(type) {
	case *ast.Identifier:
		return append(list, t)
	case *ast.Binding:
		return bound(t.Target, list)
	case *ast.AssignExpression:
		return bound(t.Left, list)
	case *ast.SpreadElement:
		return bound(t.Expression, list)
	case *ast.ArrayPattern:
		for _, e := range t.Elements {
			list = bound(e, list)
		}
		return bound(t.Rest, list)
	case *ast.ObjectPattern:
		for _, p := range t.Properties {
			switch p := p.(type) {
			case *ast.PropertyShort:
				list = append(list, &p.Name)
			case *ast.PropertyKeyed:
				list = bound(p.Value, list)
			}
		}
		return bound(t.Rest, list)
	}
	return list
}

// refer notes that an identifier is used in a scope.
func (r resolver) refer(id *ast.Identifier, s *scope, assigns bool) {
	text := id.Name.String()
	found := s
	for found != nil && found.names[text] == nil {
		found = found.outer
	}
	if found == nil {
		return
	}
	n := found.names[text]
	if assigns && n.fn != s.fn && n.assigned == 0 {
		n.assigned = id.Idx
	}
	for at := s; at != found; at = at.outer {
		if at.fn != nil && at.fn != found.fn {
			if r.free[at.fn] == nil {
				r.free[at.fn] = map[string]*name{}
			}
			r.free[at.fn][text] = n
		}
	}
}

func (r resolver) assigns(target ast.Expression, s *scope) {
	for _, id := range bound(target, nil) {
		r.refer(id, s, true)
	}
}

func (r resolver) visit(n ast.Node, s *scope) {
	into := func(s *scope) func(ast.Node) { return func(n ast.Node) { r.visit(n, s) } }
	switch n := n.(type) {
	case *ast.Identifier:
		r.refer(n, s, false)
		return
	case *ast.FunctionLiteral:
		r.function(n, s)
		return
	case *ast.CallExpression:
		r.calls[n.Idx0()], r.calls[n.LeftParenthesis] = n, n
	case *ast.FunctionDeclaration:
		r.declared[n.Function] = true
	case *ast.MethodDefinition:
		r.declared[n.Body] = true
	case *ast.ObjectLiteral:
		r.objects = append(r.objects, n)
	case *ast.PropertyKeyed:
		if fn, ok := n.Value.(*ast.FunctionLiteral); ok && n.Kind != ast.PropertyKindValue {
			r.declared[fn] = true
		}
	case *ast.AssignExpression:
		r.assigns(n.Left, s)
	case *ast.UnaryExpression:
		if n.Operator.String() == "++" || n.Operator.String() == "--" {
			r.assigns(n.Operand, s)
		}
	case *ast.BlockStatement:
		s = s.inner(s.fn)
		s.declareBlock(n.List)
	case *ast.SwitchStatement:
		s = s.inner(s.fn)
		for _, c := range n.Body {
			s.declareBlock(c.Consequent)
		}
	case *ast.ForStatement:
		s = s.inner(s.fn)
		if d, ok := n.Initializer.(*ast.ForLoopInitializerLexicalDecl); ok {
			s.declareAll(d.LexicalDeclaration.List)
		}
	case *ast.ForOfStatement:
		s = r.forInto(n.Into, s)
	case *ast.ForInStatement:
		s = r.forInto(n.Into, s)
	case *ast.CatchStatement:
		s = s.inner(s.fn)
		s.declareTarget(n.Parameter)
	case *ast.ClassLiteral:
		s = s.inner(s.fn)
		if n.Name != nil {
			s.declareTarget(n.Name)
		}
	}
	children(n, into(s))
}

func (r resolver) forInto(into ast.ForInto, s *scope) *scope {
	s = s.inner(s.fn)
	switch into := into.(type) {
	case *ast.ForDeclaration:
		s.declareTarget(into.Target)
	case *ast.ForIntoExpression:
		r.assigns(into.Expression, s)
	}
	return s
}

func (r resolver) function(fn *ast.FunctionLiteral, s *scope) {
	r.ids[fn] = len(r.functions)
	r.functions = append(r.functions, fn)
	s = s.inner(fn)
	if fn.Name != nil {
		s.declareTarget(fn.Name)
	}
	for _, d := range fn.DeclarationList {
		s.declareAll(d.List)
	}
	s.declareAll(fn.ParameterList.List)
	s.declareTarget(fn.ParameterList.Rest)
	s.declareBlock(fn.Body.List)
	parameters(fn.ParameterList, func(n ast.Node) { r.visit(n, s) })
	each(fn.Body.List, func(n ast.Node) { r.visit(n, s) })
}
