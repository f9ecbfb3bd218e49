package ref

import (
	"fmt"

	"github.com/dop251/goja"
)

// blocks calls the function for every tile, in raster order.
func (s *stage) blocks() ([]float64, error) {
	perToken := s.Out.Len()
	var out []float64
	placed := make([]float64, s.in.Tokens()*perToken)
	for y := range s.in.Rows / s.Rows {
		for x := range s.in.Width / s.Cols {
			v, err := s.call(goja.Undefined(), s.tile(x, y), s.position("x", x, "y", y))
			if err != nil {
				return nil, fmt.Errorf("at tile x %d, y %d: %w", x, y, err)
			}
			if s.Out.Elem != nil {
				if out, err = s.store(out, v, s.Out); err != nil {
					return nil, fmt.Errorf("at tile x %d, y %d: %w", x, y, err)
				}
				continue
			}
			if err := s.place(placed, v, x, y); err != nil {
				return nil, fmt.Errorf("at tile x %d, y %d: %w", x, y, err)
			}
		}
	}
	if s.Out.Elem != nil {
		return out, nil
	}
	return placed, nil
}

func (s *stage) tile(x, y int) goja.Value {
	rows := make([]any, s.Rows)
	for r := range rows {
		cells := make([]any, s.Cols)
		for c := range cells {
			cells[c] = s.token(x*s.Cols+c, y*s.Rows+r)
		}
		rows[r] = s.rt.NewArray(cells...)
	}
	return s.rt.NewArray(rows...)
}

// place puts what the function returned for a tile where the tile was.
func (s *stage) place(placed []float64, v goja.Value, x, y int) error {
	perToken := s.Out.Len()
	for r := range s.Rows {
		for c := range s.Cols {
			cell, err := s.cell(v, r, c)
			if err != nil {
				return err
			}
			words, err := s.store(nil, cell, s.Out)
			if err != nil {
				return err
			}
			copy(placed[((y*s.Rows+r)*s.in.Width+x*s.Cols+c)*perToken:], words)
		}
	}
	return nil
}

// cell is an element of what was returned: rows of columns, or all in one array.
func (s *stage) cell(v goja.Value, r, c int) (goja.Value, error) {
	o, ok := v.(*goja.Object)
	if !ok {
		return nil, fmt.Errorf("the function gave %v for a block", v)
	}
	row, nested := o.Get(fmt.Sprint(r)).(*goja.Object)
	nested = nested && row.ClassName() == "Array"
	want := s.Rows * s.Cols
	if nested {
		want = s.Rows
	}
	if n := o.Get("length"); n == nil || n.ToInteger() != int64(want) {
		return nil, fmt.Errorf("the function gave %v elements for a block of %d by %d", n, s.Rows, s.Cols)
	}
	if !nested {
		return o.Get(fmt.Sprint(r*s.Cols + c)), nil
	}
	return row.Get(fmt.Sprint(c)), nil
}
