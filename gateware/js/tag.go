package js

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/parser"
)

// tagger is what a tagged script calls with each of its functions, the function's number and a way to what it captures.
const tagger = "__capo_tag"

// methodTagger is what it calls with each object that has methods, and their numbers and captures.
const methodTagger = "__capo_methods"

// module is a parsed script.
type module struct {
	script *Script
	tree   *ast.Program
	names  *names
	pos    *positions
}

func parse(s *Script) (*module, error) {
	m := &module{script: s, pos: newPositions(s)}
	tree, err := parser.ParseFile(nil, s.File, s.Code, 0, parser.WithDisableSourceMaps)
	if err != nil {
		p := &Problem{Pos: s.start(), What: fmt.Sprintf("the script does not parse: %v", err)}
		if list, ok := err.(*parser.ErrorList); ok && len(*list) > 0 {
			at := (*list)[0]
			p.Pos = m.pos.at(file.Idx(offset(m.pos.lines, at.Position.Line, at.Position.Column) + 1))
			p.What = "the script does not parse: " + lowerFirst(at.Message)
		}
		return nil, p
	}
	m.tree, m.names = tree, resolve(tree)
	return m, nil
}

// insertion is text put into a script.
type insertion struct {
	at   int // offset in the script
	text string
}

// tagged is a script whose functions report themselves.
type tagged struct {
	code  string
	lines []int
	put   []insertion
}

// tag makes every function of a script report itself when it comes to be, so that the values that exist after the top level
// ran can be taken back to the text.
func (m *module) tag() *tagged {
	t := &tagged{}
	m.tagBlock(t, m.tree.Body, 0)
	for id, fn := range m.names.functions {
		m.tagBlock(t, fn.Body.List, int(fn.Body.LeftBrace))
		if m.declared(fn) || fn.Async || fn.Generator {
			continue
		}
		t.insert(int(fn.Function)-1, fmt.Sprintf("%s(%d,", tagger, id))
		t.insert(int(fn.Idx1())-1, fmt.Sprintf(",%s)", m.captures(fn)))
	}
	for _, o := range m.names.objects {
		if methods := m.methods(o); methods != "" {
			t.insert(int(o.LeftBrace)-1, methodTagger+"(")
			t.insert(int(o.RightBrace), ",{"+methods+"})")
		}
	}
	t.finish(string(m.script.Code))
	return t
}

func (t *tagged) insert(at int, text string) { t.put = append(t.put, insertion{at, text}) }

// declared tells whether a function cannot be wrapped where it stands: a declaration, a method.
func (m *module) declared(fn *ast.FunctionLiteral) bool {
	at := int(fn.Function) - 1
	return m.names.declared[fn] || at < 0 || !strings.HasPrefix(string(m.script.Code[at:min(at+8, len(m.script.Code))]), "function")
}

// tagBlock reports the functions that statements declare, at the statements' begin.
func (m *module) tagBlock(t *tagged, list []ast.Statement, begin int) {
	var calls strings.Builder
	for _, s := range list {
		if d, ok := s.(*ast.FunctionDeclaration); ok && d.Function.Name != nil && !d.Function.Async && !d.Function.Generator {
			fmt.Fprintf(&calls, "%s(%d,%s,%s);", tagger, m.names.ids[d.Function], d.Function.Name.Name, m.captures(d.Function))
		}
		m.tagInner(t, s)
	}
	for _, s := range list {
		e, ok := s.(*ast.ExpressionStatement)
		if !ok {
			break
		}
		if _, ok := e.Expression.(*ast.StringLiteral); !ok { // "use strict" stays first
			break
		}
		begin = int(e.Idx1()) - 1
		if begin < len(m.script.Code) && m.script.Code[begin] == ';' {
			begin++
		}
	}
	if calls.Len() > 0 {
		t.insert(begin, calls.String())
	}
}

// tagInner goes on in the blocks within a statement, but not in its functions.
func (m *module) tagInner(t *tagged, n ast.Node) {
	switch n := n.(type) {
	case *ast.FunctionLiteral, *ast.FunctionDeclaration, *ast.ClassLiteral, *ast.ClassDeclaration:
		return
	case *ast.BlockStatement:
		m.tagBlock(t, n.List, int(n.LeftBrace))
		return
	}
	children(n, func(c ast.Node) { m.tagInner(t, c) })
}

// captures is an object of functions that give what a function captures.
func (m *module) captures(fn *ast.FunctionLiteral) string {
	var list []string
	for id := range m.names.free[fn] {
		list = append(list, id)
	}
	slices.Sort(list)
	for i, id := range list {
		list[i] = fmt.Sprintf("%s:function(){return %s}", id, id)
	}
	return "{" + strings.Join(list, ",") + "}"
}

// methods lists an object's methods as "name:[number,captures],…".
func (m *module) methods(o *ast.ObjectLiteral) string {
	var b strings.Builder
	for _, p := range o.Value {
		k, ok := p.(*ast.PropertyKeyed)
		if !ok || k.Kind != ast.PropertyKindMethod || k.Computed {
			continue
		}
		name, named := k.Key.(*ast.StringLiteral)
		fn, ok := k.Value.(*ast.FunctionLiteral)
		if ok && named && !fn.Async && !fn.Generator {
			fmt.Fprintf(&b, "%s:[%d,%s],", name.Literal, m.names.ids[fn], m.captures(fn))
		}
	}
	return b.String()
}

// finish puts the insertions in.
func (t *tagged) finish(code string) {
	slices.SortStableFunc(t.put, func(a, b insertion) int { return a.at - b.at })
	var b strings.Builder
	last := 0
	for _, p := range t.put {
		at := min(max(p.at, last), len(code))
		b.WriteString(code[last:at])
		b.WriteString(p.text)
		last = at
	}
	b.WriteString(code[last:])
	t.code = b.String()
	t.lines = lineStarts([]byte(t.code))
}

// original takes a line and column of the tagged script to a place in the script.
func (t *tagged) original(line, col int) file.Idx {
	off := offset(t.lines, line, col)
	shift := 0
	for _, p := range t.put[:sort.Search(len(t.put), func(i int) bool { return t.put[i].at > off })] {
		if p.at+shift+len(p.text) > off {
			break
		}
		shift += len(p.text)
	}
	return file.Idx(off - shift + 1)
}
