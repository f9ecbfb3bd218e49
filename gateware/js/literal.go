package js

import (
	"fmt"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
)

// function makes a closure; what it is not used for is not refused.
func (e *eval) function(n *ast.FunctionLiteral, s *env) value {
	return &closure{fn: n, env: s}
}

// list evaluates elements or arguments, with ... spread.
func (e *eval) list(nodes []ast.Expression, s *env) []value {
	list := make([]value, 0, len(nodes))
	for _, n := range nodes {
		spread, ok := n.(*ast.SpreadElement)
		switch {
		case n == nil:
			list = append(list, undefined{})
		case ok:
			list = append(list, e.elements(e.expr(spread.Expression, s), spread.Expression.Idx0())...)
		default:
			list = append(list, e.expr(n, s))
		}
	}
	return list
}

func (e *eval) objectLiteral(n *ast.ObjectLiteral, s *env) value {
	o := newRecord()
	for _, p := range n.Value {
		switch p := p.(type) {
		case *ast.PropertyShort:
			o.set(p.Name.Name.String(), e.identifier(&p.Name, s))
		case *ast.PropertyKeyed:
			if p.Kind != ast.PropertyKindValue && p.Kind != ast.PropertyKindMethod {
				e.refuse(p.Idx0(), "a getter or setter", "a record holds values", "write a function and call it")
				return failed{}
			}
			k, ok := e.key(p.Key, p.Computed, s)
			if !ok {
				return failed{}
			}
			o.set(k, e.expr(p.Value, s))
		case *ast.SpreadElement:
			e.spreadInto(o, e.expr(p.Expression, s), p.Expression.Idx0())
		}
	}
	return o
}

// spreadInto copies the fields of a record.
func (e *eval) spreadInto(o *object, v value, at file.Idx) {
	if isNothing(v) {
		return
	}
	from, ok := e.whole(v, at)
	if !ok {
		return
	}
	if from.array {
		for i := range from.elems {
			o.set(fmt.Sprint(i), from.at(i))
		}
	}
	for _, k := range from.keys {
		o.set(k, from.get(k))
	}
}

// key is a property's name.
func (e *eval) key(n ast.Expression, computed bool, s *env) (string, bool) {
	switch k := n.(type) {
	case *ast.Identifier:
		if !computed {
			return k.Name.String(), true
		}
	case *ast.StringLiteral:
		return k.Value.String(), true
	}
	v := e.expr(n, s)
	text, ok := key(v)
	if !ok && e.err == nil {
		e.refuse(n.Idx0(), "a field's name is known only at run time", "a record's fields are fixed", "use an array and an index")
	}
	return text, ok && e.err == nil
}

// key is a value as the name of a property.
func key(v value) (string, bool) {
	switch v := v.(type) {
	case str:
		return string(v), true
	case num:
		return formatNumber(float64(v)), true
	case truth, undefined, null:
		return describe(v), true
	}
	return "", false
}
