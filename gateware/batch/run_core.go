package batch

// runCore computes what depends on the sample before.
func (w *work) runCore() {
	c := w.core
	v := &w.numbers
	*v = c.fixed
	for _, s := range c.states {
		v[s.state] = w.state(s.leaf)
	}
	feeds, next := make([]feed, 0, 16), make([]int64, len(c.states))
	for _, l := range c.loads {
		f := feed{number: l.number}
		if l.kind == k32 {
			f.small = w.small[l.column][:w.n]
		} else {
			f.large = w.large[l.column][:w.n]
		}
		feeds = append(feeds, f)
	}
	for n := range w.n {
		for i := range feeds {
			f := &feeds[i]
			if f.small != nil {
				v[f.number] = int64(f.small[n])
			} else {
				v[f.number] = f.large[n]
			}
		}
		c.run(v)
		if !w.lastOnly || n == w.n-1 {
			w.leave(n)
		}
		if c.swaps {
			c.swap(v, next)
			continue
		}
		for _, s := range c.states {
			v[s.state] = v[s.next]
		}
	}
	for _, s := range c.states {
		w.setState(s.leaf, v[s.state])
	}
}

// feed is a column that goes into a number, sample by sample.
type feed struct {
	number uint8
	small  []int32
	large  []int64
}

// leave writes a sample of the columns.
func (w *work) leave(n int) {
	for i := range w.core.stores {
		s := &w.core.stores[i]
		if s.kind == k32 {
			w.small[s.column][n] = int32(w.numbers[s.number])
		} else {
			w.large[s.column][n] = w.numbers[s.number]
		}
	}
}

// swap sets the state where one word becomes another. next is scratch.
func (c *core) swap(v *numbers, next []int64) {
	next = next[:len(c.states)]
	for i := range next {
		next[i] = v[c.states[i].next]
	}
	for i := range next {
		v[c.states[i].state] = next[i]
	}
}
