package verilog

import (
	"fmt"
	"strings"

	"github.com/capodekappa/capo/gateware/ir"
)

// write writes all modules, the top one last.
func (c *Core) write() {
	var chain []piece
	for i, st := range c.Stages {
		chain = append(chain, st.pieces()...)
		if i%sliceEach == sliceEach-1 && i+1 < len(c.Stages) {
			last := chain[len(chain)-1]
			name := st.Module + "_slice"
			chain = append(chain, piece{module: name, text: slice(name, last.out, last.lineOut), in: last.out, out: last.out, lineIn: last.lineOut, lineOut: last.lineOut})
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "// Kernel %s, digest %s.\n// Made for %s; do not edit.\n`default_nettype none\n\n", Identifier(c.Kernel.Name), c.Kernel.Digest(), c.Part)
	for _, p := range chain {
		text.WriteString(p.text)
		text.WriteByte('\n')
	}
	text.WriteString(c.top(chain))
	text.WriteString("\n`default_nettype wire\n")
	c.Text = text.String()
}

// top chains the modules.
func (c *Core) top(chain []piece) string {
	var w writer
	w.begin(c.Module)
	w.port("input wire clk, input wire rst")
	if c.Width {
		w.port("input wire [15:0] width")
	}
	w.port("input wire [%d:0] s_axis_tdata, input wire s_axis_tvalid, output wire s_axis_tready, input wire s_axis_tlast", c.InBits-1)
	w.port("output wire [%d:0] m_axis_tdata, output wire m_axis_tvalid, input wire m_axis_tready, output wire m_axis_tlast", c.OutBits-1)
	w.line("wire [%d:0] d0 = {%s};", chain[0].in-1, unwire(c.Kernel.In().Leaves()))
	w.line("wire last0 = s_axis_tlast;")
	c.entrance(&w, chain[0])
	for i, p := range chain {
		w.instance(i, p)
	}
	n := len(chain)
	w.line("assign m_axis_tvalid = valid%d;", n)
	w.line("assign m_axis_tlast = last%d;", n)
	w.line("wire ready%d = m_axis_tready;", n)
	w.line("assign m_axis_tdata = {%s};", onWire(c.Kernel.Out().Leaves(), fmt.Sprintf("d%d", n)))
	w.end()
	return w.String()
}

// entrance counts columns, where the first stage does not do it itself. A clock passes before a frame's first token: the width is
// read in it.
func (c *Core) entrance(w *writer, first piece) {
	if !first.lineIn {
		w.line("wire valid0 = s_axis_tvalid;")
		w.line("assign s_axis_tready = ready0;")
		return
	}
	w.line("reg open;")
	w.line("reg [15:0] x, columns;")
	w.line("wire line0 = x == columns;")
	w.line("wire valid0 = s_axis_tvalid & open;")
	w.line("assign s_axis_tready = ready0 & open;")
	w.line("wire take = valid0 & ready0;")
	w.line("always @(posedge clk) if (~open) columns <= width;")
	w.line("always @(posedge clk) if (rst | (take & line0)) x <= 16'd0; else if (take) x <= x + 16'd1;")
	w.line("always @(posedge clk) if (rst | (take & s_axis_tlast)) open <= 1'b0; else if (s_axis_tvalid) open <= 1'b1;")
}

// instance puts a piece between streams i and i+1.
func (w *writer) instance(i int, p piece) {
	w.line("wire [%d:0] d%d;", p.out-1, i+1)
	w.line("wire valid%d, last%d;", i+1, i+1)
	w.line("wire ready%d;", i)
	extra := ""
	if p.width {
		extra += ", .width(width)"
	}
	if p.lineIn {
		extra += fmt.Sprintf(", .i_line(line%d)", i)
	}
	if p.lineOut {
		w.line("wire line%d;", i+1)
		extra += fmt.Sprintf(", .o_line(line%d)", i+1)
	}
	if p.keep && strings.HasSuffix(p.module, "_hold") {
		extra += fmt.Sprintf(", .i_keep(keep%d)", i)
	} else if p.keep {
		w.line("wire keep%d;", i+1)
		extra += fmt.Sprintf(", .o_keep(keep%d)", i+1)
	}
	w.line("%s u%d (.clk(clk), .rst(rst)%s,", p.module, i, extra)
	w.line("  .i_data(d%d), .i_valid(valid%d), .i_ready(ready%d), .i_last(last%d),", i, i, i, i)
	w.line("  .o_data(d%d), .o_valid(valid%d), .o_ready(ready%d), .o_last(last%d));", i+1, i+1, i+1, i+1)
}

// unwire is a token's words without the bits that only the wire has; the last word is written first.
func unwire(leaves []ir.Leaf) string {
	var words []string
	at := 0
	for _, l := range leaves {
		words = append([]string{fmt.Sprintf("s_axis_tdata[%d:%d]", at+l.Word.Bits-1, at)}, words...)
		at += 8 * l.Word.Bytes()
	}
	return strings.Join(words, ", ")
}

// onWire extends a token's words to whole bytes.
func onWire(leaves []ir.Leaf, name string) string {
	var words []string
	at := 0
	for _, l := range leaves {
		text := fmt.Sprintf("%s[%d:%d]", name, at+l.Word.Bits-1, at)
		at += l.Word.Bits
		if more := 8*l.Word.Bytes() - l.Word.Bits; more > 0 {
			high := constant(0, more)
			if l.Word.Signed {
				high = fmt.Sprintf("{%d{%s[%d]}}", more, name, at-1)
			}
			text = "{" + high + ", " + text + "}"
		}
		words = append([]string{text}, words...)
	}
	return strings.Join(words, ", ")
}
