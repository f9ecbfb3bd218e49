// Luma as an engineer writes it: (77 r + 150 g + 29 b + 128) >> 8 by shifts and adds, products and sum each in a stage.
module hand_gray (
  input wire clk, input wire rst,
  input wire [23:0] s_axis_tdata, input wire s_axis_tvalid, output wire s_axis_tready, input wire s_axis_tlast,
  output wire [7:0] m_axis_tdata, output reg m_axis_tvalid, input wire m_axis_tready, output reg m_axis_tlast
);
  wire [7:0] r = s_axis_tdata[7:0], g = s_axis_tdata[15:8], b = s_axis_tdata[23:16];
  wire move = m_axis_tready | ~m_axis_tvalid;
  assign s_axis_tready = move;
  reg [14:0] r77;
  reg [15:0] g150;
  reg [12:0] b29;
  reg [15:0] sum;
  reg v, l;
  always @(posedge clk)
    if (rst) begin
      v <= 1'b0;
      m_axis_tvalid <= 1'b0;
    end else if (move) begin
      v <= s_axis_tvalid;
      m_axis_tvalid <= v;
    end
  always @(posedge clk) if (move) begin
    r77 <= (r << 6) + (r << 3) + (r << 2) + r;
    g150 <= (g << 7) + (g << 4) + (g << 2) + (g << 1);
    b29 <= (b << 5) - (b << 1) - b;
    l <= s_axis_tlast;
    sum <= r77 + g150 + b29 + 8'd128;
    m_axis_tlast <= l;
  end
  assign m_axis_tdata = sum[15:8];
endmodule
