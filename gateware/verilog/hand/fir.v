// A binomial filter over five samples of a byte, as an engineer writes it: a delay line, and the symmetric taps added first.
module hand_fir (
  input wire clk, input wire rst,
  input wire [7:0] s_axis_tdata, input wire s_axis_tvalid, output wire s_axis_tready, input wire s_axis_tlast,
  output wire [7:0] m_axis_tdata, output reg m_axis_tvalid, input wire m_axis_tready, output reg m_axis_tlast
);
  wire move = m_axis_tready | ~m_axis_tvalid;
  assign s_axis_tready = move;
  wire take = move & s_axis_tvalid;
  wire [7:0] t = s_axis_tdata;
  reg [7:0] t1, t2, t3, t4;
  always @(posedge clk)
    if (rst | (take & s_axis_tlast)) begin
      t1 <= 0; t2 <= 0; t3 <= 0; t4 <= 0;
    end else if (take) begin
      t1 <= t; t2 <= t1; t3 <= t2; t4 <= t3;
    end
  reg [8:0] outer, inner;
  reg [10:0] middle;
  reg v, l;
  reg [11:0] sum;
  always @(posedge clk)
    if (rst) begin
      v <= 1'b0;
      m_axis_tvalid <= 1'b0;
    end else if (move) begin
      v <= s_axis_tvalid;
      m_axis_tvalid <= v;
    end
  always @(posedge clk) if (move) begin
    outer <= t + t4;
    inner <= t1 + t3;
    middle <= (t2 << 2) + (t2 << 1);
    l <= s_axis_tlast;
    sum <= outer + (inner << 2) + middle;
    m_axis_tlast <= l;
  end
  assign m_axis_tdata = sum[11:4];
endmodule
