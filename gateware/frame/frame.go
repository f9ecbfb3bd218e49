// Package frame is the geometry of a kernel's call: how many tokens each stage takes and gives for a body of bytes and a width,
// and what does not fit. All engines share it, so that all refuse the same calls with the same words.
package frame

import (
	"fmt"
	"math"

	"github.com/capodekappa/capo/gateware/ir"
)

// Size is a frame in tokens, row by row.
type Size struct {
	Width, Rows int
}

// Tokens is the number of tokens.
func (s Size) Tokens() int { return s.Width * s.Rows }

// Stage is what a stage takes and gives in a call.
type Stage struct {
	In, Out Size
}

// Plan is the geometry of one call.
type Plan struct {
	Stages            []Stage
	InBytes, OutBytes int
}

// Error says that a body does not fit a kernel. A caller can mend it.
type Error struct {
	Kernel string
	Reason string
}

// Error is what does not fit, and how it would.
func (e *Error) Error() string { return e.Kernel + ": " + e.Reason }

// New computes a call's geometry. bytes is the length of the body, width the tokens in a row; 0 means one row, and for blocks a
// tile's columns. Errors: *Error.
func New(k *ir.Kernel, bytes, width int) (*Plan, error) {
	refuse := func(format string, args ...any) (*Plan, error) {
		return nil, &Error{k.Name, fmt.Sprintf(format, args...)}
	}
	token := k.In().Bytes()
	if bytes < 0 || bytes%token != 0 {
		return refuse("%d bytes are not whole words: %s takes %d bytes", bytes, k.In(), token)
	}
	tokens := bytes / token
	if tokens > ir.MaxCount {
		return refuse("a call has at most %d words, this one has %d", ir.MaxCount, tokens)
	}
	if width < 0 {
		return refuse("width is %d: it counts the words in a row", width)
	}
	if width == 0 {
		width = defaultWidth(k.Stages[0], tokens)
	}
	if tokens > 0 && tokens%width != 0 {
		return refuse("%d words are not whole rows of %d", tokens, width)
	}
	p := &Plan{InBytes: bytes}
	size := Size{width, 0}
	if tokens > 0 {
		size.Rows = tokens / width
	}
	for i, s := range k.Stages {
		if err := accept(s, size); err != "" {
			if len(k.Stages) > 1 {
				err = fmt.Sprintf("stage %d: %s", i+1, err)
			}
			return refuse("%s", err)
		}
		out := outSize(s, size)
		p.Stages = append(p.Stages, Stage{size, out})
		size = out
	}
	out := int64(size.Tokens()) * int64(k.Out().Bytes())
	if out > math.MaxInt32 {
		return refuse("the call gives %d bytes; at most %d are possible", out, math.MaxInt32)
	}
	p.OutBytes = int(out)
	return p, nil
}

// defaultWidth is the width where the caller says none.
func defaultWidth(s *ir.Stage, tokens int) int {
	if s.Shape == ir.BlockShape {
		return s.Cols
	}
	return max(tokens, 1)
}

// accept says why a stage does not take a frame, or "".
func accept(s *ir.Stage, f Size) string {
	switch {
	case f.Tokens() == 0:
		return ""
	case s.MaxWidth > 0 && f.Width > s.MaxWidth:
		return fmt.Sprintf("a row of %d words is longer than maxWidth, %d; give the frame's width, or declare a larger one (at most %d)", f.Width, s.MaxWidth, ir.MaxLine)
	case s.Shape == ir.WordShape && f.Width > ir.MaxLine && s.Uses(ir.X):
		return fmt.Sprintf("a row of %d words is longer than %d, and the kernel uses x; give the frame's width", f.Width, ir.MaxLine)
	case s.Shape == ir.BlockShape && (f.Width%s.Cols != 0 || f.Rows%s.Rows != 0):
		return fmt.Sprintf("a frame of %d by %d words (columns by rows) is not whole blocks of %d by %d", f.Width, f.Rows, s.Cols, s.Rows)
	}
	return ""
}

// outSize is the frame that a stage gives.
func outSize(s *ir.Stage, f Size) Size {
	up := func(n, by int) int { return (n + by - 1) / by }
	switch {
	case f.Tokens() == 0:
		return Size{f.Width, 0}
	case s.Shape == ir.WindowShape:
		return Size{up(f.Width, s.HopCols), up(f.Rows, s.HopRows)}
	case s.Shape == ir.TapsShape && s.HopCols > 1:
		return Size{up(f.Tokens(), s.HopCols), 1}
	case s.Shape == ir.FoldShape && s.Last:
		return Size{1, 1}
	case s.Shape == ir.BlockShape && !s.PerBlock():
		return Size{f.Width / s.Cols, f.Rows / s.Rows}
	}
	return f
}
