package sched

import (
	"fmt"
	"slices"

	"github.com/capodekappa/capo/gateware/ir"
)

// Options choose how a stage becomes hardware.
type Options struct {
	Multipliers bool // leave products to the tools, for parts whose tools have multipliers
	Lines       bool // the last of a row is told
	LineIn      bool // the stream says which token is the last of its row
}

// Places of values within what a call of the function sees.
const (
	anywhere = -2 // a constant
	settled  = -1 // of a window: it depends on more than one column
)

// ref is a value: of a node, and of taps so many steps ago, of a window in that column.
type ref struct {
	id ID
	at int
}

// lowering is a stage on its way to a graph.
type lowering struct {
	*Graph
	stage *ir.Stage
	body  *ir.Func
	opts  Options
	uses  []int // of the body's values
	refs  []ref // of the body's values, where done is set
	done  []bool
	forms []*form // of sums that only another sum uses
	signs map[string]bool
	front front
}

// Lower makes a graph of a stage. The stage must have passed its Check.
func Lower(s *ir.Stage, opts Options) (*Unit, error) {
	l := &lowering{Graph: NewGraph(), stage: s, body: s.Body, opts: opts, signs: map[string]bool{}}
	n := len(s.Body.Values)
	l.uses, l.refs, l.done, l.forms = make([]int, n), make([]ref, n), make([]bool, n), make([]*form, n)
	for i := range s.Body.Values {
		for _, a := range s.Body.Values[i].Operands() {
			l.uses[a]++
		}
	}
	for _, ids := range [][]ir.ID{s.Body.Outs, s.Body.Next} {
		for _, id := range ids {
			l.uses[id] += 2 // it is wanted as a value
		}
	}
	l.Tables = s.Body.Tables
	l.makeFront()
	for i := range s.Body.Values {
		if err := l.value(ir.ID(i)); err != nil {
			return nil, fmt.Errorf("value %d: %w", i, err)
		}
	}
	for _, id := range s.Body.Outs {
		l.Outs = append(l.Outs, l.settle(l.ref(id)))
	}
	l.feed()
	if s.Shape == ir.WindowShape {
		l.Tokens = slices.DeleteFunc(l.Tokens, func(id ID) bool { return l.Held(l.Inputs[l.Nodes[id].Imm].Leaf) == 0 })
	}
	l.compact()
	return &Unit{Stage: s, Graph: l.Graph, Options: opts}, nil
}

// value lowers a value of the body, if it is not a part of a sum.
func (l *lowering) value(id ir.ID) error {
	v := &l.body.Values[id]
	l.now = v.Pos
	switch v.Op {
	case ir.Const:
		l.set(id, ref{l.Const(v.Imm), anywhere})
	case ir.In:
		l.set(id, l.input(v.Port))
	case ir.State, ir.X, ir.Y, ir.I:
		l.set(id, ref{l.feedback(v), l.here()})
	case ir.Add, ir.Sub, ir.Mul, ir.Shl:
		if f := l.form(v); f != nil {
			if l.uses[id] == 1 || len(f.terms) < 2 && f.free() {
				l.forms[id] = f
				return nil
			}
			l.set(id, l.narrow(l.sum(f), v))
			return nil
		}
		fallthrough
	default:
		if v.Op == ir.Abs && l.abs(id) {
			return nil
		}
		var in []ref
		for _, a := range v.Operands() {
			in = append(in, l.ref(a))
		}
		ids, at := l.meet(in...)
		out, err := l.operation(v, ids)
		if err != nil {
			return err
		}
		l.set(id, l.narrow(ref{out, at}, v))
	}
	return nil
}

// narrow tells a node what the body knows of its range.
func (l *lowering) narrow(r ref, v *ir.Value) ref {
	if l.Nodes[r.id].Op != Input && l.Nodes[r.id].Op != State && l.Nodes[r.id].Op != Delay {
		l.within(r.id, v.Lo, v.Hi)
	}
	if l.Nodes[r.id].Pos == (ir.Pos{}) && v.Op != ir.In {
		l.Nodes[r.id].Pos = v.Pos
	}
	return r
}

func (l *lowering) set(id ir.ID, r ref) { l.refs[id], l.done[id] = r, true }

// ref is the node of a value.
func (l *lowering) ref(id ir.ID) ref {
	if !l.done[id] {
		now := l.now
		l.now = l.body.Values[id].Pos
		l.set(id, l.narrow(l.sum(l.forms[id]), &l.body.Values[id]))
		l.now = now
	}
	return l.refs[id]
}

// here is the place of what belongs to this step.
func (l *lowering) here() int {
	if l.stage.Shape == ir.WindowShape {
		return settled
	}
	return 0
}

// meet brings values to one place.
func (l *lowering) meet(in ...ref) ([]ID, int) {
	at, same := anywhere, true
	for _, r := range in {
		switch {
		case r.at == anywhere:
		case at == anywhere:
			at = r.at
		case at != r.at:
			same = false
			at = min(at, r.at)
		}
	}
	if !same && l.stage.Shape == ir.WindowShape {
		at = settled
	}
	if !same && l.stage.Shape == ir.BlockShape {
		at -= at % l.stage.Cols // all of a row meet at its end
	}
	ids := make([]ID, len(in))
	for i, r := range in {
		ids[i] = l.moved(r, at)
	}
	return ids, at
}

// moved is a value brought to another place.
func (l *lowering) moved(r ref, at int) ID {
	switch {
	case r.at == anywhere || r.at == at:
		return r.id
	case l.stage.Shape == ir.WindowShape:
		return l.column(r)
	}
	if l.stage.Shape == ir.BlockShape && l.front.rowEnd != None {
		return l.rowed(r, at)
	}
	return l.Delayed(r.id, r.at-at)
}

// rowed moves a value of a block to the end of a row: to that of its own, and from there row by row.
func (l *lowering) rowed(r ref, at int) ID {
	columns := l.stage.Cols
	id := l.Delayed(r.id, r.at%columns)
	return l.Rowed(id, (r.at-r.at%columns-at)/columns, l.front.rowEnd)
}

// settle is a value of this step.
func (l *lowering) settle(r ref) ID { return l.moved(r, l.here()) }

// compact drops nodes that nothing uses.
func (l *lowering) compact() {
	used := make([]bool, len(l.Nodes))
	roots := append([]ID{l.Keep, l.Line, l.Last, l.Fresh}, l.Outs...)
	roots = append(roots, l.Tokens...)
	for i := len(l.Nodes); i > 0; { // until feedback adds nothing
		i = 0
		for _, f := range l.States {
			if used[f.Node] {
				roots = append(roots, f.Next, f.Clear)
			}
		}
		for len(roots) > 0 {
			id := roots[len(roots)-1]
			roots = roots[:len(roots)-1]
			if id == None || used[id] {
				continue
			}
			used[id] = true
			i++
			roots = append(roots, l.Nodes[id].Operands()...)
		}
	}
	l.keepOnly(used)
}

// keepOnly renumbers.
func (g *Graph) keepOnly(used []bool) {
	ids := make([]ID, len(g.Nodes))
	at := func(id ID) ID {
		if id == None {
			return None
		}
		return ids[id]
	}
	var nodes []Node
	for i, n := range g.Nodes {
		ids[i] = None
		if !used[i] {
			continue
		}
		ids[i] = ID(len(nodes))
		for k := range n.Args {
			n.Args[k] = at(n.Args[k])
		}
		nodes = append(nodes, n)
	}
	var states []Feedback
	for _, f := range g.States {
		if !used[f.Node] {
			continue
		}
		nodes[ids[f.Node]].Imm = int64(len(states))
		f.Node, f.Next, f.Clear = at(f.Node), at(f.Next), at(f.Clear)
		states = append(states, f)
	}
	for _, ids := range [][]ID{g.Outs, g.Tokens} {
		for i := range ids {
			ids[i] = at(ids[i])
		}
	}
	g.Nodes, g.States = nodes, states
	g.Keep, g.Line, g.Last, g.Fresh = at(g.Keep), at(g.Line), at(g.Last), at(g.Fresh)
	g.known = nil
}
