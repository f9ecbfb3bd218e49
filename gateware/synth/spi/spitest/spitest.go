// Package spitest has cores written by hand that keep to the protocol of gateware/synth/spi, each with the bytes that it
// must give: to test the wrapper, the schedule and the way to a bitstream without the kernel compiler.
package spitest

import (
	"fmt"
	"strings"

	"github.com/capodekappa/capo/gateware/synth/spi"
)

// Case is a core and its meaning.
type Case struct {
	Name string
	Core spi.Core
	Want func(in []byte, width int) []byte
}

// header begins a module of a byte in and out, ports of the geometry included where asked for.
func header(name string, in, out int, geometry string) string {
	return fmt.Sprintf(`module %s (input wire clk, input wire rst, %s
    input wire [%d:0] s_axis_tdata, input wire s_axis_tvalid, output wire s_axis_tready, input wire s_axis_tlast,
    output wire [%d:0] m_axis_tdata, output wire m_axis_tvalid, input wire m_axis_tready, output wire m_axis_tlast);
`, name, geometry, 8*in-1, 8*out-1)
}

// Xor is combinational: every bit turned round.
func Xor() Case {
	return Case{
		Name: "xor",
		Core: spi.Core{Module: "xor_core", InBytes: 1, OutBytes: 1, Stages: []spi.Stage{{}}, Verilog: header("xor_core", 1, 1, "") + `
  assign m_axis_tdata = s_axis_tdata ^ 8'hff;
  assign m_axis_tvalid = s_axis_tvalid;
  assign s_axis_tready = m_axis_tready;
  assign m_axis_tlast = s_axis_tlast;
endmodule
`},
		Want: func(in []byte, _ int) []byte {
			out := make([]byte, len(in))
			for i, b := range in {
				out[i] = b ^ 0xff
			}
			return out
		},
	}
}

// Gray is (77 r + 150 g + 29 b + 128) >> 8 of three bytes, in a pipeline of three stages.
func Gray() Case {
	return Case{
		Name: "gray",
		Core: spi.Core{Module: "gray_core", InBytes: 3, OutBytes: 1, Latency: 3, Stages: []spi.Stage{{}}, Verilog: header("gray_core", 3, 1, "") + `
  wire [7:0] r = s_axis_tdata[7:0], g = s_axis_tdata[15:8], b = s_axis_tdata[23:16];
  wire move = m_axis_tready | ~v3;
  reg v1, v2, v3;
  reg [14:0] r1; reg [15:0] g1; reg [12:0] b1;
  reg [15:0] rb2, g2, s3;
  always @(posedge clk)
    if (rst) {v1, v2, v3} <= 0;
    else if (move) {v1, v2, v3} <= {s_axis_tvalid, v1, v2};
  always @(posedge clk) if (move) begin
    r1 <= 77 * r; g1 <= 150 * g; b1 <= 29 * b;
    rb2 <= r1 + b1 + 128; g2 <= g1;
    s3 <= rb2 + g2;
  end
  assign m_axis_tdata = s3[15:8];
  assign m_axis_tvalid = v3;
  assign s_axis_tready = move;
  assign m_axis_tlast = 1'b0;
endmodule
`},
		Want: func(in []byte, _ int) []byte {
			var out []byte
			for i := 0; i+2 < len(in); i += 3 {
				out = append(out, byte((77*int(in[i])+150*int(in[i+1])+29*int(in[i+2])+128)>>8))
			}
			return out
		},
	}
}

// Sum adds the bytes of a frame to 32 bits and hands that over after the last.
func Sum() Case {
	return Case{
		Name: "sum",
		Core: spi.Core{Module: "sum_core", InBytes: 1, OutBytes: 4, Latency: 1, Stages: []spi.Stage{{Last: true}}, Verilog: header("sum_core", 1, 4, "") + `
  reg [31:0] sum; reg full;
  assign s_axis_tready = m_axis_tready | ~full;
  always @(posedge clk)
    if (rst) begin sum <= 0; full <= 0; end
    else begin
      if (full & m_axis_tready) begin full <= 0; sum <= 0; end
      if (s_axis_tvalid & s_axis_tready) begin
        sum <= (full ? 0 : sum) + s_axis_tdata;
        full <= s_axis_tlast;
      end
    end
  assign m_axis_tdata = sum;
  assign m_axis_tvalid = full;
  assign m_axis_tlast = full;
endmodule
`},
		Want: func(in []byte, _ int) []byte {
			if len(in) == 0 {
				return nil
			}
			var sum uint32
			for _, b := range in {
				sum += uint32(b)
			}
			return []byte{byte(sum), byte(sum >> 8), byte(sum >> 16), byte(sum >> 24)}
		},
	}
}

// Below is the byte XOR the one below it, or zero at the frame's lower edge: a line buffer in block RAM for rows of at
// most 256, and a row that is flushed after the end.
func Below() Case {
	return Case{
		Name: "below",
		Core: spi.Core{Module: "below_core", InBytes: 1, OutBytes: 1, WidthBits: 8, RowsBits: 16, Latency: 2, Stages: []spi.Stage{{DelayRows: 1}},
			Verilog: header("below_core", 1, 1, "input wire [7:0] width, input wire [15:0] rows,") + `
  reg [7:0] line [0:255];
  reg [7:0] x; reg [15:0] y; reg flush;
  reg v1, v2; reg [7:0] above1, in1, d2;
  wire move = m_axis_tready | ~v2;
  wire go = s_axis_tvalid | flush;
  wire edge_x = x == width;
  assign s_axis_tready = move & ~flush;
  always @(posedge clk)
    if (rst) begin x <= 0; y <= 0; flush <= 0; v1 <= 0; v2 <= 0; end
    else if (move) begin
      v1 <= go & (flush | y != 0);
      v2 <= v1;
      if (go) begin
        x <= edge_x ? 0 : x + 1;
        if (edge_x) begin
          y <= flush | y == rows ? 0 : y + 1;
          flush <= ~flush & y == rows;
        end
      end
    end
  always @(posedge clk) if (move) begin
    above1 <= line[x];
    if (go) line[x] <= s_axis_tdata;
    in1 <= flush ? 0 : s_axis_tdata;
    d2 <= above1 ^ in1;
  end
  assign m_axis_tdata = d2;
  assign m_axis_tvalid = v2;
  assign m_axis_tlast = 1'b0;
endmodule
`},
		Want: func(in []byte, width int) []byte {
			out := make([]byte, len(in))
			for i := range in {
				out[i] = in[i]
				if i+width < len(in) {
					out[i] ^= in[i+width]
				}
			}
			return out
		},
	}
}

// Chain is a pipe of stages of a byte each, for simulation only: a stage with a delay gives the byte at a position XOR
// the newest byte that there was. latencies are the stages'.
func Chain(latencies []int, stages ...spi.Stage) Case {
	var b strings.Builder
	latency := 0
	for _, n := range latencies {
		latency += n
	}
	b.WriteString(chainStage)
	b.WriteString(header("chain_core", 1, 1, "input wire [15:0] width, input wire [15:0] rows,"))
	b.WriteString("  wire [31:0] w0 = width, r0 = rows;\n  wire [7:0] d0 = s_axis_tdata; wire v0 = s_axis_tvalid; wire y0; assign s_axis_tready = y0;\n")
	for i, s := range stages {
		hr, hc := max(s.HopRows, 1), max(s.HopCols, 1)
		fmt.Fprintf(&b, "  wire [7:0] d%d; wire v%d, y%d; wire [31:0] w%d, r%d;\n", i+1, i+1, i+1, i+1, i+1)
		next := fmt.Sprintf("w%d / 32'd%d, r%d / 32'd%d", i, hc, i, hr)
		if s.Last {
			next = "64'd0"
		}
		fmt.Fprintf(&b, "  assign {w%d, r%d} = {%s};\n", i+1, i+1, next)
		fmt.Fprintf(&b, "  chain_stage #(%d, %d, %d, %d, %d, %d) s%d (clk, rst, w%d, r%d, d%d, v%d, y%d, d%d, v%d, y%d);\n",
			latencies[i], s.DelayRows, s.DelayCols, hr, hc, map[bool]int{true: 1}[s.Last], i, i, i, i, i, i, i+1, i+1, i+1)
	}
	n := len(stages)
	fmt.Fprintf(&b, "  assign m_axis_tdata = d%d; assign m_axis_tvalid = v%d; assign y%d = m_axis_tready; assign m_axis_tlast = 1'b0;\nendmodule\n", n, n, n)
	return Case{
		Name: "chain",
		Core: spi.Core{Module: "chain_core", InBytes: 1, OutBytes: 1, WidthBits: 16, RowsBits: 16, Latency: latency, Stages: stages, Verilog: b.String()},
		Want: func(in []byte, width int) []byte {
			for _, s := range stages {
				in, width = chainWant(s, in, width)
			}
			return in
		},
	}
}

func chainWant(s spi.Stage, in []byte, width int) ([]byte, int) {
	delay := s.DelayRows*width + s.DelayCols
	var out []byte
	for p := range in {
		if s.Last && p != len(in)-1 || p/width%max(s.HopRows, 1) != 0 || p%width%max(s.HopCols, 1) != 0 {
			continue
		}
		out = append(out, in[p]^in[min(p+delay, len(in)-1)])
		if delay == 0 {
			out[len(out)-1] = in[p] + 1
		}
	}
	if s.Last {
		return out, 1
	}
	return out, (width + max(s.HopCols, 1) - 1) / max(s.HopCols, 1)
}

const chainStage = `module chain_stage #(parameter LATENCY = 1, ROWS = 0, COLS = 0, HR = 1, HC = 1, LAST = 0) (
    input wire clk, input wire rst, input wire [31:0] width, input wire [31:0] rows,
    input wire [7:0] sd, input wire sv, output wire sr, output wire [7:0] md, output wire mv, input wire mr);
  reg [31:0] s;
  reg [7:0] mem [0:65535], newest;
  wire [31:0] w = width + 1, n = w * (rows + 1), delay = ROWS * w + COLS, p = s - delay;
  wire flush = s >= n;
  wire go = sv | flush;
  wire gives = s >= delay && (LAST ? p == n - 1 : p / w % HR == 0 && p % w % HC == 0);
  wire [7:0] value = delay == 0 ? sd + 1 : mem[p] ^ (flush ? newest : sd);
  wire move = mr | ~mv;
  assign sr = move & ~flush;
  always @(posedge clk)
    if (rst) s <= 0;
    else if (move & go) begin
      s <= s == n + delay - 1 ? 0 : s + 1;
      if (!flush) begin mem[s] <= sd; newest <= sd; end
    end
  generate
    if (LATENCY == 0) begin
      assign mv = go & gives;
      assign md = value;
    end else begin
      reg [LATENCY-1:0] v; reg [8*LATENCY-1:0] d;
      always @(posedge clk) if (rst) v <= 0; else if (move) v <= {v, go & gives};
      always @(posedge clk) if (move) d <= {d, value};
      assign mv = v[LATENCY-1];
      assign md = d[8*LATENCY-1 -: 8];
    end
  endgenerate
endmodule
`
