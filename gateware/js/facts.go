package js

import "github.com/capodekappa/capo/gateware/ir"

// span is an interval.
type span struct{ lo, hi int64 }

// pair is two values of which the first is at least the second.
type pair struct{ greater, lesser ir.ID }

// fact is what was known before a test said more, to go back to.
type fact struct {
	id    ir.ID
	old   span
	had   bool
	order pair // instead: it was not known
}

// assume notes what a test says of the values it is made of.
func (e *eval) assume(test ir.ID, holds bool) {
	if e.err != nil {
		return
	}
	c := int64(0)
	if holds {
		c = 1
	}
	e.narrow(test, c, c, 0)
}

// forget goes back to what was known when undoFacts had n entries.
func (e *eval) forget(n int) {
	for i := len(e.undoFacts) - 1; i >= n; i-- {
		f := e.undoFacts[i]
		switch {
		case f.order != pair{}:
			delete(e.ordered, f.order)
		case f.had:
			e.facts[f.id] = f.old
		default:
			delete(e.facts, f.id)
		}
	}
	e.undoFacts = e.undoFacts[:n]
}

// plain is a value without its bounds.
func (e *eval) plain(id ir.ID) ir.ID {
	for v := e.b.Value(id); v.Op == ir.Bound; v = e.b.Value(id) {
		id = v.Args[0]
	}
	return id
}

// span is what is known of a value here.
func (e *eval) span(id ir.ID) span {
	v := e.b.Value(id)
	s := span{v.Lo, v.Hi}
	if f, ok := e.facts[e.plain(id)]; ok {
		s.lo, s.hi = max(s.lo, f.lo), min(s.hi, f.hi)
	}
	return s
}

// use is a value with what is known of it here.
func (e *eval) use(id ir.ID) ir.ID {
	if len(e.facts) == 0 {
		return id
	}
	f, ok := e.facts[e.plain(id)]
	if !ok {
		return id
	}
	v := *e.b.Value(id)
	if f.lo <= v.Lo && f.hi >= v.Hi {
		return id
	}
	if v.Op == ir.Bound {
		f.lo, f.hi = max(f.lo, v.Lo), min(f.hi, v.Hi)
	}
	got, err := e.b.Bound(id, f.lo, f.hi, v.Pos)
	if err != nil {
		return id
	}
	return got
}

// narrow notes that a value is within lo..hi here, and what follows from it.
func (e *eval) narrow(id ir.ID, lo, hi int64, depth int) {
	id = e.plain(id)
	now := e.span(id)
	lo, hi = max(lo, now.lo), min(hi, now.hi)
	if lo == now.lo && hi == now.hi && depth > 0 || lo > hi || depth > 8 {
		return
	}
	old, had := e.facts[id]
	e.facts[id] = span{lo, hi}
	e.undoFacts = append(e.undoFacts, fact{id: id, old: old, had: had})
	v := *e.b.Value(id)
	if v.Op.Arity() > 0 {
		e.follow(&v, lo, hi, depth+1)
	}
}

// follow narrows the operands of a value that is within lo..hi.
func (e *eval) follow(v *ir.Value, lo, hi int64, depth int) {
	x, y := v.Args[0], v.Args[1]
	switch v.Op {
	case ir.Lt, ir.Le, ir.Eq, ir.Ne:
		if lo == hi {
			e.compared(v.Op, x, y, lo == 1, depth)
		}
	case ir.And:
		if lo == 1 && hi == 1 && e.isTruth(x) && e.isTruth(y) {
			e.narrow(x, 1, 1, depth)
			e.narrow(y, 1, 1, depth)
		}
	case ir.Or:
		if lo == 0 && hi == 0 {
			e.narrow(x, 0, 0, depth)
			e.narrow(y, 0, 0, depth)
		}
	case ir.Add:
		if c, ok := e.b.Constant(y); ok {
			e.narrow(x, lo-c, hi-c, depth)
		}
	case ir.Sub:
		if c, ok := e.b.Constant(y); ok {
			e.narrow(x, lo+c, hi+c, depth)
		} else if c, ok := e.b.Constant(x); ok {
			e.narrow(y, c-hi, c-lo, depth)
		}
	case ir.Abs:
		e.narrow(x, -hi, hi, depth)
	}
}

func (e *eval) isTruth(id ir.ID) bool {
	v := e.b.Value(id)
	return v.Lo >= 0 && v.Hi <= 1
}

// compared narrows both sides of a comparison.
func (e *eval) compared(op ir.Op, x, y ir.ID, holds bool, depth int) {
	a, b := e.span(x), e.span(y)
	if !holds {
		switch op {
		case ir.Lt: // x >= y
			e.compared(ir.Le, y, x, true, depth)
			return
		case ir.Le: // x > y
			e.compared(ir.Lt, y, x, true, depth)
			return
		case ir.Eq:
			op = ir.Ne
		case ir.Ne:
			op = ir.Eq
		}
	}
	switch op {
	case ir.Lt:
		e.narrow(x, a.lo, b.hi-1, depth)
		e.narrow(y, a.lo+1, b.hi, depth)
		e.order(y, x)
	case ir.Le:
		e.narrow(x, a.lo, b.hi, depth)
		e.narrow(y, a.lo, b.hi, depth)
		e.order(y, x)
	case ir.Eq:
		lo, hi := max(a.lo, b.lo), min(a.hi, b.hi)
		e.narrow(x, lo, hi, depth)
		e.narrow(y, lo, hi, depth)
	case ir.Ne:
		e.differ(x, a, b, depth)
		e.differ(y, b, a, depth)
	}
}

// differ narrows a value that is not a constant at the end of its interval.
func (e *eval) differ(x ir.ID, a, c span, depth int) {
	switch {
	case c.lo != c.hi:
	case a.lo == c.lo:
		e.narrow(x, a.lo+1, a.hi, depth)
	case a.hi == c.lo:
		e.narrow(x, a.lo, a.hi-1, depth)
	}
}

// order notes that one value is at least another.
func (e *eval) order(greater, lesser ir.ID) {
	p := pair{e.plain(greater), e.plain(lesser)}
	if _, known := e.b.Constant(p.greater); known || e.ordered[p] || p == (pair{}) {
		return
	}
	e.ordered[p] = true
	e.undoFacts = append(e.undoFacts, fact{order: p})
}
