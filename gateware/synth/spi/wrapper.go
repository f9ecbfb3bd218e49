package spi

import (
	"fmt"
	"math/bits"
	"strings"
)

// Top is the wrapper's module.
const Top = "capo_spi"

// headerBits is the header in clocks.
const headerBits = 8 * HeaderBytes

// Wrap writes the wrapper around a core: Verilog of a module [Top] with the pins sck, ss, mosi and miso, the core's text
// not included.
//
// With plain framing a token is taken from the shift register in the one clock in which it is whole, and its output goes
// into the output's shift register in the clock in which the core hands it over; 0 to 7 flip-flops bring the serial output
// to the next byte. Otherwise a token waits in a register until the core takes it, and an output is taken at the end of a
// period; the mark is the one bit before it.
func Wrap(c *Core) (string, error) {
	if err := c.Check(); err != nil {
		return "", err
	}
	l, err := c.Link()
	if err != nil {
		return "", err
	}
	w := wrapper{Core: c, Link: l, clocks: 8 * l.Period}
	return w.text(), nil
}

type wrapper struct {
	*Core
	*Link
	clocks int // of a period
	b      strings.Builder
}

func (w *wrapper) line(format string, args ...any) { fmt.Fprintf(&w.b, format+"\n", args...) }

func (w *wrapper) text() string {
	w.line("// SPI wrapper, version %d: %d bytes in, %d out, %s, a period of %d clocks.", Version, w.Core.InBytes, w.Core.OutBytes, w.Framing, w.clocks)
	w.line("module %s (input wire sck, input wire ss, input wire mosi, output wire miso);", Top)
	w.count()
	w.header()
	w.tokens()
	w.instance()
	w.output()
	w.line("endmodule")
	return w.b.String()
}

// count counts the header's bits, then those of a period.
func (w *wrapper) count() {
	size := max(bits.Len(uint(w.clocks-1)), bits.Len(uint(headerBits-1)))
	w.line("  reg running, whole;")
	w.line("  reg [%d:0] n;", size-1)
	w.line("  wire [%d:0] top = running ? %d'd%d : %d'd%d;", size-1, size, w.clocks-1, size, headerBits-1)
	next := "n == top ? 0 : n + 1'b1"
	if headerBits%w.clocks == 0 { // the counter comes round by itself
		size = bits.Len(uint(headerBits - 1))
		next = "n + 1'b1"
	}
	w.line("  always @(posedge sck or posedge ss)")
	w.line("    if (ss) begin n <= 0; running <= 1'b0; whole <= 1'b0; end")
	w.line("    else begin")
	w.line("      n <= %s;", next)
	w.line("      running <= running | (n == %d);", headerBits-1)
	w.line("      whole <= running & (%s == %d);", w.phase(), 8*w.Core.InBytes-1)
	w.line("    end")
}

// phase is the count within a period.
func (w *wrapper) phase() string {
	if headerBits%w.clocks == 0 {
		return fmt.Sprintf("n[%d:0]", bits.Len(uint(w.clocks-1))-1)
	}
	return "n"
}

// header keeps the geometry and finds the frame's last token. What the core does not look at, synthesis leaves out.
func (w *wrapper) header() {
	w.line("  reg [31:0] head;")
	w.line("  always @(posedge sck) if (!running) head <= {head[30:0], mosi};")
	w.line("  wire [15:0] width = {head[23:16], head[31:24]};")
	w.line("  wire [15:0] rows = {head[7:0], head[15:8]};")
	w.line("  reg [15:0] column, row;")
	w.line("  always @(posedge sck)")
	w.line("    if (!running) begin column <= 0; row <= 0; end")
	w.line("    else if (whole) begin")
	w.line("      column <= column == width ? 16'd0 : column + 1'b1;")
	w.line("      if (column == width) row <= row + 1'b1;")
	w.line("    end")
	w.line("  wire last = column == width && row == rows;")
}

// tokens shifts tokens in, and keeps each until the core takes it where the core may let it wait.
func (w *wrapper) tokens() {
	in, out := 8*w.Core.InBytes, 8*w.Core.OutBytes
	w.line("  reg [%d:0] in;", in-1)
	w.line("  always @(posedge sck) in <= {in[%d:0], mosi};", in-2)
	w.line("  wire [%d:0] given;", out-1)
	w.line("  wire offered, taken, valid, ready;")
	if w.Framing == Plain {
		w.line("  wire [%d:0] token = %s;", in-1, swapped("in", w.Core.InBytes))
		w.line("  assign offered = whole;")
		return
	}
	w.line("  reg [%d:0] token;", in-1)
	w.line("  reg full, ultimate;")
	w.line("  always @(posedge sck) if (whole) ultimate <= last;")
	w.line("  assign offered = full;")
	w.line("  always @(posedge sck) if (whole) token <= %s;", swapped("in", w.Core.InBytes))
	w.line("  always @(posedge sck) full <= running & (whole | (full & ~taken));")
}

func (w *wrapper) instance() {
	last := "last"
	if w.Framing != Plain {
		last = "ultimate"
	}
	w.line("  %s core (", w.Module)
	w.line("    .clk(sck), .rst(!running),")
	if w.WidthBits > 0 {
		w.line("    .width(width[%d:0]),", w.WidthBits-1)
	}
	if w.RowsBits > 0 {
		w.line("    .rows(%s),", portBits("rows", w.RowsBits))
	}
	w.line("    .s_axis_tdata(token), .s_axis_tvalid(offered), .s_axis_tready(taken), .s_axis_tlast(%s),", last)
	w.line("    .m_axis_tdata(given), .m_axis_tvalid(valid), .m_axis_tready(ready), .m_axis_tlast());")
}

// portBits widens the header's 16 bits for a port that has more.
func portBits(name string, n int) string {
	if n > 16 {
		return fmt.Sprintf("{%d'd0, %s}", n-16, name)
	}
	return fmt.Sprintf("%s[%d:0]", name, n-1)
}

func (w *wrapper) output() {
	out, top := 8*w.Core.OutBytes, 8*w.Core.OutBytes-1
	w.line("  reg [%d:0] out;", top)
	w.line("  wire load = valid & ready;")
	w.line("  always @(posedge sck) if (!running) out <= 0; else out <= load ? %s : {out[%d:0], 1'b0};", swapped("given", w.Core.OutBytes), out-2)
	if w.Framing == Plain {
		w.line("  assign ready = 1'b1;")
		w.lag((7-w.Core.Latency%8+8)%8, top)
		return
	}
	w.line("  reg turn, lag;")
	w.line("  always @(posedge sck) turn <= running & (%s == %d);", w.phase(), w.clocks-3)
	w.line("  assign ready = turn;")
	first := ""
	if w.Framing == Marked {
		w.line("  reg begun;")
		w.line("  always @(posedge sck) begun <= running & (begun | load);")
		first = " & ~begun"
	}
	w.line("  always @(posedge sck) lag <= running & (out[%d] | (load%s));", top, first)
	w.line("  assign miso = lag;")
}

// lag delays the serial output by n clocks.
func (w *wrapper) lag(n, top int) {
	switch n {
	case 0:
		w.line("  assign miso = out[%d];", top)
	case 1:
		w.line("  reg lag;")
		w.line("  always @(posedge sck) lag <= out[%d];", top)
		w.line("  assign miso = lag;")
	default:
		w.line("  reg [%d:0] lag;", n-1)
		w.line("  always @(posedge sck) lag <= {lag[%d:0], out[%d]};", n-2, top)
		w.line("  assign miso = lag[%d];", n-1)
	}
}

// swapped turns the bytes of a token round: the first on the wire is the topmost of the shift register and the lowest of
// the core's word.
func swapped(name string, n int) string {
	if n == 1 {
		return name
	}
	var parts []string
	for i := range n {
		parts = append(parts, fmt.Sprintf("%s[%d:%d]", name, 8*i+7, 8*i))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
