package verilog

import (
	"fmt"

	"github.com/capodekappa/capo/gateware/ir"
)

// streamPorts are the ports of a helper module: words of bits in and out, each with last and line.
func (w *writer) streamPorts(in, out int, lineIn, lineOut bool) {
	w.port("input wire clk, input wire rst")
	w.port("input wire [%d:0] i_data, input wire i_valid, output wire i_ready, input wire i_last", in-1)
	if lineIn {
		w.port("input wire i_line")
	}
	w.port("output wire [%d:0] o_data, output wire o_valid, input wire o_ready, output wire o_last", out-1)
	if lineOut {
		w.port("output wire o_line")
	}
}

// hold writes what keeps a token until it is known whether it is its row's and its frame's last: the next one comes, or a step that
// gives nothing says so.
func hold(name string, bits int, lines bool) string {
	var w writer
	w.begin(name)
	w.streamPorts(bits, bits, lines, lines)
	w.port("input wire i_keep")
	w.line("reg have, ultimate; reg [%d:0] data;", bits-1)
	w.line("wire out = have & (ultimate | (i_valid & i_keep));")
	w.line("assign o_valid = out;")
	w.line("assign o_data = data;")
	w.line("assign o_last = ultimate;")
	w.line("assign i_ready = i_keep ? (~have | o_ready) : ~(have & ultimate);")
	w.line("wire take = i_valid & i_ready;")
	w.line("always @(posedge clk) if (rst) have <= 1'b0; else if (take & i_keep) have <= 1'b1; else if (out & o_ready) have <= 1'b0;")
	w.line("always @(posedge clk) if (take) ultimate <= i_last;")
	w.line("always @(posedge clk) if (take & i_keep) data <= i_data;")
	if lines {
		w.line("reg ends;")
		w.line("assign o_line = ends;")
		w.line("always @(posedge clk) if (take) ends <= i_line | (ends & ~i_keep);")
	}
	w.end()
	return w.String()
}

// slice writes a register for both directions of a stream, so that long pipes have no long chain of ready signals.
func slice(name string, bits int, lines bool) string {
	var w writer
	w.begin(name)
	w.streamPorts(bits, bits, lines, lines)
	n := bits + 1
	in, out := "{i_last, i_data}", "{o_last, o_data}"
	if lines {
		n, in, out = bits+2, "{i_line, i_last, i_data}", "{o_line, o_last, o_data}"
	}
	w.line("reg [%d:0] now, next;", n-1)
	w.line("reg full, more;")
	w.line("assign %s = now;", out)
	w.line("assign o_valid = full;")
	w.line("assign i_ready = ~more;")
	w.line("wire free = o_ready | ~full;")
	w.line("always @(posedge clk) if (free) now <= more ? next : %s;", in)
	w.line("always @(posedge clk) if (~more) next <= %s;", in)
	w.line("always @(posedge clk) if (rst) full <= 1'b0; else if (free) full <= more | i_valid;")
	w.line("always @(posedge clk) if (rst) more <= 1'b0; else more <= ~free & (more | i_valid);")
	w.end()
	return w.String()
}

// serial writes what gives a block's words one after the other. The block's flags belong to its last word, but for rows that are as
// wide as the block: every columns words end one then.
func serial(name string, bits, count, columns int, lineIn, lineOut bool) string {
	var w writer
	w.begin(name)
	w.streamPorts(bits*count, bits, lineIn, lineOut)
	cw := addressBits(count)
	w.line("reg [%d:0] data; reg [%d:0] n; reg have, ultimate;", bits*count-1, cw-1)
	w.line("wire end_ = n == %s;", constant(int64(count-1), cw))
	w.line("assign o_valid = have;")
	w.line("assign o_data = data[%d:0];", bits-1)
	w.line("assign o_last = ultimate & end_;")
	w.line("assign i_ready = ~have | (o_ready & end_);")
	w.line("wire take = i_valid & i_ready;")
	w.line("wire give = have & o_ready;")
	w.line("always @(posedge clk) if (take) begin data <= i_data; ultimate <= i_last; end else if (give) data <= data >> %d;", bits)
	w.line("always @(posedge clk) if (rst | take) n <= %s; else if (give) n <= n + %s;", constant(0, cw), constant(1, cw))
	w.line("always @(posedge clk) if (rst) have <= 1'b0; else if (take) have <= 1'b1; else if (give & end_) have <= 1'b0;")
	switch {
	case lineOut && lineIn:
		w.line("reg ends;")
		w.line("always @(posedge clk) if (take) ends <= i_line;")
		w.line("assign o_line = ends & end_;")
	case lineOut:
		xw := addressBits(columns)
		w.line("reg [%d:0] x;", xw-1)
		w.line("assign o_line = x == %s;", constant(int64(columns-1), xw))
		w.line("always @(posedge clk) if (rst | take | (give & o_line)) x <= %s; else if (give) x <= x + %s;", constant(0, xw), constant(1, xw))
	}
	w.end()
	return w.String()
}

// tiles writes the change between the order of rows and that of tiles, a band of tiles at a time in two memories that take turns. in is
// true from rows to tiles.
func tiles(name string, bits int, s *ir.Stage, in, lineOut bool) string {
	var w writer
	w.begin(name)
	w.streamPorts(bits, bits, true, lineOut)
	aw := addressBits(s.Rows * s.MaxWidth)
	w.line("reg [%d:0] band [0:%d];", bits-1, 2<<aw-1)
	w.line("reg turn, read; // the bank that is written, that is read")
	w.line("reg [1:0] full, ultimate;")
	w.line("reg [%d:0] wide0, wide1; // the last column", aw-1)
	w.line("assign i_ready = ~full[turn];")
	w.line("wire take = i_valid & i_ready;")
	w.line("wire going = full[read];")
	w.line("reg have, last, line;")
	w.line("wire go = going & (o_ready | ~have);")
	w.line("wire [%d:0] wide = read ? wide1 : wide0;", aw-1)
	w.walk("i", "take", aw, s, !in)
	w.walk("o", "go", aw, s, in)
	done := "(i_line & i_end)"
	if in {
		done = "(i_line & i_row == " + constant(int64(s.Rows-1), aw) + ")"
	}
	w.line("wire filled = take & %s;", done)
	w.line("wire emptied = go & o_end & o_at_line;")
	w.line("always @(posedge clk) if (take) band[{turn, i_addr}] <= i_data;")
	w.line("reg [%d:0] data;", bits-1)
	w.line("always @(posedge clk) if (go) data <= band[{read, o_addr}];")
	w.line("always @(posedge clk) if (go) begin last <= ultimate[read] & o_end & o_at_line; line <= o_line_; end")
	w.line("always @(posedge clk) if (rst) have <= 1'b0; else if (go) have <= 1'b1; else if (o_ready) have <= 1'b0;")
	w.line("always @(posedge clk) if (rst) turn <= 1'b0; else if (filled) turn <= ~turn;")
	w.line("always @(posedge clk) if (rst) read <= 1'b0; else if (emptied) read <= ~read;")
	w.line("always @(posedge clk) if (rst) full <= 2'b00; else full <= (full | (filled ? (2'b01 << turn) : 2'b00)) & ~(emptied ? (2'b01 << read) : 2'b00);")
	w.line("always @(posedge clk) if (filled) begin ultimate[turn] <= i_last; if (turn) wide1 <= i_x; else wide0 <= i_x; end")
	w.line("assign o_data = data;")
	w.line("assign o_valid = have;")
	w.line("assign o_last = last;")
	if lineOut {
		w.line("assign o_line = line;")
	}
	w.end()
	return w.String()
}

// walk writes the counters of one side: x and row in the band, and where that is in its memory. Tiles are walked row by row; at
// their end is p_end. p_line_ is what the reader's row ends with.
func (w *writer) walk(p, when string, aw int, s *ir.Stage, byTile bool) {
	zero, one := constant(0, aw), constant(1, aw)
	num := func(n int) string { return constant(int64(n), aw) }
	w.line("reg [%d:0] %s_x, %s_row, %s_base;", aw-1, p, p, p)
	w.line("wire [%d:0] %s_addr = %s_base + %s_x;", aw-1, p, p, p)
	clear := "rst"
	if p == "o" {
		w.line("wire o_at_line = o_x == wide;")
	}
	lineEnd := p + "_line"
	if p == "o" {
		lineEnd = "o_at_line"
	}
	lastRow := fmt.Sprintf("%s_row == %s", p, num(s.Rows-1))
	if !byTile {
		w.line("wire %s_end = %s;", p, lastRow)
		if p == "o" {
			w.line("wire o_line_ = o_at_line;")
		}
		w.line("always @(posedge clk) if (%s | (%s & %s)) %s_x <= %s; else if (%s) %s_x <= %s_x + %s;", clear, when, lineEnd, p, zero, when, p, p, one)
		w.line("always @(posedge clk) if (%s | (%s & %s & %s_end)) begin %s_row <= %s; %s_base <= %s; end", clear, when, lineEnd, p, p, zero, p, zero)
		w.line("else if (%s & %s) begin %s_row <= %s_row + %s; %s_base <= %s_base + %s; end", when, lineEnd, p, p, one, p, p, num(s.MaxWidth))
		return
	}
	w.line("reg [%d:0] %s_c;", aw-1, p)
	w.line("wire %s_side = %s_c == %s;", p, p, num(s.Cols-1))
	w.line("wire %s_end = %s_side & (%s);", p, p, lastRow)
	if p == "o" {
		w.line("wire o_line_ = o_at_line & o_end;")
	}
	w.line("always @(posedge clk) if (%s | (%s & %s_end & %s)) %s_x <= %s;", clear, when, p, lineEnd, p, zero)
	w.line("else if (%s) %s_x <= (%s_side & ~%s_end) ? %s_x - %s : %s_x + %s;", when, p, p, p, p, num(s.Cols-1), p, one)
	w.line("always @(posedge clk) if (%s | (%s & %s_side)) %s_c <= %s; else if (%s) %s_c <= %s_c + %s;", clear, when, p, p, zero, when, p, p, one)
	w.line("always @(posedge clk) if (%s | (%s & %s_end)) begin %s_row <= %s; %s_base <= %s; end", clear, when, p, p, zero, p, zero)
	w.line("else if (%s & %s_side) begin %s_row <= %s_row + %s; %s_base <= %s_base + %s; end", when, p, p, p, one, p, p, num(s.MaxWidth))
}
