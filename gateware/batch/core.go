package batch

import "github.com/capodekappa/capo/gateware/ir"

// core is the part of a fold that depends on what it computed one sample before. It is run sample by sample, on numbers.
type core struct {
	code    []step
	numbers []int64 // what constants are at the beginning
	loads   []move  // columns that it reads
	stores  []move  // columns that it gives
	states  []carry
}

// step is an operation on numbers.
type step struct {
	op         ir.Op
	d, a, b, c int32
	imm        int64
	table      []int64
}

// move is between a number and a column.
type move struct {
	number int32
	kind   kind
	column reg
}

// carry is a word of the state that goes from sample to sample.
type carry struct {
	leaf        int
	state, next int32 // numbers
}

// lowerFold finds what must be computed sample by sample. A word of the state whose next value does not depend on the state is
// a column, one sample late.
func (l *lowering) lowerFold() {
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
	l.split(vector)
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
func (l *lowering) split(vector []bool) {
	inCore := make([]bool, len(l.f.Values))
	any := false
	for k, id := range l.f.Next {
		if !vector[k] {
			inCore[id], any = true, true
		}
	}
	if !any {
		return
	}
	for i := len(l.f.Values) - 1; i >= 0; i-- {
		if inCore[i] && l.scalar[i] {
			for _, a := range l.f.Values[i].Operands() {
				inCore[a] = true
			}
		}
	}
	c := &coreMaker{lowering: l, core: &core{}, numbers: map[ir.ID]int32{}}
	for i := range l.f.Values {
		if inCore[i] {
			c.value(ir.ID(i))
		}
	}
	c.carries(vector)
	c.give(inCore)
	l.before, l.code = l.code, nil
	l.core = c.core
}

// coreMaker makes a core.
type coreMaker struct {
	*lowering
	core    *core
	numbers map[ir.ID]int32
}

func (c *coreMaker) number(id ir.ID) int32 {
	n := int32(len(c.core.numbers))
	c.core.numbers = append(c.core.numbers, 0)
	c.numbers[id] = n
	return n
}

// value gives a value of the core its number: a constant, a column's sample, a word of the state, an operation.
func (c *coreMaker) value(id ir.ID) {
	v := &c.f.Values[id]
	switch {
	case v.Op == ir.Const:
		c.core.numbers[c.number(id)] = v.Imm
	case !c.scalar[id]:
		k := c.home(id)
		c.core.loads = append(c.core.loads, move{c.number(id), k, c.column(id, k)})
	case v.Op == ir.State:
		c.number(id)
	case v.Op == ir.Bound:
		c.numbers[id] = c.numbers[v.Args[0]]
	default:
		s := step{op: v.Op, imm: v.Imm}
		for n, a := range v.Operands() {
			*[]*int32{&s.a, &s.b, &s.c}[n] = c.numbers[a]
		}
		if v.Op == ir.Table {
			s.table = c.f.Tables[v.Imm]
		}
		s.d = c.number(id)
		c.core.code = append(c.core.code, s)
	}
}

// carries connects the next state with the state.
func (c *coreMaker) carries(vector []bool) {
	at := make([]int32, len(vector))
	for k := range at {
		at[k] = -1
	}
	for id, n := range c.numbers {
		if v := &c.f.Values[id]; v.Op == ir.State {
			at[v.Port.Leaf] = n
		}
	}
	for k, id := range c.f.Next {
		if vector[k] {
			continue
		}
		if at[k] < 0 { // nobody in the core looks at it
			at[k] = int32(len(c.core.numbers))
			c.core.numbers = append(c.core.numbers, 0)
		}
		c.core.states = append(c.core.states, carry{k, at[k], c.numbers[id]})
	}
}

// give makes columns of what is used outside of the core: by results, and by what depends on the state but is not in the core.
func (c *coreMaker) give(inCore []bool) {
	wanted := make([]bool, len(c.f.Values))
	for _, id := range c.f.Outs {
		wanted[id] = true
	}
	for i := len(c.f.Values) - 1; i >= 0; i-- {
		v := &c.f.Values[i]
		if !wanted[i] || !c.scalar[i] {
			continue
		}
		if v.Op == ir.State && !inCore[i] {
			c.unseen(ir.ID(i), v)
		} else if !inCore[i] {
			for _, a := range v.Operands() {
				wanted[a] = true
			}
			continue
		}
		k := c.home(ir.ID(i))
		r := c.fresh(k)
		c.made[k][ir.ID(i)] = r
		c.core.stores = append(c.core.stores, move{c.numbers[ir.ID(i)], k, r})
	}
}

// unseen finds the number of a word of the state that only results look at.
func (c *coreMaker) unseen(id ir.ID, v *ir.Value) {
	for _, s := range c.core.states {
		if s.leaf == int(v.Port.Leaf) {
			c.numbers[id] = s.state
		}
	}
}

// reads lists the registers that the core reads.
func (c *core) reads() (all []reg) {
	for _, m := range c.loads {
		all = append(all, m.column)
	}
	return all
}

func (c *core) allocate(a *allocation, time int) {
	for i := range c.loads {
		c.loads[i].column = a.use(c.loads[i].column, time)
	}
	for i := range c.stores {
		c.stores[i].column = a.take(c.stores[i].column)
	}
}
