package band

import (
	"encoding/binary"

	"github.com/capodekappa/capo/gateware/ir"
)

// window is a stage that sees a neighbourhood. Its rows are in a ring.
type window struct {
	common
	slots  int // rows in the ring
	stride int // bytes from one to the next
	pad    int // tokens beside a row, on each side
	at     int // the ring
	zeros  int // a row of zeros
	table  int // addresses of rows
	outAt  int
	rows   int // rows in the buffer of outputs
	next   int // the row of outputs to compute
}

func (s *window) layout(a *arena) {
	width := s.g.In.Width
	s.pad = s.Cols / 2
	s.stride = ((width+2*s.pad)*s.in + 63) &^ 63
	s.rows = min(s.pieces(s.g.Out.Width*s.out), s.g.Out.Rows)
	s.slots = min(s.Rows+s.pieces(s.stride), s.g.In.Rows)
	s.at = a.take(s.slots * s.stride)
	if s.Edge == ir.Zero {
		s.zeros = a.take(s.stride)
	}
	s.table = a.take(4 * s.Rows * s.rows)
	s.outAt = a.take((s.rows*s.g.Out.Width + s.strip) * s.out)
	a.over = max(a.over, s.strip*s.HopCols*s.in+64)
}

func (s *window) start() {
	s.next = s.n.out.first / s.g.Out.Width
	if s.Edge == ir.Zero {
		clear(s.w.mem[s.zeros : s.zeros+s.stride])
	}
}

func (s *window) feed(first int, data []byte, _ int) error {
	width := s.g.In.Width
	for len(data) > 0 {
		row, x := first/width, first%width
		if x == 0 && row-max(0, s.next*s.HopRows-s.Rows/2) >= s.slots {
			if err := s.compute(row); err != nil {
				return err
			}
		}
		n := min(width-x, len(data)/s.in)
		to := s.slot(row)
		copy(s.w.mem[to+(s.pad+x)*s.in:], data[:n*s.in])
		first += n
		data = data[n*s.in:]
		if x+n == width {
			s.edges(to)
		}
	}
	if first == s.n.in.end {
		return s.compute(first / width)
	}
	return nil
}

func (s *window) slot(row int) int { return s.at + row%s.slots*s.stride }

// edges writes what a row's neighbours outside the frame show.
func (s *window) edges(at int) {
	width := s.g.In.Width
	token := func(x int) []byte { return s.w.mem[at+(s.pad+x)*s.in:][:s.in] }
	for i := 1; i <= s.pad; i++ {
		for _, x := range [2]int{-i, width - 1 + i} {
			if from := edge(s.Edge, x, width); from >= 0 {
				copy(token(x), token(from))
			} else {
				clear(token(x))
			}
		}
	}
}

// compute gives all rows of outputs whose windows are in the ring; received is how many rows came.
func (s *window) compute(received int) error {
	ready := (received-1-s.Rows/2)/s.HopRows + 1
	if received-1 < s.Rows/2 {
		ready = 0
	}
	if end := s.n.out.end / s.g.Out.Width; ready > end || received*s.g.In.Width == s.n.in.end {
		ready = end
	}
	for s.next < ready {
		n := min(ready-s.next, s.rows, max(1, s.pace.outputs()/s.g.Out.Width))
		s.point(n)
		if err := s.give(n); err != nil {
			return err
		}
		s.next += n
	}
	return nil
}

// point writes the addresses of the rows that the next n rows of windows see.
func (s *window) point(n int) {
	at := s.table
	for y := s.next; y < s.next+n; y++ {
		for r := range s.Rows {
			address := s.zeros
			if row := edge(s.Edge, y*s.HopRows+r-s.Rows/2, s.g.In.Rows); row >= 0 {
				address = s.slot(row)
			}
			binary.LittleEndian.PutUint32(s.w.mem[at:], uint32(address))
			at += 4
		}
	}
}

// give computes n rows, in parts if one takes too long.
func (s *window) give(n int) error {
	width := s.g.Out.Width
	part := width
	if n == 1 {
		part = min(part, s.pace.outputs())
	}
	for x := 0; x < width; x += part {
		part = min(part, width-x)
		c := Call{In: s.table, Out: s.outAt, Rows: n, N: part, OutStride: part * s.out, X: x, Y: s.next}
		err := s.call(&c)
		if err == nil {
			err = s.w.hand(s.index, s.next*width+x, s.outAt, n*part, s.out)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
