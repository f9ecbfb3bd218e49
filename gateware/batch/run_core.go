package batch

import "github.com/capodekappa/capo/gateware/ir"

// runCore computes what depends on the sample before.
func (w *work) runCore() {
	c := w.core
	v := append(w.sums[:0], c.numbers...)
	next := append(w.next[:0], make([]int64, len(c.states))...)
	w.sums, w.next = v, next
	for _, s := range c.states {
		v[s.state] = w.state(s.leaf)
	}
	for n := range w.n {
		for _, l := range c.loads {
			if l.kind == k32 {
				v[l.number] = int64(w.small[l.column][n])
			} else {
				v[l.number] = w.large[l.column][n]
			}
		}
		for i := range c.code {
			c.code[i].run(v)
		}
		for _, s := range c.stores {
			if s.kind == k32 {
				w.small[s.column][n] = int32(v[s.number])
			} else {
				w.large[s.column][n] = v[s.number]
			}
		}
		for i, s := range c.states {
			next[i] = v[s.next]
		}
		for i, s := range c.states {
			v[s.state] = next[i]
		}
	}
	for _, s := range c.states {
		w.setState(s.leaf, v[s.state])
	}
}

func (s *step) run(v []int64) {
	switch s.op {
	case ir.Add:
		v[s.d] = v[s.a] + v[s.b]
	case ir.Sub:
		v[s.d] = v[s.a] - v[s.b]
	case ir.Mul:
		v[s.d] = v[s.a] * v[s.b]
	case ir.And:
		v[s.d] = v[s.a] & v[s.b]
	case ir.Xor:
		v[s.d] = v[s.a] ^ v[s.b]
	case ir.Shr:
		v[s.d] = v[s.a] >> (uint64(v[s.b]) & 63)
	case ir.Table:
		v[s.d] = ir.Lookup(s.table, v[s.a])
	default:
		v[s.d] = ir.Apply(s.op, s.imm, v[s.a], v[s.b], v[s.c])
	}
}
