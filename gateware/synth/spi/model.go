package spi

// model is a stage as the schedule sees it: which tokens it has taken, and which are in its registers.
type model struct {
	Stage
	width, tokens int // of the frame that comes in
	taken         int // tokens taken, then steps of the flush
	steps         int // tokens and steps in all
	pipe          []bool
	head, filled  int
}

// models makes the stages for a frame.
func (l *Link) models(width, rows int) []*model {
	var all []*model
	for _, s := range l.Stages {
		m := &model{Stage: s, width: width, tokens: width * rows, pipe: make([]bool, s.Latency)}
		if s.Flat {
			m.width = m.tokens
		}
		m.HopRows, m.HopCols = max(m.HopRows, 1), max(m.HopCols, 1)
		m.steps = m.tokens + s.DelayRows*m.width + s.DelayCols
		if m.tokens == 0 {
			m.steps = 0
		}
		all = append(all, m)
		width, rows = m.out(width, rows)
	}
	return all
}

// out is the frame that the stage gives.
func (m *model) out(width, rows int) (int, int) {
	count := func(n, hop, phase int) int { return (n - phase + hop - 1) / hop }
	switch {
	case m.tokens == 0:
		return width, 0
	case m.Last:
		return 1, 1
	case m.Flat && m.HopCols > 1:
		return count(m.tokens, m.HopCols, m.PhaseCols), 1
	case m.Flat:
		return width, rows
	}
	return count(width, m.HopCols, m.PhaseCols), count(rows, m.HopRows, m.PhaseRows)
}

// gives tells whether step number s completes an output.
func (m *model) gives(s int) bool {
	s -= m.DelayRows*m.width + m.DelayCols
	switch {
	case s < 0 || s >= m.tokens:
		return false
	case m.Last:
		return s == m.tokens-1
	case m.HopRows == 1 && m.HopCols == 1:
		return true
	}
	return s/m.width%m.HopRows == m.PhaseRows && s%m.width%m.HopCols == m.PhaseCols
}

// take counts a token and tells whether it completes an output.
func (m *model) take() bool {
	m.taken++
	return m.gives(m.taken - 1)
}

// flushing: the frame's tokens are all there, and outputs are missing.
func (m *model) flushing() bool { return m.taken >= m.tokens && m.taken < m.steps }

// offers tells whether the stage hands a token over in this clock; a stage without registers does if it is offered one.
func (m *model) offers(offered bool) bool {
	if len(m.pipe) == 0 {
		return (m.flushing() || offered && m.taken < m.tokens) && m.gives(m.taken)
	}
	return m.pipe[m.head]
}

// move is a clock in which the stage does not stand still.
func (m *model) move(offered bool) {
	given := false
	if m.flushing() || offered && m.taken < m.tokens {
		given = m.take()
	}
	if len(m.pipe) == 0 {
		return
	}
	if m.pipe[m.head] {
		m.filled--
	}
	if m.pipe[m.head] = given; given {
		m.filled++
	}
	m.head = (m.head + 1) % len(m.pipe)
}
