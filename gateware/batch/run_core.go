package batch

// runCore computes what depends on the sample before.
func (w *work) runCore() {
	c := w.core
	v := &w.numbers
	*v = c.fixed
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
		c.run(v)
		for _, s := range c.stores {
			if s.kind == k32 {
				w.small[s.column][n] = int32(v[s.number])
			} else {
				w.large[s.column][n] = v[s.number]
			}
		}
		if c.swaps {
			c.swap(v)
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

// swap sets the state where one word becomes another.
func (c *core) swap(v *numbers) {
	old := *v
	for _, s := range c.states {
		v[s.state] = old[s.next]
	}
}
