package spi

import (
	"errors"
	"fmt"
	"regexp"
)

// Core is a kernel's hardware: a Verilog module and what a wrapper must know of it.
type Core struct {
	Module    string // its name
	Verilog   string // its text, with all modules that it uses
	InBytes   int    // of a token
	OutBytes  int
	WidthBits int // of the port width; 0: there is none
	RowsBits  int // of the port rows; 0: there is none
	// Latency is the clocks from taking a token to handing over what it gives: 0 without registers, 1 if the output is a
	// register. It must be exact where every stage gives a token at once for each that it takes.
	Latency int
	Stages  []Stage
	// Width of a frame where a call says none; 0: all tokens are one row.
	Width int
}

// Stage is what a stage of a core does to the stream.
type Stage struct {
	// DelayRows and DelayCols: the output for a position comes with a token up to this many rows and columns later in the
	// stream, and after the frame's last token the stage goes on by itself until all outputs are out.
	DelayRows int `json:"delay_rows,omitempty"`
	DelayCols int `json:"delay_cols,omitempty"`
	// HopRows and HopCols: only one position in each so many rows and columns has an output (rounded up); 0 means 1.
	HopRows int `json:"hop_rows,omitempty"`
	HopCols int `json:"hop_cols,omitempty"`
	// Flat: positions are counted through the frame as if it were one row.
	Flat bool `json:"flat,omitempty"`
	// Last: only the frame's last position has an output.
	Last bool `json:"last,omitempty"`
	// Bursts: it gathers tokens and then gives as many at once, a clock each.
	Bursts bool `json:"bursts,omitempty"`
}

// direct tells whether the stage gives a token at once for each that it takes.
func (s Stage) direct() bool {
	return s.DelayRows == 0 && s.DelayCols == 0 && !s.Last && !s.hops() && !s.Bursts
}

// hops tells whether the stage gives fewer tokens than it takes.
func (s Stage) hops() bool { return s.HopRows > 1 || s.HopCols > 1 }

// maxDelay bounds delays and hops in rows or tokens, and latencies in clocks.
const maxDelay = 1 << 16

// check says what is wrong with a stage.
func (s Stage) check() error {
	for _, n := range []int{s.DelayRows, s.DelayCols, s.HopRows, s.HopCols} {
		if n < 0 || n > maxDelay {
			return fmt.Errorf("%d is not a number of rows or tokens", n)
		}
	}
	return nil
}

// Limits of a token, far above what a part has wires for.
const (
	maxToken  = 1 << 14 // bytes
	maxStages = 64
)

var moduleName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,79}$`)

// Check says what is wrong with a core's description.
func (c *Core) Check() error {
	if !moduleName.MatchString(c.Module) || c.Module == Top {
		return fmt.Errorf("a core is named %q", c.Module)
	}
	if c.WidthBits < 0 || c.WidthBits > 16 || c.RowsBits < 0 || c.RowsBits > 32 {
		return fmt.Errorf("core %s: its width has %d bits and its rows %d", c.Module, c.WidthBits, c.RowsBits)
	}
	if c.Latency < 0 || c.Latency > maxDelay {
		return fmt.Errorf("core %s: a latency of %d clocks", c.Module, c.Latency)
	}
	if _, err := c.Link(); err != nil {
		return fmt.Errorf("core %s: %w", c.Module, err)
	}
	return nil
}

// Link is how a host talks to the core behind the wrapper.
func (c *Core) Link() (*Link, error) {
	l := &Link{InBytes: c.InBytes, OutBytes: c.OutBytes, Framing: c.framing(), Width: c.Width, Stages: c.Stages}
	l.Period = l.period()
	if l.Framing == Plain {
		l.Latency = c.InBytes + (c.Latency+1+7)/8
	} else {
		l.Latency = l.Period + (c.Latency+3+7)/8
	}
	if err := l.Check(); err != nil {
		return nil, err
	}
	return l, nil
}

// framing finds the leanest one that the core permits. One that reads the geometry may let the first token wait; what is
// delayed behind a burst comes with gaps.
func (c *Core) framing() Framing {
	direct, gaps, single, burst := c.WidthBits == 0 && c.RowsBits == 0, false, false, false
	for _, s := range c.Stages {
		direct = direct && s.direct()
		gaps = gaps || s.hops() || burst && !s.direct()
		single = single || s.Last
		burst = burst || s.Bursts
	}
	switch {
	case direct:
		return Plain
	case gaps && !single:
		return Flagged
	}
	return Marked
}

// errPeriod says that a link's numbers do not go together.
var errPeriod = errors.New("its period does not fit its tokens")
