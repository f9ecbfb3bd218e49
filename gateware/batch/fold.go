package batch

import "github.com/capodekappa/capo/gateware/ir"

// lowerFold finds what must be computed sample by sample. A word of the state whose next value does not depend on the state is
// a column, one sample late. ok is false where the rest is too large.
func (l *lowering) lowerFold() (ok bool) {
	vector := make([]bool, len(l.f.Next))
	for again := true; again; {
		again = false
		l.scalar = l.dependent(vector)
		for k, id := range l.f.Next {
			if !vector[k] && !l.scalar[id] {
				vector[k], again = true, true
			}
		}
	}
	l.kept(vector)
	return l.split(vector)
}

// dependent tells which values depend on words of the state that are no columns.
func (l *lowering) dependent(vector []bool) []bool {
	d := make([]bool, len(l.f.Values))
	for i := range l.f.Values {
		v := &l.f.Values[i]
		if v.Op == ir.State {
			d[i] = !vector[v.Port.Leaf]
		}
		for _, a := range v.Operands() {
			d[i] = d[i] || d[a]
		}
	}
	return d
}

// kept makes the last value of each column that is a word of the state outlive the strip.
func (l *lowering) kept(vector []bool) {
	for k, id := range l.f.Next {
		if vector[k] {
			h := l.home(id)
			l.states = append(l.states, keep{leaf: k, kind: h, a: l.column(id, h)})
		}
	}
}

// split makes the core of what the next state needs, and columns of what the rest needs of it.
func (l *lowering) split(vector []bool) (ok bool) {
	inCore := make([]bool, len(l.f.Values))
	found := false
	for k, id := range l.f.Next {
		if !vector[k] {
			inCore[id], found = true, true
		}
	}
	if !found {
		return true
	}
	for i := len(l.f.Values) - 1; i >= 0; i-- {
		if inCore[i] && l.scalar[i] {
			for _, a := range l.f.Values[i].Operands() {
				inCore[a] = true
			}
		}
	}
	if l.core, ok = l.makeCore(vector, inCore); ok {
		l.core.fuse()
	}
	l.before, l.code = l.code, nil
	return ok
}
