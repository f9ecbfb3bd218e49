// Sobel's gradient as an engineer writes it: two rows in a memory, sums of columns made once and shifted, edges clamped, the width
// a register. |gx| + |gy|, clamped to a byte.
module hand_sobel #(parameter MAX = 64, parameter AW = 6) (
  input wire clk, input wire rst, input wire [15:0] width,
  input wire [7:0] s_axis_tdata, input wire s_axis_tvalid, output wire s_axis_tready, input wire s_axis_tlast,
  output reg [7:0] m_axis_tdata, output reg m_axis_tvalid, input wire m_axis_tready, output reg m_axis_tlast
);
  // Taking: a frame, then one more row, then one more column.
  localparam IDLE = 2'd0, TAKE = 2'd1, ROW = 2'd2, COLUMN = 2'd3;
  reg [1:0] state;
  reg [AW-1:0] x, last_x;
  reg [1:0] row; // 0, 1, 2 for all that follow
  reg left;
  wire move = m_axis_tready | ~m_axis_tvalid;
  wire right = x == last_x;
  reg v1;
  wire wait_ = v1 & left & right; // rows of one: the memory is written first
  wire step = move & ~wait_ & (state == TAKE ? s_axis_tvalid : state != IDLE);
  assign s_axis_tready = move & ~wait_ & (state == TAKE);
  always @(posedge clk)
    if (rst) begin
      state <= IDLE; x <= 0; row <= 0; left <= 1'b1;
    end else if (state == IDLE) begin
      last_x <= width[AW-1:0];
      if (s_axis_tvalid) state <= TAKE;
    end else if (step) begin
      left <= right | (state == COLUMN);
      x <= (right | state == COLUMN) ? {AW{1'b0}} : x + 1'b1;
      if (right & row != 2) row <= row + 1'b1;
      case (state)
        TAKE: if (s_axis_tlast) state <= ROW;
        ROW: if (right) begin state <= COLUMN; row <= 0; end
        default: begin state <= IDLE; row <= 0; end
      endcase
    end

  // The two rows above.
  reg [15:0] lines [0:MAX-1];
  reg [15:0] above;
  reg [AW-1:0] x1;
  reg [7:0] p1;
  reg left1, right1, end1, real1, top1, bottom1;
  always @(posedge clk)
    if (rst) v1 <= 1'b0;
    else if (move) v1 <= step;
  always @(posedge clk) if (step) begin
    above <= lines[x];
    x1 <= x;
    p1 <= s_axis_tdata;
    left1 <= left;
    right1 <= right;
    top1 <= row == 1;
    bottom1 <= state == ROW;
    end1 <= state == ROW & right;
    real1 <= row != 0 & state != COLUMN;
  end
  wire go = move & v1;
  always @(posedge clk) if (go) lines[x1] <= {above[7:0], p1};

  // A column: the sum and the difference of its rows.
  wire [7:0] b = above[7:0];
  wire [7:0] a = top1 ? b : above[15:8];
  wire [7:0] c = bottom1 ? b : p1;
  wire [9:0] sum0 = a + c + {b, 1'b0};
  wire signed [8:0] diff0 = c - a;
  reg [9:0] sum1, sum2;
  reg signed [8:0] diff1, diff2;
  reg left2, right2, end2, real2;
  always @(posedge clk) if (go) begin
    sum1 <= sum0; sum2 <= sum1;
    diff1 <= diff0; diff2 <= diff1;
    left2 <= left1; right2 <= right1; end2 <= end1;
  end
  always @(posedge clk) if (rst) real2 <= 1'b0; else if (go) real2 <= real1;

  // The centre is the column before.
  wire [9:0] sum_right = right2 ? sum1 : sum0, sum_left = left2 ? sum1 : sum2;
  wire signed [8:0] diff_right = right2 ? diff1 : diff0, diff_left = left2 ? diff1 : diff2;
  wire signed [10:0] gx = sum_right - sum_left;
  wire signed [10:0] gy = diff_left + (diff1 <<< 1) + diff_right;
  reg [9:0] ax, ay;
  reg v3, end3;
  wire last_step = move & v3;
  wire [10:0] both = ax + ay;
  always @(posedge clk)
    if (rst) begin
      v3 <= 1'b0;
      m_axis_tvalid <= 1'b0;
    end else if (move) begin
      v3 <= v1 & real2;
      m_axis_tvalid <= v3;
    end
  always @(posedge clk) if (go) begin
    ax <= gx[10] ? -gx : gx;
    ay <= gy[10] ? -gy : gy;
    end3 <= end2;
  end
  always @(posedge clk) if (last_step) begin
    m_axis_tdata <= |both[10:8] ? 8'hff : both[7:0];
    m_axis_tlast <= end3;
  end
endmodule
