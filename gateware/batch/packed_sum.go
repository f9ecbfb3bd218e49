package batch

import "github.com/capodekappa/capo/gateware/ir"

// mostTerms is how many products are joined into one sum.
const mostTerms = 64

// term is a column times a number.
type term struct {
	h  held
	by int64
}

// sum is a value that is a constant plus terms. What packed columns hold is one number each, and all of this is arithmetic modulo
// 2^64: only the outcome has to fit the lanes, not what is added up on the way.
type sum struct {
	terms []term
	plus  int64
}

// linear makes a column of a sum, difference or product by a constant, together with the operands that nobody else needs.
func (m *packer) linear(v *ir.Value) held {
	var s sum
	m.gather(&s, v, 1)
	if m.err != nil {
		return held{}
	}
	if len(s.terms) == 1 && s.terms[0].by == 1 {
		h := s.terms[0].h
		h.base += s.plus
		return h
	}
	base := s.plus
	for _, t := range s.terms {
		base += t.by * t.h.base
	}
	if len(s.terms) == 0 {
		return m.emit(packedInstr{code: pZero}, base, 0)
	}
	k := uint64(base-v.Lo) * m.all(1)
	var acc reg
	for first := true; len(s.terms) > 0; first = false {
		if !first {
			s.terms = append(s.terms, term{held{r: acc}, 1})
		}
		n := min(3, len(s.terms))
		acc = m.add(s.terms[:n], k)
		s.terms = s.terms[n:]
		k = 0
	}
	return held{acc, v.Lo, v.Hi - v.Lo}
}

// add emits one step of a sum.
func (m *packer) add(terms []term, k uint64) reg {
	i := packedInstr{code: pSum + packedCode(len(terms)-1), k: k, a: none, b: none, c: none}
	for n, t := range terms {
		*[]*reg{&i.a, &i.b, &i.c}[n] = t.h.r
		i.by[n] = uint64(t.by)
	}
	if i.by == [3]uint64{1, 1, 0} {
		i.code = pAdd
	} else if i.by == [3]uint64{1, 1, 1} {
		i.code = pAdd3
	}
	return m.emit(i, 0, 0).r
}

// gather adds by times a value to a sum.
func (m *packer) gather(s *sum, v *ir.Value, by int64) {
	if by > ir.MaxCount || by < -ir.MaxCount || len(s.terms) > mostTerms {
		m.err = errNotPacked
	}
	c, constant := int64(0), false
	if v.Op.Arity() == 2 {
		c, constant = m.number(v.Args[1])
	}
	switch {
	case v.Op == ir.Add:
		m.operand(s, v.Args[0], by)
		m.operand(s, v.Args[1], by)
	case v.Op == ir.Sub:
		m.operand(s, v.Args[0], by)
		m.operand(s, v.Args[1], -by)
	case v.Op == ir.Mul && constant && c < ir.MaxCount && c > -ir.MaxCount:
		m.operand(s, v.Args[0], by*c)
	case v.Op == ir.Shl && constant:
		m.operand(s, v.Args[0], by<<c)
	default:
		m.err = errNotPacked
	}
}

// operand adds an operand: as what it is the sum of, if nobody else needs it.
func (m *packer) operand(s *sum, id ir.ID, by int64) {
	if m.err != nil {
		return
	}
	if c, ok := m.number(id); ok {
		if c > ir.MaxCount || c < -ir.MaxCount {
			m.err = errNotPacked
		}
		s.plus += by * c
		return
	}
	if m.uses[id] == 1 && len(s.terms) < mostTerms/2 && m.isLinear(id) {
		m.gather(s, &m.f.Values[id], by)
		return
	}
	h := m.value(id)
	for i := range s.terms {
		if s.terms[i].h.r == h.r && s.terms[i].h.base == h.base {
			s.terms[i].by += by
			return
		}
	}
	s.terms = append(s.terms, term{h, by})
}

// isLinear tells whether a value is a sum, a difference or a product by a constant.
func (m *packer) isLinear(id ir.ID) bool {
	v := &m.f.Values[id]
	switch v.Op {
	case ir.Add, ir.Sub:
		return true
	case ir.Mul, ir.Shl:
		_, ok := m.number(v.Args[1])
		return ok
	}
	return false
}
