package batch

import "github.com/capodekappa/capo/gateware/ir"

// core is the part of a fold that depends on what it computed one sample before. It is run sample by sample, on numbers.
type core struct {
	code   []step
	fixed  numbers // what constants are at the beginning
	loads  []move  // columns that it reads
	stores []move  // columns that it gives
	states []carry
	swaps  bool // a word of the state becomes another one: all next ones are read before one is set
}

// move is between a number and a column.
type move struct {
	number uint8
	kind   kind
	column reg
}

// carry is a word of the state that goes from sample to sample.
type carry struct {
	leaf        int
	state, next uint8 // numbers
}

// coreMaker makes a core. Values have numbers of their own first, without a limit; allocate gives them places.
type coreMaker struct {
	*lowering
	core    *core
	inCore  []bool
	last    []int // the value in whose step a value is needed for the last time
	place   map[ir.ID]uint8
	free    []uint8
	used    int
	overrun bool
}

const lasting = 1 << 30 // needed to the end of the step, and in the next one

// makeCore compiles the values that are in the core. ok is false where they need more numbers than there are.
func (l *lowering) makeCore(vector, inCore []bool) (c *core, ok bool) {
	m := &coreMaker{lowering: l, core: &core{}, inCore: inCore, last: make([]int, len(l.f.Values)), place: map[ir.ID]uint8{}}
	wanted := m.wanted()
	m.lifetimes(vector, wanted)
	m.carried(vector)
	for i := range l.f.Values {
		if inCore[i] {
			m.value(ir.ID(i))
		}
	}
	m.carries(vector)
	m.give(wanted)
	return m.core, !m.overrun
}

// lifetimes finds when each value is needed for the last time.
func (c *coreMaker) lifetimes(vector, wanted []bool) {
	for i := range c.f.Values {
		if !c.inCore[i] {
			continue
		}
		v := &c.f.Values[i]
		if v.Op == ir.Const || v.Op == ir.State || wanted[i] || v.Op == ir.Bound {
			c.last[i] = lasting
		}
		for _, a := range v.Operands() {
			if c.last[a] = max(c.last[a], i); v.Op == ir.Bound {
				c.last[a] = lasting
			}
		}
	}
	for k, id := range c.f.Next {
		if !vector[k] {
			c.last[id] = lasting
		}
	}
}

// number takes a free place.
func (c *coreMaker) number() uint8 {
	if n := len(c.free); n > 0 {
		at := c.free[n-1]
		c.free = c.free[:n-1]
		return at
	}
	if c.used == len(c.core.fixed) {
		c.overrun = true
		return 0
	}
	c.used++
	return uint8(c.used - 1)
}

// carried gives all words of the state places, which stay theirs.
func (c *coreMaker) carried(vector []bool) {
	for k := range c.f.Next {
		if !vector[k] {
			c.core.states = append(c.core.states, carry{leaf: k, state: c.number()})
		}
	}
	for i := range c.f.Values {
		v := &c.f.Values[i]
		for _, s := range c.core.states {
			if v.Op == ir.State && int(v.Port.Leaf) == s.leaf {
				c.place[ir.ID(i)] = s.state
			}
		}
	}
	for i := range c.f.Values { // what must not be overwritten comes before what lives shortly
		if v := &c.f.Values[i]; c.inCore[i] && v.Op == ir.Const {
			c.place[ir.ID(i)] = c.number()
			c.core.fixed[c.place[ir.ID(i)]] = v.Imm
		}
	}
	for i := range c.f.Values {
		v := &c.f.Values[i]
		if c.inCore[i] && !c.scalar[i] && v.Op != ir.Const {
			k := c.home(ir.ID(i))
			c.place[ir.ID(i)] = c.number()
			c.last[i] = lasting
			c.core.loads = append(c.core.loads, move{c.place[ir.ID(i)], k, c.column(ir.ID(i), k)})
		}
	}
}

// value makes the step of a value, if it needs one.
func (c *coreMaker) value(id ir.ID) {
	v := &c.f.Values[id]
	if v.Op == ir.Bound && c.scalar[id] {
		c.place[id] = c.place[v.Args[0]]
		return
	}
	if v.Op == ir.Const || v.Op == ir.State || !c.scalar[id] {
		return
	}
	s := c.step(v)
	for _, a := range v.Operands() {
		if c.last[a] == int(id) {
			c.last[a] = -1
			c.free = append(c.free, c.place[a])
		}
	}
	s.d = c.number()
	c.place[id] = s.d
	c.core.code = append(c.core.code, s)
}

// step makes an operation.
func (c *coreMaker) step(v *ir.Value) step {
	plain, withK := codes(v.Op)
	s := step{code: plain, op: v.Op, k: v.Imm}
	for n, a := range v.Operands() {
		*[]*uint8{&s.a, &s.b, &s.c}[n] = c.place[a]
	}
	switch v.Op {
	case ir.Mux:
		s.code = sMux
	case ir.Abs:
		s.code = sAbs
	case ir.Table:
		s.code, s.table = sLook, c.f.Tables[v.Imm]
	case ir.WrapU:
		s.code, s.k = sAndK, 1<<v.Imm-1
	case ir.WrapS:
		s.code, s.k = sExt, 64-v.Imm
	}
	if v.Op.Arity() != 2 {
		return s
	}
	first, second := &c.f.Values[v.Args[0]], &c.f.Values[v.Args[1]]
	switch {
	case second.Op == ir.Const && withK != sOther:
		s.code, s.k = withK, second.Imm
		if v.Op == ir.Sub {
			s.k = -second.Imm
		}
	case first.Op == ir.Const && v.Op == ir.Sub:
		s.code, s.k, s.a = sSubK, first.Imm, s.b
	case first.Op == ir.Const && v.Op == ir.Lt:
		s.code, s.k, s.a = sGtK, first.Imm, s.b
	}
	return s
}

// carries connects the next state with the state.
func (c *coreMaker) carries(vector []bool) {
	for i := range c.core.states {
		s := &c.core.states[i]
		s.next = c.place[c.f.Next[s.leaf]]
		for _, other := range c.core.states {
			c.core.swaps = c.core.swaps || s.next == other.state && s.state != other.state
		}
	}
}

// wanted tells which values of the core are used outside of it: by results, and by what depends on the state but is not in the core.
func (c *coreMaker) wanted() []bool {
	wanted := make([]bool, len(c.f.Values))
	for _, id := range c.f.Outs {
		wanted[id] = true
	}
	for i := len(c.f.Values) - 1; i >= 0; i-- {
		v := &c.f.Values[i]
		if wanted[i] && c.scalar[i] && !c.inCore[i] && v.Op != ir.State {
			for _, a := range v.Operands() {
				wanted[a] = true
			}
		}
	}
	return wanted
}

// give makes columns of what is wanted.
func (c *coreMaker) give(wanted []bool) {
	for i := range c.f.Values {
		id, v := ir.ID(i), &c.f.Values[i]
		if !wanted[i] || !c.scalar[i] || !c.inCore[i] && v.Op != ir.State {
			continue
		}
		k := c.home(id)
		r := c.fresh(k)
		c.made[k][id] = r
		c.core.stores = append(c.core.stores, move{c.place[id], k, r})
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

// fuse joins steps with the one behind, where nothing else reads what is between: that one's result is in the same place.
func (c *core) fuse() {
	out := c.code[:0]
	for i := 0; i < len(c.code); i++ {
		s := c.code[i]
		if i+1 < len(c.code) {
			if both, ok := joined(s, c.code[i+1]); ok {
				out = append(out, both)
				i++
				continue
			}
		}
		out = append(out, s)
	}
	c.code = out
}

func joined(s, next step) (step, bool) {
	if next.a != s.d || next.d != s.d {
		return s, false
	}
	both := next
	both.a, both.k = s.a, s.k
	alone := next.b != s.d && next.c != s.d
	switch {
	case s.code == sAndK && next.code == sLook:
		both.code = sLookK
	case s.code == sMaxK && next.code == sMinK && s.k <= next.k:
		both.code, both.k2 = sClampK, next.k
	case s.code == sMinK && next.code == sMaxK && next.k <= s.k:
		both.code, both.k, both.k2 = sClampK, next.k, s.k
	case s.code == sLtK && next.code == sMux && alone:
		both.code = sMuxLtK
	case s.code == sGtK && next.code == sMux && alone:
		both.code = sMuxGtK
	case s.code == sEqK && next.code == sMux && alone:
		both.code = sMuxEqK
	case s.code == sNeK && next.code == sMux && alone:
		both.code = sMuxNeK
	default:
		return s, false
	}
	return both, true
}
