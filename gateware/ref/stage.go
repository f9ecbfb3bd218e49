package ref

import (
	"fmt"

	"github.com/dop251/goja"

	"github.com/capodekappa/capo/gateware/frame"
	"github.com/capodekappa/capo/gateware/ir"
)

// stage is one function at work on one frame.
type stage struct {
	*ir.Stage
	rt      *goja.Runtime
	call    goja.Callable
	in, out frame.Size
	words   []float64 // all leaves of all tokens that come in
	size    int       // leaves of one
}

func (s *stage) run() ([]float64, error) {
	if s.in.Tokens() == 0 {
		return nil, nil
	}
	switch s.Shape {
	case ir.WordShape:
		return s.each(func(x, y int) (goja.Value, goja.Value) {
			return s.token(x, y), s.position("x", x, "y", y)
		})
	case ir.TapsShape:
		return s.each(func(x, y int) (goja.Value, goja.Value) {
			newest := (y*s.out.Width + x) * s.HopCols
			return s.taps(newest), s.position("i", newest)
		})
	case ir.WindowShape:
		return s.each(func(x, y int) (goja.Value, goja.Value) {
			return s.window(x*s.HopCols, y*s.HopRows), s.position("x", x, "y", y)
		})
	case ir.FoldShape:
		return s.fold()
	}
	return s.blocks()
}

// position is the last argument: names and numbers in turn.
func (s *stage) position(parts ...any) goja.Value {
	o := s.rt.NewObject()
	for i := 0; i < len(parts); i += 2 {
		_ = o.Set(fmt.Sprint(parts[i]), parts[i+1]) // a plain object refuses nothing
	}
	return o
}

// each calls the function for every place of the output, row by row.
func (s *stage) each(args func(x, y int) (goja.Value, goja.Value)) ([]float64, error) {
	var out []float64
	for y := range s.out.Rows {
		for x := range s.out.Width {
			what, where := args(x, y)
			v, err := s.call(goja.Undefined(), what, where)
			if err == nil {
				out, err = s.store(out, v, s.Out)
			}
			if err != nil {
				return nil, fmt.Errorf("at x %d, y %d: %w", x, y, err)
			}
		}
	}
	return out, nil
}

// token is the token in a column and row of the frame.
func (s *stage) token(x, y int) goja.Value {
	return s.value(s.words[(y*s.in.Width+x)*s.size:], s.In)
}

// nothing is a token of zeros.
func (s *stage) nothing() goja.Value { return s.value(make([]float64, s.size), s.In) }

// taps are the newest sample and those before it; before the first there are zeros.
func (s *stage) taps(newest int) goja.Value {
	list := make([]any, s.Cols)
	for back := range list {
		if newest-back < 0 {
			list[back] = s.nothing()
		} else {
			list[back] = s.value(s.words[(newest-back)*s.size:], s.In)
		}
	}
	return s.rt.NewArray(list...)
}

// window is the neighbourhood of a place.
func (s *stage) window(x, y int) goja.Value {
	rows := make([]any, s.Rows)
	for r := range rows {
		cells := make([]any, s.Cols)
		for c := range cells {
			at, inX := s.beyond(x+c-(s.Cols-1)/2, s.in.Width)
			row, inY := s.beyond(y+r-(s.Rows-1)/2, s.in.Rows)
			if inX && inY {
				cells[c] = s.token(at, row)
			} else {
				cells[c] = s.nothing()
			}
		}
		rows[r] = s.rt.NewArray(cells...)
	}
	return s.rt.NewArray(rows...)
}

// beyond is the place that is seen where a window looks, on an axis of n places; false is a zero.
func (s *stage) beyond(at, n int) (int, bool) {
	for at < 0 || at >= n {
		switch s.Edge {
		case ir.Zero:
			return 0, false
		case ir.Clamp:
			if at < 0 {
				return 0, true
			}
			return n - 1, true
		}
		if n == 1 {
			return 0, true
		}
		if at < 0 { // a mirror stands in the first place, another in the last
			at = -at
		} else {
			at = 2*(n-1) - at
		}
	}
	return at, true
}

// fold calls the function with the state that the call before returned.
func (s *stage) fold() ([]float64, error) {
	state := make([]float64, len(s.Init))
	for i, v := range s.Init {
		state[i] = float64(v)
	}
	var out []float64
	for i := range s.in.Tokens() {
		v, err := s.call(goja.Undefined(), s.value(state, s.State), s.value(s.words[i*s.size:], s.In), s.position("i", i))
		if err != nil {
			return nil, fmt.Errorf("at i %d: %w", i, err)
		}
		o, ok := v.(*goja.Object)
		if !ok {
			return nil, fmt.Errorf("at i %d: the function gave %v, not { state, out }", i, v)
		}
		if s.Last {
			out = nil
		}
		if out, err = s.store(out, o.Get("out"), s.Out); err != nil {
			return nil, fmt.Errorf("at i %d: %w", i, err)
		}
		if state, err = s.store(nil, o.Get("state"), s.State); err != nil {
			return nil, fmt.Errorf("at i %d: %w", i, err)
		}
	}
	return out, nil
}
