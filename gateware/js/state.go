package js

// cell is a place that can change: a variable, an element, a field, an array's length.
type cell struct {
	b   *binding
	o   *object
	i   int
	key string
}

// lengthCell is a cell's i for an array's length, which is changed with its elements.
const lengthCell = -1

func (c cell) load() value {
	switch {
	case c.b != nil:
		return c.b.v
	case c.i == lengthCell:
		return num(len(c.o.elems))
	case c.o.array:
		if c.i >= len(c.o.elems) {
			return undefined{}
		}
		return c.o.elems[c.i]
	}
	v, ok := c.o.fields[c.key]
	if !ok {
		return undefined{}
	}
	return v
}

func (c cell) store(v value) {
	switch {
	case c.b != nil:
		c.b.v = v
	case c.i == lengthCell:
		n, _ := v.(num)
		for len(c.o.elems) < int(n) {
			c.o.elems = append(c.o.elems, undefined{})
		}
		c.o.elems = c.o.elems[:int(n)]
	case c.o.array:
		if c.i < len(c.o.elems) {
			c.o.elems[c.i] = v
		}
	default:
		c.o.set(c.key, v)
	}
}

// journal is what changed since a point: the values before.
type journal struct {
	old   map[cell]value
	order []cell
}

// change is what cells hold at a point, of those that changed since an earlier one.
type change struct {
	now   map[cell]value
	order []cell
}

func (j *journal) note(c cell, old value) {
	if _, ok := j.old[c]; ok {
		return
	}
	if j.old == nil {
		j.old = map[cell]value{}
	}
	j.old[c] = old
	j.order = append(j.order, c)
}

// begin starts a journal and returns the number of those below it.
func (e *eval) begin() int {
	e.journals = append(e.journals, &journal{})
	return len(e.journals) - 1
}

// write changes a cell.
func (e *eval) write(c cell, v value) {
	e.steps++
	if n := len(e.journals); n > 0 {
		e.journals[n-1].note(c, c.load())
	}
	c.store(v)
}

// changes are those since a journal began.
func (e *eval) changes(since int) change {
	ch := change{now: map[cell]value{}}
	for _, j := range e.journals[since:] {
		for _, c := range j.order {
			if _, ok := ch.now[c]; !ok {
				ch.now[c] = e.settled(c.load())
				ch.order = append(ch.order, c)
			}
		}
	}
	return ch
}

// undo ends the newest journal as if nothing had happened.
func (e *eval) undo() {
	j := e.pop()
	for i := len(j.order) - 1; i >= 0; i-- {
		j.order[i].store(j.old[j.order[i]])
	}
}

// keep ends the newest journal with what happened.
func (e *eval) keep() {
	j := e.pop()
	if n := len(e.journals); n > 0 {
		for _, c := range j.order {
			e.journals[n-1].note(c, j.old[c])
		}
	}
}

func (e *eval) pop() *journal {
	n := len(e.journals) - 1
	j := e.journals[n]
	e.journals = e.journals[:n]
	return j
}
