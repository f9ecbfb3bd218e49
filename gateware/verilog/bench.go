package verilog

import (
	"errors"
	"fmt"
	"strings"
)

// Frame is a call and what must come of it.
type Frame struct {
	In, Out []byte
	Width   int // tokens in a row
}

// BenchOptions choose how a test bench runs.
type BenchOptions struct {
	Seed   uint32 // of the gaps in what comes in and what is taken
	Steady bool   // no gaps
	Finish bool   // end the simulation; otherwise it ends when all benches have
}

// errEmpty says that a bench was asked to check nothing.
var errEmpty = errors.New("a test bench needs a frame with words in it")

// BenchModule is the name of a core's test bench.
func (c *Core) BenchModule() string { return c.Module + "_tb" }

// Bench writes a test bench for a core: frames go in one after the other, with random gaps; what comes out is compared, and must
// not change while it is not taken. It prints "PASS module: n words" or "FAIL module: why". It runs in Icarus Verilog and in Verilator.
// Errors: no frame has words; bytes that are not whole tokens.
func (c *Core) Bench(frames []Frame, o BenchOptions) (string, error) {
	v, err := c.vectors(frames)
	if err != nil {
		return "", fmt.Errorf("test bench of %s: %w", c.Module, err)
	}
	width := ""
	if c.Width {
		width = ".width(width), "
	}
	gap, back := "random[3:0] < 4", "random[7:4] < 5"
	if o.Steady {
		gap, back = "1'b0", "1'b0"
	}
	finish := ""
	if o.Finish {
		finish = "\n      $finish;"
	}
	return strings.NewReplacer(
		"TB", c.BenchModule(), "CORE", c.Module, "IB", fmt.Sprint(c.InBits), "OB", fmt.Sprint(c.OutBits),
		"NI", fmt.Sprint(v.in), "NO", fmt.Sprint(v.out), "LOAD", v.text, "WIDTH", width, "GAP", gap, "BACK", back,
		"SEED", fmt.Sprintf("32'h%08x", o.Seed|1), "LIMIT", fmt.Sprint(2000+40*(v.in+v.out)+v.flush), "FINISH", finish,
	).Replace(benchText), nil
}

// vectors is a bench's data.
type vectors struct {
	text    string
	in, out int
	flush   int // clocks that may pass while rows below frames are made up
}

func (c *Core) vectors(frames []Frame) (v vectors, err error) {
	var text strings.Builder
	for _, f := range frames {
		in, out := 8*len(f.In)/c.InBits, 8*len(f.Out)/c.OutBits
		if in*c.InBits != 8*len(f.In) || out*c.OutBits != 8*len(f.Out) {
			return v, fmt.Errorf("%d and %d bytes are not whole words", len(f.In), len(f.Out))
		}
		if in == 0 {
			continue
		}
		for i := range in {
			last := 0
			if i == in-1 {
				last = 1
			}
			fmt.Fprintf(&text, "    in[%d] = {1'b%d, 16'd%d, %s};\n", v.in+i, last, f.Width-1, token(f.In, i, c.InBits/8))
		}
		for i := range out {
			last := 0
			if i == out-1 {
				last = 1
			}
			fmt.Fprintf(&text, "    want[%d] = {1'b%d, %s};\n", v.out+i, last, token(f.Out, i, c.OutBits/8))
		}
		v.in, v.out = v.in+in, v.out+out
		for _, s := range c.Kernel.Stages {
			v.flush += 16 * (s.Rows*max(f.Width, s.MaxWidth) + s.Cols + in/f.Width)
		}
	}
	if v.in == 0 {
		return v, errEmpty
	}
	v.text = text.String()
	return v, nil
}

// token is a token as a literal: byte 0 is the lowest.
func token(data []byte, i, size int) string {
	var hex strings.Builder
	for k := size - 1; k >= 0; k-- {
		fmt.Fprintf(&hex, "%02x", data[i*size+k])
	}
	return fmt.Sprintf("%d'h%s", 8*size, hex.String())
}

const benchText = `
module TB;
  reg clk = 1'b0, rst = 1'b1, done = 1'b0;
  reg [IB+16:0] in [0:NI-1];
  reg [OB:0] want [0:NO];
  reg [15:0] width = 16'hffff;
  reg [IB-1:0] s_data;
  reg s_valid = 1'b0, s_last = 1'b0, m_ready = 1'b0, fresh = 1'b1, held = 1'b0, stopped = 1'b0;
  wire s_ready, m_valid, m_last;
  wire [OB-1:0] m_data;
  reg [OB:0] previous;
  reg [31:0] random = SEED;
  integer sent = 0, got = 0, errors = 0, clocks = 0, quiet = 0;

  CORE core (.clk(clk), .rst(rst), WIDTH
    .s_axis_tdata(s_data), .s_axis_tvalid(s_valid), .s_axis_tready(s_ready), .s_axis_tlast(s_last),
    .m_axis_tdata(m_data), .m_axis_tvalid(m_valid), .m_axis_tready(m_ready), .m_axis_tlast(m_last));

  initial begin
LOAD  end
  initial while (!stopped) #5 clk = ~clk;

  task fail(input [8*40-1:0] why);
    begin
      errors = errors + 1;
      if (errors < 4) $display("word %0d, clock %0d: %0s: got %b %h, want %b %h", got, clocks, why, m_last, m_data, want[got][OB], want[got][OB-1:0]);
    end
  endtask

  always @(posedge clk) begin
    clocks <= clocks + 1;
    random <= {random[30:0], random[31] ^ random[21] ^ random[1] ^ random[0]} ^ {random[7:0], 24'd0} ^ (clocks * 32'd2654435761);
    rst <= clocks < 4;
    if (clocks > 5) begin
      if (!s_valid || s_ready) begin
        if (s_valid && fresh) width <= ~width;
        if (sent < NI && !(GAP)) begin
          s_valid <= 1'b1;
          s_data <= in[sent][IB-1:0];
          s_last <= in[sent][IB+16];
          if (s_valid ? s_last : fresh) width <= in[sent][IB+15:IB];
          fresh <= s_valid ? s_last : fresh;
          sent = sent + 1;
        end else begin
          s_valid <= 1'b0;
          if (s_valid) fresh <= s_last;
        end
      end
      m_ready <= !(BACK);
      if (held && (!m_valid || previous !== {m_last, m_data})) fail("changed while it was not taken");
      held <= m_valid && !m_ready;
      previous <= {m_last, m_data};
      if (m_valid === 1'bx) fail("valid is unknown");
      if (m_valid && m_ready) begin
        if (got >= NO) fail("a word too many");
        else if ({m_last, m_data} !== want[got]) fail("differs");
        got = got + 1;
      end
      if (sent == NI && !s_valid && got >= NO) quiet = quiet + 1;
      if (quiet > 60 || clocks > LIMIT) done <= 1'b1;
    end
    if (done && !stopped) begin
      if (errors == 0 && got == NO) $display("PASS CORE: %0d words", got);
      else $display("FAIL CORE: %0d errors, %0d words in, %0d of NO words out", errors, sent, got);
      stopped <= 1'b1;FINISH
    end
  end
endmodule
`
