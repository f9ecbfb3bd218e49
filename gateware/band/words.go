package band

import (
	"encoding/binary"

	"github.com/capodekappa/capo/gateware/ir"
)

// words is a stage that needs nothing but the token: words and folds.
type words struct {
	common
	cap       int // tokens in a buffer
	inAt      int
	outAt     int
	state     int
	placed    bool // it needs its column or row
	indexUsed bool
}

func (s *words) layout(a *arena) {
	s.cap = min(max(s.pieces(s.in+s.out), s.strip), s.n.in.end-s.n.in.first)
	s.inAt = a.take(s.cap * s.in)
	outs := s.cap
	if s.Shape == ir.FoldShape && s.Last {
		outs = 1
	}
	s.outAt = a.take((outs + s.strip) * s.out)
	s.state = a.take(8 * len(s.Init))
	s.placed = s.Uses(ir.X) || s.Uses(ir.Y)
	a.over = max(a.over, s.strip*s.in+64)
}

func (s *words) start() {
	for i, v := range s.Init {
		binary.LittleEndian.PutUint64(s.w.mem[s.state+8*i:], uint64(v))
	}
}

func (s *words) feed(first int, data []byte, at int) error {
	for len(data) > 0 {
		n := min(len(data)/s.in, s.cap, s.pace.outputs())
		x := 0
		if s.placed {
			x = first % s.g.In.Width
			if x > 0 {
				n = min(n, s.g.In.Width-x)
			} else if n > s.g.In.Width {
				n -= n % s.g.In.Width
			}
		}
		from := at
		if at < 0 {
			from = s.inAt
			copy(s.w.mem[from:], data[:n*s.in])
		} else {
			at += n * s.in
		}
		if err := s.compute(first, n, x, from); err != nil {
			return err
		}
		data = data[n*s.in:]
		first += n
	}
	return nil
}

func (s *words) compute(first, n, x, from int) error {
	c := Call{In: from, Out: s.outAt, Rows: 1, N: n, InStride: n * s.in, OutStride: n * s.out, X: x, I: first, State: s.state}
	if s.placed {
		c.Y = first / s.g.In.Width
		if n > s.g.In.Width {
			c.Rows, c.N = n/s.g.In.Width, s.g.In.Width
			c.InStride, c.OutStride = c.N*s.in, c.N*s.out
		}
	}
	if err := s.call(&c); err != nil {
		return err
	}
	if s.Shape == ir.FoldShape && s.Last {
		if first+n < s.g.In.Tokens() {
			return nil
		}
		return s.w.hand(s.index, 0, s.outAt, 1, s.out)
	}
	return s.w.hand(s.index, first, s.outAt, n, s.out)
}
