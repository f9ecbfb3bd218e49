package band

import "github.com/capodekappa/capo/gateware/ir"

// block is a stage of tiles. A row of tiles is gathered, then computed. Where a frame is one tile wide, tiles that
// follow each other are laid side by side, so that a machine computes several at once.
type block struct {
	common
	beside   int // tiles that are laid side by side; 0: the frame's own rows of tiles
	tiles    int // in a row of tiles
	stride   int // bytes of a row in the buffer
	at       int
	outAt    int
	outRow   int // bytes of a row in the buffer of outputs, of which some are spilled
	gathered int // tokens in the buffer
	first    int // the first of them
}

func (s *block) layout(a *arena) {
	s.tiles = s.g.In.Width / s.Cols
	if s.tiles == 1 && !s.Uses(ir.X) && !s.Uses(ir.Y) {
		area := s.Rows * s.Cols
		s.beside = min(max(s.strip, s.pieces(area*s.in)), (s.n.in.end-s.n.in.first)/area)
		s.tiles = s.beside
	}
	s.stride = s.tiles * s.Cols * s.in
	s.at = a.take(s.Rows * s.stride)
	if s.PerBlock() {
		s.outRow = (s.tiles + s.strip) * s.Cols * s.out
		s.outAt = a.take(s.Rows * s.outRow)
	} else {
		s.outAt = a.take((s.tiles + s.strip) * s.out)
	}
	a.over = max(a.over, s.strip*s.Cols*s.in+64)
}

func (s *block) start() { s.first = s.n.in.first }

func (s *block) feed(first int, data []byte, _ int) error {
	full := s.tiles * s.Rows * s.Cols
	for len(data) > 0 {
		n := min(full-s.gathered, len(data)/s.in)
		if s.beside > 0 {
			s.lay(data[:n*s.in])
		} else {
			copy(s.w.mem[s.at+s.gathered*s.in:], data[:n*s.in])
		}
		s.gathered += n
		first += n
		data = data[n*s.in:]
		if s.gathered == full || first == s.n.in.end {
			if err := s.compute(s.gathered / (s.Rows * s.Cols)); err != nil {
				return err
			}
			s.first += s.gathered
			s.gathered = 0
		}
	}
	return nil
}

// lay puts tokens of tiles that follow each other side by side.
func (s *block) lay(data []byte) {
	for token := s.gathered; len(data) > 0; {
		tile, r, col := token/(s.Rows*s.Cols), token/s.Cols%s.Rows, token%s.Cols
		n := min(s.Cols-col, len(data)/s.in)
		copy(s.w.mem[s.at+r*s.stride+(tile*s.Cols+col)*s.in:], data[:n*s.in])
		data = data[n*s.in:]
		token += n
	}
}

// compute gives the tiles that were gathered.
func (s *block) compute(tiles int) error {
	y := s.first / (s.g.In.Width * s.Rows)
	step := s.out
	if s.PerBlock() {
		step *= s.Cols
	}
	for x := 0; x < tiles; {
		n := min(tiles-x, s.pace.outputs())
		c := Call{In: s.at + x*s.Cols*s.in, Out: s.outAt + x*step, Rows: 1, N: n, InStride: s.stride, OutStride: s.outRow, X: x, Y: y}
		if err := s.call(&c); err != nil {
			return err
		}
		x += n
	}
	if !s.PerBlock() {
		return s.w.hand(s.index, s.first/(s.Rows*s.Cols), s.outAt, tiles, s.out)
	}
	return s.rows(tiles)
}

// rows hands on the words of tiles in the frame's order.
func (s *block) rows(tiles int) error {
	token := s.first
	runs, width := 1, tiles*s.Cols
	if s.beside > 0 {
		runs, width = tiles, s.Cols
	}
	for run := range runs {
		for r := range s.Rows {
			at := s.outAt + r*s.outRow + run*s.Cols*s.out
			if err := s.w.hand(s.index, token, at, width, s.out); err != nil {
				return err
			}
			token += width
		}
	}
	return nil
}
