package verilog

import (
	"fmt"
	"strings"

	"github.com/capodekappa/capo/gateware/sched"
)

// addressBits is the width of a column's number.
func addressBits(maxWidth int) int {
	w := 1
	for (maxWidth-1)>>w != 0 {
		w++
	}
	return w
}

// window writes what makes steps of tokens: the rows above in a memory, the made-up rows below a frame (flush) and columns behind it
// (tail), and the flags that the edge rules ask. A memory's word at a column holds the rows above, the newest first;
// it is read in stage 0 and written back, moved on by one, when the step leaves stage 1.
func (u *unit) window() {
	high, half := u.stage.Rows/2, u.stage.Cols/2
	aw := addressBits(u.stage.MaxWidth)
	held := u.held()
	stall := ""
	if held > 0 {
		stall = " & ~stall"
		u.line("wire stall = v1 & begin_ & line; // a row of one token is written before it is read")
	}
	u.line("reg begin_;")
	u.taking(high, half, stall)
	u.columns(high, aw, held > 0)
	u.steps(high, half)
	u.flags(high, half)
	if held > 0 {
		u.memory(aw, held)
	}
}

// held is the number of bits that are kept of the rows above.
func (u *unit) held() (bits int) {
	for i, l := range u.stage.In.Leaves() {
		bits += l.Word.Bits * u.g.Held(i)
	}
	return bits
}

// taking writes when tokens are taken and which steps there are.
func (u *unit) taking(high, half int, stall string) {
	busy := []string{}
	if high > 0 {
		u.line("reg flush;")
		busy = append(busy, "flush")
	}
	if half > 0 {
		u.line("reg tail;")
		busy = append(busy, "tail")
	}
	idle := "1'b1"
	if len(busy) > 0 {
		idle = "~(" + strings.Join(busy, " | ") + ")"
	}
	if u.counted {
		u.line("reg open; // a frame is being taken")
		u.line("wire idle = ~open & %s;", idle)
	} else {
		u.line("wire open = %s;", idle)
	}
	u.line("assign i_ready = ce & open%s;", stall)
	u.line("wire v0 = (%s)%s;", strings.Join(append([]string{"(open & i_valid)"}, busy...), " | "), stall)
}

// columns writes the column's number and which is the last of its row.
func (u *unit) columns(high, aw int, memory bool) {
	switch {
	case u.counted:
		u.line("reg [%d:0] p, w;", aw-1)
		u.line("always @(posedge clk) if (idle) w <= width[%d:0];", aw-1)
		u.line("wire line = p == w;")
	case high > 0:
		u.line("reg [%d:0] p, w;", aw-1)
		u.line("always @(posedge clk) if (en0 & open) w <= p;")
		u.line("wire line = open ? i_line : p == w;")
	default:
		u.line("wire line = i_line & open;")
		return
	}
	u.line("always @(posedge clk) if (rst | (en0 & (line%s))) p <= %s; else if (en0) p <= p + %s;", u.ifTail(), constant(0, aw), constant(1, aw))
}

func (u *unit) ifTail() string {
	if u.stage.Cols > 1 {
		return " | tail"
	}
	return ""
}

// steps writes how a frame goes on.
func (u *unit) steps(high, half int) {
	u.line("wire ends = open & i_last;")
	done := "ends"
	if high > 0 {
		u.line("reg [%d:0] down; // rows since the first", 2*high-1)
		u.line("reg [%d:0] past; // rows below the last", high-1)
		done = "done"
		u.line("wire done = line & past[%d];", high-1)
		u.line("always @(posedge clk) if (rst | (en0 & done)) begin down <= %s; past <= %s; end", constant(0, 2*high), constant(0, high))
		guard := "line"
		if half > 0 {
			guard = "line & ~tail"
		}
		u.line("else if (en0 & %s) begin", guard)
		u.line("  down <= %s;", grow("down", 2*high))
		u.line("  if (flush | i_last) past <= %s;", grow("past", high))
		u.line("end")
		u.line("always @(posedge clk) if (rst) flush <= 1'b0; else if (en0) flush <= ends | (flush & ~done);")
	}
	if half > 0 {
		u.line("reg [%d:0] behind;", half-1)
		u.line("always @(posedge clk) if (rst | ~tail) behind <= %s; else if (en0) behind <= %s;", constant(1, half), shift("behind", half))
		u.line("always @(posedge clk) if (rst) tail <= 1'b0; else if (en0) tail <= %s | (tail & ~behind[%d]);", done, half-1)
	}
	if u.counted {
		u.line("always @(posedge clk) if (rst | (en0 & ends)) open <= 1'b0; else if (idle & i_valid) open <= 1'b1;")
	}
	u.line("always @(posedge clk) if (rst) begin_ <= 1'b1; else if (en0) begin_ <= line%s;", u.ifTail())
}

// grow shifts a one into a row of flags, shift a zero.
func grow(name string, n int) string {
	if n == 1 {
		return "1'b1"
	}
	return fmt.Sprintf("{%s[%d:0], 1'b1}", name, n-2)
}

func shift(name string, n int) string {
	if n == 1 {
		return "1'b0"
	}
	return fmt.Sprintf("{%s[%d:0], 1'b0}", name, n-2)
}

// flags writes what the pipeline is told of a step.
func (u *unit) flags(high, half int) {
	last, real := "ends", "1'b1"
	if high > 0 {
		last, real = "done", fmt.Sprintf("down[%d]", high-1)
	}
	if half > 0 {
		real += " & ~tail"
	}
	u.line("wire %s = %s;", sched.InLast, last)
	u.line("wire %s = %s;", sched.InReal, real)
	u.line("wire %s = begin_;", sched.InBegin)
	for k := 1; k <= high; k++ {
		u.line("wire %s = ~down[%d];", sched.Above(k), high+k-1)
		u.line("wire %s = past[%d];", sched.Below(k), high-k)
	}
}

// memory writes the rows above.
func (u *unit) memory(aw, held int) {
	u.line("reg [%d:0] p1;", aw-1)
	u.line("always @(posedge clk) if (en0) p1 <= p;")
	u.line("(* no_rw_check *) reg [%d:0] rows [0:%d];", held-1, u.stage.MaxWidth-1)
	u.line("reg [%d:0] r;", held-1)
	u.line("wire [%d:0] moved;", held-1)
	u.line("always @(posedge clk) if (en0) r <= rows[p];")
	u.line("always @(posedge clk) if (en1) rows[p1] <= moved;")
	at := 0
	for i, l := range u.stage.In.Leaves() {
		if u.g.Held(i) == 0 {
			continue
		}
		from := u.ref(u.token(i), 1)
		for k := 1; k <= u.g.Held(i); k++ {
			top := at + l.Word.Bits - 1
			u.line("wire [%d:0] %s = r[%d:%d];", l.Word.Bits-1, sched.Cell(i, k), top, at)
			u.line("assign moved[%d:%d] = %s;", top, at, from)
			from = sched.Cell(i, k)
			at = top + 1
		}
	}
}

// token is the node of a token's word.
func (u *unit) token(leaf int) sched.ID {
	for _, id := range u.g.Tokens {
		if u.g.Inputs[u.g.Nodes[id].Imm].Leaf == leaf {
			return id
		}
	}
	return sched.None
}
