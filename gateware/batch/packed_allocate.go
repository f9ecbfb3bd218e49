package batch

import "slices"

// allocate gives each result a column, used again after its last use.
func (m *packer) allocate() {
	last := make([]int, m.count)
	for t := range m.code {
		i := &m.code[t]
		for n, r := range []*reg{&i.a, &i.b, &i.c} {
			if !slices.Contains(i.operands(), n) {
				*r = none
			} else if *r != none {
				last[*r] = t
			}
		}
	}
	for i := range m.outs {
		last[m.outs[i].a] = len(m.code)
	}
	a := allocation{kinds: make([]kind, m.count), at: make([]reg, m.count), last: last}
	for t := range m.code {
		i := &m.code[t]
		for _, r := range []*reg{&i.a, &i.b, &i.c} {
			if *r != none {
				*r = a.use(*r, t)
			}
		}
		i.d = a.take(i.d)
	}
	for i := range m.outs {
		m.outs[i].a = a.at[m.outs[i].a]
	}
	m.columns = a.count[0]
}

// operands lists which of a, b, c an instruction reads.
func (i *packedInstr) operands() []int {
	switch i.code {
	case pRead, pPlace, pZero:
		return nil
	case pAdd, pSum2, pAnd, pOr, pXor, pMin, pMax, pLt, pLe, pEq, pNe:
		return []int{0, 1}
	case pMux, pEach, pAdd3, pSum3:
		return []int{0, 1, 2}
	}
	return []int{0}
}
