package ir

import "fmt"

// Check tells what is wrong with a stage.
func (s *Stage) Check() error {
	if err := s.CheckShape(); err != nil {
		return err
	}
	for _, t := range []struct {
		what string
		t    Type
	}{{"in", s.In}, {"out", s.Out}} {
		if err := t.t.Check(); err != nil {
			return fmt.Errorf("%s: %w", t.what, err)
		}
	}
	if s.Shape == FoldShape {
		if err := s.checkState(); err != nil {
			return err
		}
	}
	if s.Body == nil {
		return fmt.Errorf("it has no body")
	}
	return s.checkBody()
}

// CheckShape tells what is wrong with a stage's sizes, hop and widths; it may lack its body.
func (s *Stage) CheckShape() error {
	area := s.Rows * s.Cols
	one := s.HopRows == 1 && s.HopCols == 1
	hops := s.HopRows >= 1 && s.HopRows <= MaxHop && s.HopCols >= 1 && s.HopCols <= MaxHop
	sides := s.Rows >= 1 && s.Cols >= 1 && s.Rows <= MaxBlock && s.Cols <= MaxBlock
	line := s.MaxWidth >= 1 && s.MaxWidth <= MaxLine
	switch s.Shape {
	case WordShape, FoldShape:
		if area != 1 || !one {
			return fmt.Errorf("a %s has no size and no hop", s.Shape)
		}
	case TapsShape:
		if !sides || s.Rows != 1 || s.Cols > MaxTaps || s.HopRows != 1 || !hops {
			return fmt.Errorf("taps are 1 to %d, their hop 1 to %d; not %d and %d", MaxTaps, MaxHop, s.Cols, s.HopCols)
		}
	case WindowShape:
		if !sides || s.Rows > MaxWindowSide || s.Cols > MaxWindowSide || area > MaxWindow || s.Rows%2 == 0 || s.Cols%2 == 0 {
			return fmt.Errorf("a window's sides are odd, at most %d, and its cells at most %d; not %d by %d", MaxWindowSide, MaxWindow, s.Rows, s.Cols)
		}
		if !hops {
			return fmt.Errorf("a hop is 1 to %d, not %d by %d", MaxHop, s.HopRows, s.HopCols)
		}
	case BlockShape:
		if !sides || area > MaxBlock || !one {
			return fmt.Errorf("a block has 1 to %d words and no hop; not %d by %d", MaxBlock, s.Rows, s.Cols)
		}
		if line && s.MaxWidth%s.Cols != 0 {
			return fmt.Errorf("maxWidth %d is not a multiple of the block's %d columns", s.MaxWidth, s.Cols)
		}
	default:
		return fmt.Errorf("there is no shape %d", s.Shape)
	}
	if buffered := s.Shape == WindowShape || s.Shape == BlockShape; buffered != line && (buffered || s.MaxWidth != 0) {
		return fmt.Errorf("maxWidth is 1 to %d for windows and blocks, and nothing else has one; not %d", MaxLine, s.MaxWidth)
	}
	if s.Edge >= edgeCount {
		return fmt.Errorf("there is no edge rule %d", s.Edge)
	}
	return nil
}

func (s *Stage) checkState() error {
	if err := s.State.Check(); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	leaves := s.State.Leaves()
	if len(s.Init) != len(leaves) {
		return fmt.Errorf("init has %d words, the state %d", len(s.Init), len(leaves))
	}
	for i, l := range leaves {
		if lo, hi := l.Word.Range(); s.Init[i] < lo || s.Init[i] > hi {
			return fmt.Errorf("init %d is not a %s", s.Init[i], l.Word)
		}
	}
	return nil
}

// checkBody looks at the order, the ports and what comes out. The ranges are the builder's work.
func (s *Stage) checkBody() error {
	f := s.Body
	if len(f.Values) > MaxValues {
		return fmt.Errorf("the body has %d values, at most %d are allowed", len(f.Values), MaxValues)
	}
	for i := range f.Values {
		v := &f.Values[i]
		for _, a := range v.Operands() {
			if a < 0 || int(a) >= i {
				return fmt.Errorf("v%d: operand v%d does not stand before it", i, a)
			}
		}
		if v.Op == Table && (v.Imm < 0 || v.Imm >= int64(len(f.Tables))) {
			return fmt.Errorf("v%d: there is no table %d", i, v.Imm)
		}
	}
	if err := within(f, f.Outs, s.OutLeaves(), "out"); err != nil {
		return err
	}
	if s.Shape != FoldShape {
		if len(f.Next) != 0 {
			return fmt.Errorf("only a fold has a next state")
		}
		return nil
	}
	return within(f, f.Next, s.State.Leaves(), "next")
}

// within checks results against the words they are stored in.
func within(f *Func, ids []ID, leaves []Leaf, what string) error {
	if len(ids) != len(leaves) {
		return fmt.Errorf("%s has %d words, its type %d", what, len(ids), len(leaves))
	}
	for i, id := range ids {
		if id < 0 || int(id) >= len(f.Values) {
			return fmt.Errorf("%s %d: there is no v%d", what, i, id)
		}
		v := &f.Values[id]
		if lo, hi := leaves[i].Word.Range(); v.Lo < lo || v.Hi > hi {
			return fmt.Errorf("%s %d: v%d is within %d..%d, not a %s", what, i, id, v.Lo, v.Hi, leaves[i].Word)
		}
	}
	return nil
}
