package sched

import (
	"fmt"
	"slices"
	"strings"

	"github.com/capodekappa/capo/gateware/ir"
)

// form is a sum of multiples of values, and a constant.
type form struct {
	terms []term
	k     int64
}

type term struct {
	ref
	c int64
}

// farthest bounds factors and sums of forms, so that parts of them stay within an int64 in any order.
const farthest = 1 << 60

// free tells whether a form of one term costs nothing.
func (f *form) free() bool {
	return len(f.terms) == 0 || f.k == 0 && f.terms[0].c > 0 && f.terms[0].c&(f.terms[0].c-1) == 0
}

// add adds c times a value.
func (f *form) add(r ref, c int64) {
	for i := range f.terms {
		if f.terms[i].ref == r {
			f.terms[i].c += c
			if f.terms[i].c == 0 {
				f.terms = slices.Delete(f.terms, i, i+1)
			}
			return
		}
	}
	if c != 0 {
		f.terms = append(f.terms, term{r, c})
	}
}

// form makes the sum that a value is; nil if it is none, or too large to be put into another order.
func (l *lowering) form(v *ir.Value) *form {
	f := &form{}
	ok := true
	switch v.Op {
	case ir.Add, ir.Sub:
		second := int64(1)
		if v.Op == ir.Sub {
			second = -1
		}
		ok = l.into(f, v.Args[0], 1) && l.into(f, v.Args[1], second)
	default:
		c := &l.body.Values[v.Args[1]]
		if c.Op != ir.Const {
			return nil
		}
		factor := c.Imm
		if v.Op == ir.Shl {
			factor = 1 << c.Imm
		}
		ok = l.into(f, v.Args[0], factor)
	}
	if !ok || l.reach(f) > farthest {
		return nil
	}
	return f
}

// into adds c times a value to a form; false if a factor grows too large.
func (l *lowering) into(f *form, id ir.ID, c int64) bool {
	const most = 1 << 40
	if c > most || c < -most {
		return false
	}
	inner := l.forms[id]
	if l.done[id] || inner == nil {
		r := l.ref(id)
		if k, known := l.Constant(r.id); known {
			if k > most || k < -most {
				return false
			}
			f.k += k * c
			return true
		}
		f.add(r, c)
		return true
	}
	for _, t := range inner.terms {
		if t.c*c > most || t.c*c < -most {
			return false
		}
		f.add(t.ref, t.c*c)
	}
	f.k += inner.k * c
	return true
}

// reach bounds the distance from zero of each part of the sum.
func (l *lowering) reach(f *form) (far float64) {
	for _, t := range f.terms {
		n := &l.Nodes[t.id]
		far += max(float64(n.Hi), -float64(n.Lo)) * max(float64(t.c), -float64(t.c))
	}
	return far + max(float64(f.k), -float64(f.k))
}

// sum makes a form's value. Terms of one place are summed there. Of taps, the oldest sum is delayed and goes into the next:
// registers stand behind adders then, where they cost nothing, and the critical path is one adder.
func (l *lowering) sum(f *form) ref {
	places := l.places(f)
	if len(places) == 0 {
		return ref{l.Const(f.k), anywhere}
	}
	if len(places) == 1 {
		return ref{l.part(f.terms, f.k), places[0]}
	}
	if l.stage.Shape == ir.WindowShape {
		return l.columns(f, places)
	}
	if l.stage.Shape == ir.BlockShape {
		return l.together(f)
	}
	slices.Reverse(places) // the oldest first
	var sofar addend
	for i, at := range places {
		list := l.addends(f.terms, at)
		k := int64(0)
		if i > 0 {
			list = append(list, addend{id: l.Delayed(sofar.id, places[i-1]-at)})
		} else {
			k = f.k
		}
		sofar = addend{id: l.total(list, k)}
	}
	return ref{sofar.id, places[len(places)-1]}
}

// together sums terms of a block in one place: others want the same words, so that delaying these costs less than delaying sums.
func (l *lowering) together(f *form) ref {
	var in []ref
	for _, t := range f.terms {
		in = append(in, t.ref)
	}
	ids, at := l.meet(in...)
	var list []addend
	for i, id := range ids {
		list = append(list, l.times(id, f.terms[i].c))
	}
	return ref{l.total(list, f.k), at}
}

// places lists where a form's terms are, in ascending order.
func (l *lowering) places(f *form) []int {
	var places []int
	for _, t := range f.terms {
		if !slices.Contains(places, t.at) {
			places = append(places, t.at)
		}
	}
	slices.Sort(places)
	return places
}

// part sums terms of one place.
func (l *lowering) part(terms []term, k int64) ID {
	var list []addend
	for _, t := range terms {
		list = append(list, l.times(t.id, t.c))
	}
	return l.total(list, k)
}

func (l *lowering) addends(terms []term, at int) (list []addend) {
	for _, t := range terms {
		if t.at == at {
			list = append(list, l.times(t.id, t.c))
		}
	}
	return list
}

// columns sums what belongs to each column of a window there, without a common factor, so that equal sums are one.
func (l *lowering) columns(f *form, places []int) ref {
	all := form{k: f.k}
	for _, at := range places {
		var terms []term
		for _, t := range f.terms {
			if t.at == at {
				terms = append(terms, t)
			}
		}
		if at == settled {
			for _, t := range terms {
				all.add(t.ref, t.c)
			}
			continue
		}
		base, c := l.primitive(terms)
		all.add(ref{l.column(ref{base, at}), settled}, c)
	}
	return ref{l.part(all.terms, all.k), settled}
}

// primitive sums terms without their common factor, which it returns. Sums that differ in sign only are one.
func (l *lowering) primitive(terms []term) (ID, int64) {
	slices.SortFunc(terms, func(a, b term) int { return int(a.id - b.id) })
	common := int64(0)
	negative := true
	for _, t := range terms {
		common = gcd(common, max(t.c, -t.c))
		negative = negative && t.c < 0
	}
	var text strings.Builder
	sign := int64(1)
	if terms[0].c < 0 {
		sign = -1
	}
	for _, t := range terms {
		fmt.Fprintf(&text, "%d*%d ", sign*t.c/common, t.id)
	}
	turned, seen := l.signs[text.String()]
	if !seen {
		turned = (sign < 0) != negative // as it stands here, unless all is taken away
		l.signs[text.String()] = turned
	}
	if turned {
		sign = -sign
	}
	var list []addend
	for _, t := range terms {
		list = append(list, l.times(t.id, sign*t.c/common))
	}
	return l.total(list, 0), sign * common
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// abs lowers |sum|: the sign of the sum does not matter, so a sum of which all is taken away is turned.
func (l *lowering) abs(id ir.ID) bool {
	v := &l.body.Values[id]
	f := l.forms[v.Args[0]]
	if l.done[v.Args[0]] || f == nil || len(f.terms) == 0 {
		return false
	}
	if f.k <= 0 {
		turn := true
		for _, t := range f.terms {
			turn = turn && t.c < 0
		}
		if turn {
			f.k = -f.k
			for i := range f.terms {
				f.terms[i].c = -f.terms[i].c
			}
		}
	}
	sum := l.sum(f)
	l.set(id, l.narrow(ref{l.magnitude(sum.id), sum.at}, v))
	return true
}
