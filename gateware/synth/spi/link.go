package spi

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
)

// Framing is how a host finds the output tokens in what it receives.
type Framing string

// The framings.
const (
	// Plain: the output of a token begins Latency slots after that token does.
	Plain Framing = "plain"
	// Marked: zeros, then a slot with 1 before the first output; from there on one a period.
	Marked Framing = "marked"
	// Flagged: before each output there is a slot with 1, where there is none it is 0.
	Flagged Framing = "flagged"
)

// maxTransfer bounds a transfer in bytes.
const maxTransfer = 1 << 30

// mark is the byte before an output token.
const mark = 1

// Link is what a host must know to talk to a core behind the wrapper. It is part of the artefact's manifest.
type Link struct {
	InBytes  int     `json:"in_bytes"`
	OutBytes int     `json:"out_bytes"`
	Framing  Framing `json:"framing"`
	Period   int     `json:"period_slots"`  // byte slots of a period
	Latency  int     `json:"latency_slots"` // from a token's first byte in to the first byte of what it gives, at most that unless Plain
	Width    int     `json:"default_width"` // of a frame where a call says none; 0: all tokens are one row
	Stages   []Stage `json:"stages"`
}

// period is max(in, out), and has room for the mark where each output has one.
func (l *Link) period() int {
	if l.Framing == Flagged {
		return max(l.InBytes, l.OutBytes+1)
	}
	return max(l.InBytes, l.OutBytes)
}

// Check says what is wrong with a link, which may have been read from a file.
func (l *Link) Check() error {
	if l.InBytes < 1 || l.InBytes > maxToken || l.OutBytes < 1 || l.OutBytes > maxToken {
		return fmt.Errorf("tokens of %d and %d bytes", l.InBytes, l.OutBytes)
	}
	if l.Framing != Plain && l.Framing != Marked && l.Framing != Flagged {
		return fmt.Errorf("framing %.20q", l.Framing)
	}
	if len(l.Stages) < 1 || len(l.Stages) > maxStages {
		return fmt.Errorf("%d stages", len(l.Stages))
	}
	for i, s := range l.Stages {
		if err := s.check(); err != nil {
			return fmt.Errorf("stage %d: %w", i+1, err)
		}
		if l.Framing == Plain && !s.direct() {
			return fmt.Errorf("stage %d does not give a token for each, as plain framing means", i+1)
		}
	}
	if l.Width < 0 || l.Width > MaxSide {
		return fmt.Errorf("a width of %d", l.Width)
	}
	if l.Latency < 0 || l.Latency > maxToken+maxDelay || l.Period != l.period() {
		return fmt.Errorf("a period of %d slots, a latency of %d: %w", l.Period, l.Latency, errPeriod)
	}
	return nil
}

// ErrGeometry: a call's geometry cannot be said in the header.
var ErrGeometry = errors.New("a frame over SPI has at most 65536 columns and 65536 rows")

// Frame is a frame's size in tokens.
type Frame struct {
	Width, Rows int
}

// FrameOf is the size of a frame of these bytes; width 0 is the default. Errors: [ErrGeometry].
func (l *Link) FrameOf(bytes, width int) (Frame, error) {
	if bytes%l.InBytes != 0 {
		return Frame{}, fmt.Errorf("%d bytes are not whole words of %d", bytes, l.InBytes)
	}
	tokens := bytes / l.InBytes
	if tokens == 0 {
		return Frame{Width: width}, nil
	}
	if width == 0 {
		width = cmp.Or(l.Width, tokens)
	}
	if width < 0 || tokens%width != 0 {
		return Frame{}, fmt.Errorf("%d words are not whole rows of %d", tokens, width)
	}
	f := Frame{width, tokens / width}
	if f.Width > MaxSide || f.Rows > MaxSide {
		return Frame{}, fmt.Errorf("%d by %d: %w", f.Width, f.Rows, ErrGeometry)
	}
	return f, nil
}

// Encode is what the host sends for a frame: the header, the tokens, and zeros until the last output came. A frame
// without tokens is no transfer.
func (l *Link) Encode(in []byte, width int) ([]byte, error) {
	f, err := l.FrameOf(len(in), width)
	if err != nil || f.Rows == 0 {
		return nil, err
	}
	slots := HeaderBytes + l.Period*l.periods(f)
	if slots > maxTransfer {
		return nil, fmt.Errorf("%d by %d: a transfer of %d bytes is longer than %d", f.Width, f.Rows, slots, maxTransfer)
	}
	out := make([]byte, slots)
	binary.LittleEndian.PutUint16(out, uint16(f.Width-1))
	binary.LittleEndian.PutUint16(out[2:], uint16(f.Rows-1))
	for k := range f.Width * f.Rows {
		copy(out[HeaderBytes+k*l.Period:], in[k*l.InBytes:(k+1)*l.InBytes])
	}
	return out, nil
}

// periods is after how many periods the last output is out, or a few more.
func (l *Link) periods(f Frame) int {
	n := f.Width*f.Rows + (l.Latency+l.OutBytes+l.Period-1)/l.Period
	for _, s := range l.Stages {
		width := f.Width
		if s.Flat {
			width = f.Width * f.Rows
		}
		n += s.DelayRows*width + s.DelayCols
		if !s.direct() {
			n += 2
		}
		f = s.out(f)
	}
	return n
}

// out is the frame that a stage gives.
func (s Stage) out(f Frame) Frame {
	up := func(n, by int) int { return (n + max(by, 1) - 1) / max(by, 1) }
	switch {
	case f.Width*f.Rows == 0:
		return Frame{Width: f.Width}
	case s.Last:
		return Frame{1, 1}
	case s.Flat && s.HopCols > 1:
		return Frame{up(f.Width*f.Rows, s.HopCols), 1}
	case s.Flat:
		return f
	}
	return Frame{up(f.Width, s.HopCols), up(f.Rows, s.HopRows)}
}

// Outputs is the number of output tokens for a frame.
func (l *Link) Outputs(f Frame) int {
	for _, s := range l.Stages {
		f = s.out(f)
	}
	return f.Width * f.Rows
}
