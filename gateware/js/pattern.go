package js

import (
	"slices"

	"github.com/dop251/goja/ast"
)

// destructure gives the parts of a value to the targets of a pattern.
func (e *eval) destructure(target ast.Expression, v value, s *env, give func(ast.Expression, value)) {
	if e.err != nil || target == nil {
		return
	}
	switch t := target.(type) {
	case *ast.AssignExpression: // a default
		e.destructure(t.Left, e.or(v, t.Right, s), s, give)
	case *ast.Binding:
		e.destructure(t.Target, e.or(v, t.Initializer, s), s, give)
	case *ast.ArrayPattern:
		e.destructureArray(t, v, s, give)
	case *ast.ObjectPattern:
		e.destructureObject(t, v, s, give)
	default:
		give(target, v)
	}
}

// or is a default's value where there is none.
func (e *eval) or(v value, initializer ast.Expression, s *env) value {
	if _, missing := v.(undefined); missing && initializer != nil {
		return e.expr(initializer, s)
	}
	return v
}

func (e *eval) destructureArray(t *ast.ArrayPattern, v value, s *env, give func(ast.Expression, value)) {
	list := e.elements(v, t.LeftBracket)
	for i, target := range t.Elements {
		var part value = undefined{}
		if i < len(list) {
			part = list[i]
		}
		e.destructure(target, part, s, give)
	}
	if t.Rest != nil {
		e.destructure(t.Rest, newArray(slices.Clone(list[min(len(t.Elements), len(list)):])...), s, give)
	}
}

func (e *eval) destructureObject(t *ast.ObjectPattern, v value, s *env, give func(ast.Expression, value)) {
	var taken []string
	for _, p := range t.Properties {
		switch p := p.(type) {
		case *ast.PropertyShort:
			k := p.Name.Name.String()
			taken = append(taken, k)
			e.destructure(&p.Name, e.or(e.member(v, str(k), p.Name.Idx), p.Initializer, s), s, give)
		case *ast.PropertyKeyed:
			k, ok := e.key(p.Key, p.Computed, s)
			if !ok {
				return
			}
			taken = append(taken, k)
			e.destructure(p.Value, e.member(v, str(k), p.Key.Idx0()), s, give)
		}
	}
	if t.Rest == nil {
		return
	}
	o, ok := e.whole(v, t.LeftBrace)
	if !ok {
		return
	}
	rest := newRecord()
	for _, k := range o.keys {
		if !slices.Contains(taken, k) {
			rest.set(k, o.get(k))
		}
	}
	e.destructure(t.Rest, rest, s, give)
}

// declare binds the names of a pattern in a scope.
func (e *eval) declare(target ast.Expression, v value, s *env, fixed bool) {
	e.destructure(target, v, s, func(target ast.Expression, v value) {
		id, ok := target.(*ast.Identifier)
		if !ok {
			e.refuse(target.Idx0(), "a declaration of this expression", "", "declare a name")
			return
		}
		s.declare(id.Name.String(), v, fixed)
	})
}
