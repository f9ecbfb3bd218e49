package js

import (
	"github.com/dop251/goja/ast"

	"github.com/capodekappa/capo/gateware/ir"
)

// flow says how a statement may end, as a tree of decisions. nil: it goes on to the next, always.
type flow struct {
	root *way
	hole *way // where it goes on; nil if it never does
}

// way is a decision, an exit, or the place where what follows goes on.
type way struct {
	test    ir.ID
	yes, no *way // a decision
	exit    *exit
	next    *way // a place that was filled
}

// exit is a return, break or continue, with what had changed by then since its target began.
type exit struct {
	target *region
	result value // of a return
	change change
	at     ast.Node
}

// region is what exits lead to: a call, a loop, an iteration, a labelled statement.
type region struct {
	depth  int // of journals at its begin
	facts  int // known at its begin
	labels []string
	kind   regionKind
}

type regionKind byte

const (
	callRegion  regionKind = iota
	loopRegion             // for break
	turnRegion             // for continue
	blockRegion            // for a labelled break
)

func (w *way) follow() *way {
	for w.next != nil {
		w = w.next
	}
	return w
}

// goesOn tells whether what follows is reached.
func (f *flow) goesOn() bool { return f == nil || f.hole != nil }

// then puts what follows into the hole.
func (f *flow) then(next *flow) *flow {
	if f == nil {
		return next
	}
	if next == nil {
		return f
	}
	f.hole.next = next.root
	return &flow{f.root, next.hole}
}

// leave makes a flow that ends in an exit.
func (e *eval) leave(to *region, result value, at ast.Node) *flow {
	return &flow{root: &way{exit: &exit{to, result, e.changes(to.depth), at}}}
}

// enter begins a region.
func (e *eval) enter(kind regionKind, labels []string) *region {
	r := &region{depth: e.begin(), facts: len(e.undoFacts), kind: kind, labels: labels}
	e.regions = append(e.regions, r)
	return r
}

// settle ends a region: the ways that lead to its end are merged, with what they changed, and the flow of the others is left.
// result is what a call returns.
func (e *eval) settle(r *region, f *flow) (result value, rest *flow) {
	e.regions = e.regions[:len(e.regions)-1]
	if f == nil {
		e.keep()
		return undefined{}, nil
	}
	s := &settling{e: e, r: r, known: map[*way]bool{}}
	if f.hole != nil {
		f.hole.exit = &exit{target: r, result: undefined{}, change: e.changes(r.depth)}
	}
	landing, others := s.count(f.root)
	if only := f.root.follow(); only.exit != nil && landing == 1 {
		e.keep()
		return only.exit.result, nil
	}
	if landing == 1 && f.hole != nil { // the others leave for further away
		e.keep()
		f.hole.exit = nil
		return undefined{}, f
	}
	e.undo()
	e.forget(r.facts)
	for _, c := range s.cells {
		base := c.load()
		v, _ := e.merged(f.root, r, c, func(x *exit) value {
			if now, ok := x.change.now[c]; ok {
				return now
			}
			return base
		})
		e.write(c, v)
	}
	if landing == 0 {
		return undefined{}, &flow{root: f.root}
	}
	result, _ = e.merged(f.root, r, cell{}, func(x *exit) value { return x.result })
	if others == 0 {
		return result, nil
	}
	hole := &way{}
	return result, &flow{s.replace(f.root, hole, map[*way]*way{}), hole}
}

// settling looks through the ways that end in a region.
type settling struct {
	e     *eval
	r     *region
	known map[*way]bool
	cells []cell
	seen  map[cell]bool
}

// count counts the exits to the region and elsewhere, and gathers what the former changed.
func (s *settling) count(w *way) (landing, others int) {
	w = w.follow()
	if s.known[w] {
		return 0, 0
	}
	s.known[w] = true
	if w.exit == nil {
		if w.yes == nil {
			return 0, 0
		}
		a, b := s.count(w.yes)
		c, d := s.count(w.no)
		return a + c, b + d
	}
	if w.exit.target != s.r {
		return 0, 1
	}
	if s.seen == nil {
		s.seen = map[cell]bool{}
	}
	for _, c := range w.exit.change.order {
		if !s.seen[c] {
			s.seen[c] = true
			s.cells = append(s.cells, c)
		}
	}
	return 1, 0
}

// replace makes the exits to the region one hole.
func (s *settling) replace(w, hole *way, done map[*way]*way) *way {
	w = w.follow()
	switch {
	case w.exit != nil && w.exit.target == s.r:
		return hole
	case w.exit != nil:
		return w
	case done[w] == nil:
		done[w] = &way{test: w.test, yes: s.replace(w.yes, hole, done), no: s.replace(w.no, hole, done)}
	}
	return done[w]
}

// merging finds the value of a way: that of the exit it leads to. Ways that leave for elsewhere do not matter.
type merging struct {
	e    *eval
	r    *region
	c    cell
	of   func(*exit) value
	done map[*way]mergedValue
}

type mergedValue struct {
	v     value
	lands bool
}

// merged is what a cell, or a result, is at the end of a region.
func (e *eval) merged(w *way, r *region, c cell, of func(*exit) value) (value, bool) {
	m := merging{e, r, c, of, map[*way]mergedValue{}}
	got := m.way(w)
	return got.v, got.lands
}

func (m *merging) way(w *way) mergedValue {
	w = w.follow()
	got, ok := m.done[w]
	if ok {
		return got
	}
	switch {
	case w.exit != nil && w.exit.target == m.r:
		got = mergedValue{m.of(w.exit), true}
	case w.yes != nil:
		yes, no := m.way(w.yes), m.way(w.no)
		got = mergedValue{yes.v, yes.lands || no.lands}
		switch {
		case yes.lands && no.lands:
			got.v = m.e.chooseIn(m.c, w.test, yes.v, no.v)
		case no.lands:
			got.v = no.v
		}
	}
	m.done[w] = got
	return got
}

// fork runs both arms of a decision and merges what they changed.
func (e *eval) fork(test ir.ID, then, other func() *flow) *flow {
	yes, changedYes := e.arm(test, true, then)
	no, changedNo := e.arm(test, false, other)
	switch {
	case e.err != nil:
		return dead()
	case yes.goesOn() && no.goesOn():
		e.mergeChanges(test, changedYes, changedNo)
	case yes.goesOn():
		e.adopt(changedYes)
		e.assume(test, true)
	case no.goesOn():
		e.adopt(changedNo)
		e.assume(test, false)
	}
	if yes == nil && no == nil {
		return nil
	}
	f := &flow{root: &way{test: test}}
	if yes.goesOn() || no.goesOn() {
		f.hole = &way{}
	}
	f.root.yes, f.root.no = joined(yes, f.hole), joined(no, f.hole)
	return f
}

// joined leads a flow's hole to a common one.
func joined(f *flow, hole *way) *way {
	if f == nil {
		return hole
	}
	if f.hole != nil {
		f.hole.next = hole
	}
	return f.root
}

// arm runs one arm, with what its test says, and undoes it.
func (e *eval) arm(test ir.ID, holds bool, run func() *flow) (*flow, change) {
	depth, facts := e.begin(), len(e.undoFacts)
	e.assume(test, holds)
	f := run()
	ch := change{}
	if f.goesOn() {
		ch = e.changes(depth)
	}
	e.undo()
	e.forget(facts)
	return f, ch
}

func (e *eval) adopt(ch change) {
	for _, c := range ch.order {
		e.write(c, ch.now[c])
	}
}

// under is a value with what is known of it in an arm.
func (e *eval) under(test ir.ID, holds bool, v value) value {
	if _, ok := v.(dyn); !ok {
		return v
	}
	facts := len(e.undoFacts)
	e.assume(test, holds)
	v = e.settled(v)
	e.forget(facts)
	return v
}

func (e *eval) mergeChanges(test ir.ID, yes, no change) {
	merge := func(c cell) {
		a, changedA := yes.now[c]
		b, changedB := no.now[c]
		if !changedA {
			a = e.under(test, true, c.load())
		}
		if !changedB {
			b = e.under(test, false, c.load())
		}
		e.write(c, e.chooseIn(c, test, a, b))
	}
	for _, c := range yes.order {
		merge(c)
	}
	for _, c := range no.order {
		if _, done := yes.now[c]; !done {
			merge(c)
		}
	}
}

// dead is the flow of what was refused.
func dead() *flow { return &flow{root: &way{}} }
