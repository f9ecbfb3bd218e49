package verilog

import (
	"fmt"
	"strings"

	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/sched"
)

// Options choose what a core is made for.
type Options struct {
	Part   sched.Part // sched.PartOf; the zero value is generic
	Period float64    // nanoseconds that pipeline stages are placed for; 0 is the part's own
	Module string     // the module's name; "" makes one of the kernel's name
}

// Core is a kernel as Verilog.
type Core struct {
	Kernel    *ir.Kernel
	Module    string
	Text      string
	Part      sched.Part
	InBits    int  // of s_axis_tdata
	OutBits   int  // of m_axis_tdata
	Width     bool // there is an input width[15:0]: the tokens of a row minus one
	Latency   int  // clocks from a token to what its step gives, while nothing holds; the registers between each four stages of a pipe are not counted
	Registers int  // flip-flops of values; those of control are not counted
	Stages    []*Stage
}

// Stage is a stage of a kernel in its core.
type Stage struct {
	Module   string
	Unit     *sched.Unit
	Schedule *sched.Schedule
	LineIn   bool // it is told which token is the last of its row
	LineOut  bool // and tells it
	counted  bool // it counts columns itself
}

// sliceEach is after how many stages of a pipe the ready signal is registered.
const sliceEach = 4

// New makes a kernel's core. Errors: those of ir.Kernel.Check.
func New(k *ir.Kernel, opts Options) (*Core, error) {
	if err := k.Check(); err != nil {
		return nil, fmt.Errorf("kernel %s: %w", k.Name, err)
	}
	if opts.Part.Name == "" {
		opts.Part = sched.PartOf("generic")
	}
	if opts.Period > 0 {
		opts.Part.Period = opts.Period
	}
	c := &Core{Kernel: k, Module: opts.Module, Part: opts.Part, InBits: 8 * k.In().Bytes(), OutBits: 8 * k.Out().Bytes()}
	if c.Module == "" {
		c.Module = "capo_" + Identifier(k.Name)
	}
	needs := lines(k)
	c.Width = needs[0]
	for i, s := range k.Stages {
		if err := c.add(i, s, needs[i], needs[i+1]); err != nil {
			return nil, fmt.Errorf("kernel %s, stage %d: %w", k.Name, i+1, err)
		}
	}
	c.write()
	return c, nil
}

// Identifier makes a name that Verilog takes of any text.
func Identifier(text string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, text)
	if clean == "" {
		return "kernel"
	}
	return clean[:min(len(clean), 60)]
}

// lines tells which stages must be told where rows end: those that look at it and those that pass it on. The last entry is what
// follows the kernel.
func lines(k *ir.Kernel) []bool {
	needs := make([]bool, len(k.Stages)+1)
	for i := len(k.Stages) - 1; i >= 0; i-- {
		s, behind := k.Stages[i], needs[i+1]
		switch s.Shape {
		case ir.WordShape:
			needs[i] = behind || s.Uses(ir.X) || s.Uses(ir.Y)
		case ir.TapsShape:
			needs[i] = behind && s.HopCols == 1
		case ir.FoldShape:
			needs[i] = behind && !s.Last
		case ir.WindowShape:
			needs[i] = true
		case ir.BlockShape:
			needs[i] = s.MaxWidth > s.Cols && (s.Rows > 1 || behind || s.Uses(ir.X) || s.Uses(ir.Y))
		}
	}
	return needs
}

// add lowers and places a stage.
func (c *Core) add(i int, s *ir.Stage, lineIn, lineOut bool) error {
	narrow := s.Shape == ir.BlockShape && s.PerBlock() && !lineIn
	u, err := sched.Lower(s, sched.Options{Multipliers: c.Part.Multipliers, Lines: (lineOut || banded(s) && s.PerBlock()) && !narrow, LineIn: lineIn})
	if err != nil {
		return err
	}
	st := &Stage{
		Module: fmt.Sprintf("%s_s%d", c.Module, i+1), Unit: u, Schedule: sched.Place(u.Graph, c.Part),
		LineIn: lineIn, LineOut: lineOut, counted: i == 0 && s.Shape == ir.WindowShape,
	}
	c.Stages = append(c.Stages, st)
	c.Latency += st.Schedule.Depth
	c.Registers += st.Schedule.Bits
	return nil
}

// banded tells whether a stage's tiles lie beside each other in rows that come one after the other.
func banded(s *ir.Stage) bool {
	return s.Shape == ir.BlockShape && s.MaxWidth > s.Cols && s.Rows > 1
}

// piece is a module of the chain that a core is.
type piece struct {
	module, text    string
	in, out         int // bits
	lineIn, lineOut bool
	width, keep     bool // ports that it has beside the stream's
}

// pieces lists a stage's modules.
func (st *Stage) pieces() (list []piece) {
	s := st.Unit.Stage
	in, token := wordBits(s.In.Leaves()), wordBits(s.Out.Leaves())
	count := len(s.OutLeaves()) / s.Out.Len()
	if banded(s) {
		name := st.Module + "_in"
		list = append(list, piece{module: name, text: tiles(name, in, s, true, true), in: in, out: in, lineIn: true, lineOut: true})
	}
	lines := st.Unit.Line != sched.None || st.LineOut && count == 1
	hops := s.HopCols > 1 || s.HopRows > 1
	u := &unit{
		module: st.Module, stage: s, g: st.Unit.Graph, s: st.Schedule, counted: st.counted, lineIn: st.LineIn, lineOut: lines, keepOut: hops,
	}
	u.write()
	list = append(list, piece{module: st.Module, text: u.String(), in: in, out: count * token, lineIn: st.LineIn && !st.counted, lineOut: lines, width: st.counted, keep: hops})
	if hops {
		name := st.Module + "_hold"
		list = append(list, piece{module: name, text: hold(name, token, lines), in: token, out: token, lineIn: lines, lineOut: lines, keep: true})
	}
	if count > 1 {
		name := st.Module + "_words"
		out := banded(s) || st.LineOut
		list = append(list, piece{module: name, text: serial(name, token, count, s.Cols, lines, out), in: count * token, out: token, lineIn: lines, lineOut: out})
		if banded(s) && s.PerBlock() {
			name := st.Module + "_out"
			list = append(list, piece{module: name, text: tiles(name, token, s, false, st.LineOut), in: token, out: token, lineIn: true, lineOut: st.LineOut})
		}
	}
	return list
}
