package verilog

import (
	"fmt"
	"strings"

	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/sched"
)

// unit writes the module of a stage's pipeline. Its ports: i_data, i_valid, i_ready, i_last and the same with o_; i_line and
// o_line where the last of a row is told; width where it counts rows itself.
type unit struct {
	writer
	module  string
	stage   *ir.Stage
	g       *sched.Graph
	s       *sched.Schedule
	counted bool // it has the width and counts columns itself
	lineIn  bool
	lineOut bool
	keepOut bool // steps that give nothing come out too, if they end a row or a frame
}

// inBits and outBits are the widths of a stage's tokens inside.
func wordBits(leaves []ir.Leaf) (bits int) {
	for _, l := range leaves {
		bits += l.Word.Bits
	}
	return bits
}

// write writes the module.
func (u *unit) write() {
	u.ports()
	u.line("wire ce = o_ready | ~o_valid;")
	depth := u.s.Depth
	for s := range depth {
		u.line("wire en%d = ce & v%d;", s, s)
	}
	for s := 1; s < depth; s++ {
		u.line("reg v%d;", s)
		u.line("always @(posedge clk) if (rst) v%d <= 1'b0; else if (ce) v%d <= v%d;", s, s, s-1)
	}
	u.words()
	if u.stage.Shape == ir.WindowShape {
		u.window()
	} else {
		u.enter()
		u.line("wire last = i_last;")
		if u.lineIn {
			u.line("wire line = i_line;")
		}
	}
	for i := range u.g.Nodes {
		u.node(sched.ID(i))
	}
	u.give()
	u.end()
}

// enter takes tokens. Before a frame's first there is a step in which states and delays get their first values, if there are any:
// clearing them when the last token goes on would put the ready signal before each reset pin.
func (u *unit) enter() {
	if u.g.Fresh == sched.None {
		u.line("wire v0 = i_valid;")
		u.line("assign i_ready = ce;")
		return
	}
	u.line("reg %s;", sched.InFresh)
	u.line("always @(posedge clk) if (rst) fresh <= 1'b1; else if (en0) fresh <= ~fresh & i_last;")
	u.line("wire v0 = i_valid | fresh;")
	u.line("assign i_ready = ce & ~fresh;")
}

func (u *unit) ports() {
	u.begin(u.module)
	u.port("input wire clk, input wire rst,")
	if u.counted {
		u.port("input wire [15:0] width,")
	}
	u.port("input wire [%d:0] i_data, input wire i_valid, output wire i_ready, input wire i_last,", wordBits(u.stage.In.Leaves())-1)
	if u.lineIn && !u.counted {
		u.port("input wire i_line,")
	}
	if u.lineOut {
		u.port("output reg o_line,")
	}
	if u.keepOut {
		u.port("output reg o_keep,")
	}
	u.port("output reg [%d:0] o_data, output reg o_valid, input wire o_ready, output reg o_last", wordBits(u.stage.OutLeaves())-1)
}

// words names the words of a token.
func (u *unit) words() {
	at := 0
	for i, l := range u.stage.In.Leaves() {
		u.line("wire [%d:0] %s = i_data[%d:%d];", l.Word.Bits-1, sched.Cell(i, 0), at+l.Word.Bits-1, at)
		at += l.Word.Bits
	}
}

// node writes what a node computes and the registers that carry it on.
func (u *unit) node(id sched.ID) {
	n := &u.g.Nodes[id]
	at := u.s.Stage[id]
	top := u.width(id) - 1
	switch n.Op {
	case sched.Const:
		return
	case sched.Input:
	case sched.State:
		u.state(id, top)
	case sched.Delay:
		u.delay(id, top)
	case sched.Row:
		u.line("reg [%d:0] n%d;", top, id)
		u.line("always @(posedge clk) if (en%d & %s) n%d <= %s;", at, u.fit(n.Args[1], at, 1), id, u.fit(n.Args[0], at, top+1))
	case sched.Rom:
		u.rom(id, top)
	case sched.Mul:
		u.line("wire [%d:0] n%d = %s;", top, id, u.multiplied(n, at))
	default:
		u.line("wire [%d:0] n%d = %s;%s", top, id, u.expression(id), where(n.Pos))
	}
	for s := at + 1; s <= u.s.Needed[id]; s++ {
		u.line("reg [%d:0] n%d_%d;", top, id, s)
		u.clocked(fmt.Sprintf("n%d_%d", id, s), u.ref(id, s-1), s-1, top == 0 && !u.g.Clear, 0, top+1)
	}
}

// where is a comment that names the source's place.
func where(p ir.Pos) string {
	if p.Line == 0 {
		return ""
	}
	return " // " + strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '\\' {
			return '_'
		}
		return r
	}, p.String())
}

// clocked writes a register that takes a value when a step leaves a stage. Flags are cleared by a reset.
func (u *unit) clocked(name, value string, stage int, reset bool, init int64, width int) {
	if reset {
		u.line("always @(posedge clk) if (rst) %s <= %s; else if (en%d) %s <= %s;", name, constant(init, width), stage, name, value)
		return
	}
	u.line("always @(posedge clk) if (en%d) %s <= %s;", stage, name, value)
}

func (u *unit) state(id sched.ID, top int) {
	f := u.g.States[u.g.Nodes[id].Imm]
	at := u.s.Stage[id]
	u.line("reg [%d:0] n%d;", top, id)
	if u.g.Fresh != sched.None && f.Clear == u.g.Fresh {
		u.cleared(fmt.Sprintf("n%d", id), u.fit(f.Next, at, top+1), at, f.Init, top+1)
		return
	}
	reset := "rst"
	if f.Clear != sched.None {
		reset = fmt.Sprintf("rst | (en%d & %s)", at, u.fit(f.Clear, at, 1))
	}
	u.line("always @(posedge clk) if (%s) n%d <= %s; else if (en%d) n%d <= %s;", reset, id, constant(f.Init, top+1), at, id, u.fit(f.Next, at, top+1))
}

// cleared writes a register that has its first value behind the step that is there for that.
func (u *unit) cleared(name, value string, stage int, init int64, width int) {
	u.line("always @(posedge clk) if (en%d) begin if (%s) %s <= %s; else %s <= %s; end", stage, u.fit(u.g.Fresh, stage, 1), name, constant(init, width), name, value)
}

func (u *unit) delay(id sched.ID, top int) {
	if u.shared(id) {
		return
	}
	n := &u.g.Nodes[id]
	at := u.s.Stage[id]
	name, value := fmt.Sprintf("n%d", id), u.fit(n.Args[0], at, top+1)
	u.line("reg [%d:0] %s;", top, name)
	if u.g.Clear {
		u.cleared(name, value, at, n.Imm, top+1)
		return
	}
	u.clocked(name, value, at, top == 0, 0, 1)
}

// multiplied is a product in the form of which tools make multipliers: signed, each operand at its own width.
func (u *unit) multiplied(n *sched.Node, at int) string {
	var text [2]string
	for k := range text {
		w, signed := u.g.Nodes[n.Args[k]].Bits()
		if !signed {
			w++
		}
		text[k] = fmt.Sprintf("$signed(%s)", u.fit(n.Args[k], at, w))
	}
	return text[0] + " * " + text[1]
}

// rom writes a table: gates, or a memory whose index is read at the end of the stage before.
func (u *unit) rom(id sched.ID, top int) {
	n := &u.g.Nodes[id]
	at := u.s.Stage[id]
	table := u.g.Tables[n.Imm]
	aw := u.width(n.Args[0])
	if !u.s.Sync[id] {
		u.line("reg [%d:0] n%d;", top, id)
		u.line("always @* case (%s)", u.fit(n.Args[0], at, aw))
		for i, v := range table {
			if aw < 62 && i < 1<<aw {
				u.line("  %s: n%d = %s;", constant(int64(i), aw), id, constant(v, top+1))
			}
		}
		u.line("  default: n%d = %s;", id, constant(0, top+1))
		u.line("endcase")
		return
	}
	u.line("reg [%d:0] rom%d [0:%d];", top, id, 1<<aw-1)
	u.line("initial begin")
	for i := range 1 << aw {
		u.line("  rom%d[%d] = %s;", id, i, constant(ir.Lookup(table, int64(i)), top+1))
	}
	u.line("end")
	u.line("reg [%d:0] n%d;", top, id)
	u.line("always @(posedge clk) if (en%d) n%d <= rom%d[%s];", at-1, id, id, u.fit(n.Args[0], at-1, aw))
}

// give writes the last rank of registers.
func (u *unit) give() {
	end := u.s.Depth - 1
	var words []string
	for i, l := range u.stage.OutLeaves() {
		words = append([]string{u.fit(u.g.Outs[i], end, l.Word.Bits)}, words...)
	}
	flag := func(id sched.ID) string {
		if id == sched.None {
			return "1'b1"
		}
		return u.fit(id, end, 1)
	}
	keep, last, line := flag(u.g.Keep), flag(u.g.Last), flag(u.g.Line)
	valid := fmt.Sprintf("v%d", end)
	if u.g.Fresh != sched.None {
		valid += " & ~" + u.fit(u.g.Fresh, end, 1)
	}
	if u.keepOut && u.g.Line != sched.None {
		valid += " & (" + keep + " | " + last + " | " + line + ")"
	} else if u.keepOut {
		valid += " & (" + keep + " | " + last + ")"
	} else if u.g.Keep != sched.None {
		valid += " & " + keep
	}
	u.line("always @(posedge clk) if (rst) o_valid <= 1'b0; else if (ce) o_valid <= %s;", valid)
	u.line("always @(posedge clk) if (en%d) begin", end)
	u.line("  o_data <= {%s};", strings.Join(words, ", "))
	u.line("  o_last <= %s;", last)
	if u.lineOut {
		u.line("  o_line <= %s;", line)
	}
	if u.keepOut {
		u.line("  o_keep <= %s;", keep)
	}
	u.line("end")
}
