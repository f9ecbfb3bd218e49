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
	Stages    []Stage
}

// Stage says when a stage of a core hands over its tokens.
type Stage struct {
	// Latency is the clocks from taking the token that completes an output to handing that output over: 0 for a stage
	// without registers, 1 for one whose output is a register.
	Latency int `json:"latency"`
	// DelayRows and DelayCols say which token completes the output for position (y, x): the one that is this many rows
	// and columns later in the stream, rows×width+columns tokens. After the frame's last token the stage goes on by
	// itself, a token a clock, until all outputs are out.
	DelayRows int `json:"delay_rows,omitempty"`
	DelayCols int `json:"delay_cols,omitempty"`
	// HopRows and HopCols: of the positions only those with y and x divisible by them have an output; 0 means 1.
	HopRows int `json:"hop_rows,omitempty"`
	HopCols int `json:"hop_cols,omitempty"`
	// PhaseRows and PhaseCols shift that: y mod HopRows is PhaseRows (the last row of a tile, say).
	PhaseRows int `json:"phase_rows,omitempty"`
	PhaseCols int `json:"phase_cols,omitempty"`
	// Flat: the positions are counted through the frame as if it were one row.
	Flat bool `json:"flat,omitempty"`
	// Last: only the frame's last position has an output.
	Last bool `json:"last,omitempty"`
}

// flushes tells whether the stage can hand over tokens faster than it takes them.
func (s Stage) flushes() bool { return s.DelayRows > 0 || s.DelayCols > 0 }

// maxLatency bounds clocks, and delays in rows or tokens.
const maxLatency = 1 << 12

// check says what is wrong with a stage.
func (s Stage) check() error {
	for _, n := range []int{s.Latency, s.DelayRows, s.DelayCols, s.HopRows, s.HopCols, s.PhaseRows, s.PhaseCols} {
		if n < 0 || n > maxLatency {
			return fmt.Errorf("%d is not a number of clocks or tokens", n)
		}
	}
	if s.PhaseRows >= max(s.HopRows, 1) || s.PhaseCols >= max(s.HopCols, 1) {
		return errors.New("a phase is not less than its hop")
	}
	return nil
}

// Limits of a token, far above what a part has wires for.
const (
	maxToken  = 1 << 14 // bytes
	maxStages = 64
)

var moduleName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

// Check says what is wrong with a core's description.
func (c *Core) Check() error {
	if !moduleName.MatchString(c.Module) || c.Module == Top {
		return fmt.Errorf("a core is named %q", c.Module)
	}
	if c.WidthBits < 0 || c.WidthBits > 16 || c.RowsBits < 0 || c.RowsBits > 32 {
		return fmt.Errorf("core %s: its width has %d bits and its rows %d", c.Module, c.WidthBits, c.RowsBits)
	}
	if _, err := c.Link(); err != nil {
		return fmt.Errorf("core %s: %w", c.Module, err)
	}
	return nil
}

// Link is how a host talks to the core behind the wrapper.
func (c *Core) Link() (*Link, error) {
	l := &Link{InBytes: c.InBytes, OutBytes: c.OutBytes, Period: max(c.InBytes, c.OutBytes), Stages: c.Stages}
	l.Latency = c.InBytes + (l.clocks()+1+7)/8
	if err := l.Check(); err != nil {
		return nil, err
	}
	return l, nil
}
