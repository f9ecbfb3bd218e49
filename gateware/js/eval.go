package js

import (
	"context"
	"fmt"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"

	"github.com/capodekappa/capo/gateware/ir"
)

// Limits of what is evaluated at compile time.
const (
	maxSteps = 1_000_000 // nodes
	maxTurns = 4096      // of one loop
	maxDepth = 100       // of calls
)

// eval evaluates a kernel's function: what is known is computed, what is not becomes values of the body.
type eval struct {
	ctx      context.Context
	m        *module
	snap     *snapshot
	b        *ir.Builder
	err      error
	here     file.Idx // of the statement
	returned file.Idx // the value of the last return

	objects   map[int]value // of the snapshot
	journals  []*journal
	regions   []*region
	calls     []*closure
	facts     map[ir.ID]span
	ordered   map[pair]bool
	undoFacts []fact
	steps     int
	builtins  map[string]builtinFunc
	methods   map[string]arrayMethod
}

func newEval(ctx context.Context, m *module, snap *snapshot, s *ir.Stage) *eval {
	return &eval{ctx: ctx, m: m, snap: snap, b: ir.NewBuilder(s), objects: map[int]value{}, facts: map[ir.ID]span{}, ordered: map[pair]bool{},
		builtins: builtins(), methods: arrayMethods()}
}

// refuse ends the evaluation. The first refusal counts.
func (e *eval) refuse(at file.Idx, what, why, instead string) {
	if e.err != nil {
		return
	}
	if at == 0 {
		at = e.here
	}
	e.err = &Problem{e.m.pos.at(at), what, why, instead}
}

// fail ends the evaluation if nothing else did: a value of what was refused is used.
func (e *eval) fail() {
	if e.err == nil {
		e.err = fmt.Errorf("%s: a value is missing", e.m.pos.at(e.here))
	}
}

// step counts what is evaluated.
func (e *eval) step(n ast.Node) bool {
	e.steps++
	if e.steps >= maxSteps {
		e.refuse(n.Idx0(), fmt.Sprintf("the kernel has more than %d steps after its loops and helpers were unrolled", maxSteps), "each becomes part of the circuit", "use fewer or shorter loops")
	}
	if e.ctx.Err() != nil && e.err == nil {
		e.err = e.ctx.Err()
	}
	return e.err == nil
}

// local makes a value of the snapshot one of the evaluation's.
func (e *eval) local(v val, name string) value {
	switch v.Kind {
	case nullKind:
		return null{}
	case boolKind:
		return truth(v.Number != 0)
	case numberKind:
		return num(v.Number)
	case stringKind:
		return str(v.Text)
	case builtinKind:
		return builtin(v.Text)
	case otherKind:
		return bad{fmt.Sprintf("%s is %s", name, v.Text), "a kernel knows numbers, truth values, arrays, records and functions", "keep what it needs in one of those"}
	}
	n := e.snap.node(v)
	if n == nil {
		return undefined{}
	}
	if made, ok := e.objects[v.Ref]; ok {
		return made
	}
	made := e.fromNode(n, name)
	e.objects[v.Ref] = made
	return made
}

func (e *eval) fromNode(n *node, name string) value {
	switch n.Form {
	case 'l':
		return bad{fmt.Sprintf("%s has %d elements", name, n.Long), fmt.Sprintf("a table has at most %d", ir.MaxTableEntries), "use a shorter table, or compute what it holds"}
	case 'f':
		if n.Function < 1 || n.Function > len(e.m.names.functions) {
			return undefined{}
		}
		return &closure{fn: e.m.names.functions[n.Function-1], ref: n, name: name, using: map[string]*binding{}}
	case 'k':
		o := &object{fields: map[string]value{}, outside: name}
		for _, key := range n.Keys {
			o.keys = append(o.keys, key)
			o.fields[key] = nil
		}
		o.make = func(key string, _ int) value { return e.local(n.field(key), name+"."+key) }
		return o
	}
	o := &object{array: true, elems: make([]value, n.length()), outside: name, table: n.Numbers}
	o.make = func(_ string, i int) value { return e.local(n.elem(i), fmt.Sprintf("%s[%d]", name, i)) }
	return o
}

// lookup finds the variable that an identifier means, or nil.
func (e *eval) lookup(id string, s *env) *binding {
	for ; s != nil; s = s.outer {
		if b, ok := s.names[id]; ok {
			return b
		}
		if s.fn != nil && s.fn.ref != nil {
			return e.capturedBinding(s.fn, id)
		}
	}
	return nil
}

// capturedBinding is a variable that the top level left.
func (e *eval) capturedBinding(c *closure, id string) *binding {
	if b, ok := c.using[id]; ok {
		return b
	}
	for _, key := range c.ref.Keys {
		if key != id {
			continue
		}
		b := &binding{name: id, outside: id}
		b.v = e.local(c.ref.field(id), id)
		if n := e.m.names.free[c.fn][id]; n != nil && n.assigned != 0 {
			b.v = bad{fmt.Sprintf("%s is assigned in a function, at %s", id, e.m.pos.at(n.assigned)), "its value would be a memory, and " + noMemory, insteadOfState}
		}
		c.using[id] = b
		return b
	}
	return nil
}
