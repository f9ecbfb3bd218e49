package band

// taps is a stage that sees the tokens before.
type taps struct {
	common
	cap   int // tokens in the buffer
	at    int // the buffer
	zero  int // the token at its beginning; negative where zeros stand before the first
	held  int // tokens in it
	next  int // the output to compute
	outs  int // outputs in the buffer of outputs
	outAt int
}

func (s *taps) layout(a *arena) {
	s.cap = s.Cols - 1 + max(s.pieces(s.in+s.out), s.strip*s.HopCols, s.Cols)
	s.at = a.take(s.cap * s.in)
	s.outs = s.cap/s.HopCols + 1
	s.outAt = a.take((s.outs + s.strip) * s.out)
	a.over = max(a.over, s.strip*s.HopCols*s.in+64)
}

func (s *taps) start() {
	s.next = s.n.out.first
	s.zero = s.next*s.HopCols - (s.Cols - 1)
	s.held = max(0, -s.zero)
	clear(s.w.mem[s.at : s.at+s.held*s.in])
}

func (s *taps) feed(first int, data []byte, _ int) error {
	for len(data) > 0 {
		if s.held == s.cap {
			s.forget()
		}
		n := min(len(data)/s.in, s.cap-s.held)
		copy(s.w.mem[s.at+s.held*s.in:], data[:n*s.in])
		s.held += n
		first += n
		data = data[n*s.in:]
		if s.held == s.cap || first == s.n.in.end {
			if err := s.compute(); err != nil {
				return err
			}
		}
	}
	return nil
}

// forget moves what the next output sees to the buffer's beginning.
func (s *taps) forget() {
	drop := min(s.next*s.HopCols-(s.Cols-1)-s.zero, s.held)
	from := s.w.mem[s.at+drop*s.in : s.at+s.held*s.in]
	copy(s.w.mem[s.at:], from)
	s.zero += drop
	s.held -= drop
}

// compute gives all outputs whose sample is in the buffer.
func (s *taps) compute() error {
	for s.next < s.n.out.end {
		sample := s.next*s.HopCols - s.zero // in the buffer
		if sample >= s.held {
			return nil
		}
		n := min((s.held-1-sample)/s.HopCols+1, s.n.out.end-s.next, s.outs, s.pace.outputs())
		err := s.call(&Call{In: s.at + sample*s.in, Out: s.outAt, Rows: 1, N: n, I: s.next * s.HopCols})
		if err == nil {
			err = s.w.hand(s.index, s.next, s.outAt, n, s.out)
		}
		if err != nil {
			return err
		}
		s.next += n
	}
	return nil
}
