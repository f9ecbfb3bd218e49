package batch

// columnBytes is what the columns of a program may take together before they are made shorter.
const columnBytes = 40 << 10

// allocate gives each result a column of the machine; one is used again when nobody needs what is in it.
func (l *lowering) allocate() {
	last := l.lastUses()
	a := allocation{kinds: l.kinds, at: make([]reg, len(l.kinds)), last: last}
	for i := range a.at {
		a.at[i] = none
	}
	for i := range l.fixed {
		l.fixed[i].at = a.take(l.fixed[i].at)
	}
	time := 0
	a.run(l.before, &time)
	if l.core != nil {
		l.core.allocate(&a, time)
	}
	time++
	a.run(l.after, &time)
	for i := range l.outs {
		l.outs[i].a = a.at[l.outs[i].a]
	}
	for i := range l.states {
		l.states[i].a = a.at[l.states[i].a]
	}
	l.columns = a.count
	l.strip = min(max(columnBytes/max(4*a.count[k32]+8*a.count[k64], 1)&^63, 64), strip)
}

// lastUses is the time at which each register is read for the last time.
func (l *lowering) lastUses() []int {
	last := make([]int, len(l.kinds))
	time := 0
	mark := func(list []instr) {
		for i := range list {
			for _, r := range []reg{list[i].a, list[i].b, list[i].c} {
				if list[i].reads(r) {
					last[r] = time
				}
			}
			time++
		}
	}
	for i := range l.before {
		l.before[i].forget()
	}
	for i := range l.after {
		l.after[i].forget()
	}
	mark(l.before)
	if l.core != nil {
		for _, r := range l.core.reads() {
			last[r] = time
		}
	}
	time++
	mark(l.after)
	const never = 1 << 30
	for _, o := range l.outs {
		last[o.a] = never
	}
	for _, s := range l.states {
		last[s.a] = never
	}
	for _, f := range l.fixed {
		last[f.at] = never
	}
	return last
}

// operands is how many columns an instruction reads.
func (i *instr) operands() int {
	switch i.code {
	case load, position:
		return 0
	case mulAdd:
		return 2
	case widen, narrow, addImm, mulImm, andImm, shlImm, shrImm, minImm, maxImm, ltImm, gtImm, eqImm, clamp, delay:
		return 1
	}
	return opOf(i.code).Arity()
}

// forget clears the operands that the instruction does not have.
func (i *instr) forget() {
	for n, r := range []*reg{&i.a, &i.b, &i.c} {
		if n >= i.operands() {
			*r = none
		}
	}
}

func (i *instr) reads(r reg) bool { return r != none }

// allocation is the state of the columns at a time.
type allocation struct {
	kinds []kind
	at    []reg // the column of each register
	last  []int
	free  [2][]reg
	count [2]int
}

// take gives a register a column.
func (a *allocation) take(r reg) reg {
	k := a.kinds[r]
	if n := len(a.free[k]); n > 0 {
		a.at[r] = a.free[k][n-1]
		a.free[k] = a.free[k][:n-1]
	} else {
		a.at[r] = reg(a.count[k])
		a.count[k]++
	}
	return a.at[r]
}

// use returns a register's column; when this was its last use, the column is free.
func (a *allocation) use(r reg, time int) reg {
	at := a.at[r]
	if a.last[r] == time {
		a.last[r] = -1
		a.free[a.kinds[r]] = append(a.free[a.kinds[r]], at)
	}
	return at
}

func (a *allocation) run(list []instr, time *int) {
	for n := range list {
		i := &list[n]
		for _, r := range []*reg{&i.a, &i.b, &i.c} {
			if *r != none {
				*r = a.use(*r, *time)
			}
		}
		i.d = a.take(i.d)
		*time++
	}
}
