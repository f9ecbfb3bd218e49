// Memory to stream and stream to memory over AXI, in bursts of 16 words of 32 bits. Addresses are multiples of 64.
`default_nettype none

module capo_read (
  input wire clk, input wire rst,
  input wire start, input wire [31:0] address, input wire [31:0] bytes,
  output reg [31:0] m_axi_araddr, output wire [7:0] m_axi_arlen, output wire [2:0] m_axi_arsize, output wire [1:0] m_axi_arburst,
  output wire [3:0] m_axi_arcache, output wire [2:0] m_axi_arprot, output wire m_axi_arvalid, input wire m_axi_arready,
  input wire [31:0] m_axi_rdata, input wire [1:0] m_axi_rresp, input wire m_axi_rlast, input wire m_axi_rvalid, output wire m_axi_rready,
  output wire [31:0] o_data, output wire [2:0] o_bytes, output wire o_valid, input wire o_ready, output wire o_last,
  output wire busy, output reg failed
);
  assign m_axi_arlen = 8'd15;
  assign m_axi_arsize = 3'd2;
  assign m_axi_arburst = 2'd1;
  assign m_axi_arcache = 4'd3;
  assign m_axi_arprot = 3'd0;
  reg [31:0] ask, left;   // bytes that were not asked for, that did not come
  reg [2:0] under_way;    // bursts
  assign m_axi_arvalid = (ask != 0) & (under_way < 4);
  wire asked = m_axi_arvalid & m_axi_arready, came = m_axi_rvalid & m_axi_rready;
  assign o_valid = m_axi_rvalid & (left != 0);
  assign m_axi_rready = o_ready | (left == 0); // what a burst has behind the end is dropped
  assign o_data = m_axi_rdata;
  assign o_bytes = left >= 4 ? 3'd4 : left[2:0];
  assign o_last = left <= 4;
  assign busy = (left != 0) | (under_way != 0) | (ask != 0);
  always @(posedge clk)
    if (rst) begin
      ask <= 0; left <= 0; under_way <= 0; failed <= 1'b0; m_axi_araddr <= 0;
    end else if (start) begin
      ask <= bytes; left <= bytes; m_axi_araddr <= {address[31:6], 6'd0}; failed <= 1'b0;
    end else begin
      if (asked) begin
        ask <= ask > 64 ? ask - 64 : 32'd0;
        m_axi_araddr <= m_axi_araddr + 64;
      end
      if (came) left <= left > 4 ? left - 4 : 32'd0;
      if (came & m_axi_rresp[1]) failed <= 1'b1;
      under_way <= under_way + {2'd0, asked} - {2'd0, came & m_axi_rlast};
    end
endmodule

module capo_write (
  input wire clk, input wire rst,
  input wire start, input wire [31:0] address, input wire [31:0] room,
  input wire [31:0] i_data, input wire [2:0] i_bytes, input wire i_valid, output wire i_ready, input wire i_last,
  output reg [31:0] m_axi_awaddr, output wire [7:0] m_axi_awlen, output wire [2:0] m_axi_awsize, output wire [1:0] m_axi_awburst,
  output wire [3:0] m_axi_awcache, output wire [2:0] m_axi_awprot, output wire m_axi_awvalid, input wire m_axi_awready,
  output wire [31:0] m_axi_wdata, output wire [3:0] m_axi_wstrb, output wire m_axi_wlast, output wire m_axi_wvalid, input wire m_axi_wready,
  input wire [1:0] m_axi_bresp, input wire m_axi_bvalid, output wire m_axi_bready,
  output reg [31:0] written, output wire busy, output reg failed
);
  localparam IDLE = 3'd0, FILL = 3'd1, ADDRESS = 3'd2, DATA = 3'd3, ANSWER = 3'd4;
  reg [2:0] state;
  reg [31:0] words [0:15];
  reg [2:0] last_bytes;
  reg [4:0] filled, sent;
  reg ending;
  assign i_ready = state == FILL;
  assign m_axi_awlen = {3'd0, filled} - 8'd1;
  assign m_axi_awsize = 3'd2;
  assign m_axi_awburst = 2'd1;
  assign m_axi_awcache = 4'd3;
  assign m_axi_awprot = 3'd0;
  assign m_axi_awvalid = state == ADDRESS;
  assign m_axi_wvalid = state == DATA;
  assign m_axi_wdata = words[sent[3:0]];
  assign m_axi_wlast = sent + 5'd1 == filled;
  assign m_axi_wstrb = (ending & m_axi_wlast) ? 4'hf >> (3'd4 - last_bytes) : 4'hf;
  assign m_axi_bready = state == ANSWER;
  assign busy = state != IDLE;
  wire take = i_valid & i_ready;
  wire fits = ~failed & (written + {29'd0, i_bytes} <= room);
  always @(posedge clk)
    if (rst) begin
      state <= IDLE; filled <= 0; sent <= 0; ending <= 1'b0; written <= 0; failed <= 1'b0; m_axi_awaddr <= 0; last_bytes <= 3'd4;
    end else case (state)
      IDLE: if (start) begin
        state <= FILL; filled <= 0; ending <= 1'b0; written <= 0; failed <= 1'b0; m_axi_awaddr <= {address[31:6], 6'd0};
      end
      FILL: if (take) begin
        if (fits) begin
          words[filled[3:0]] <= i_data;
          last_bytes <= i_bytes;
          written <= written + {29'd0, i_bytes};
          filled <= filled + 5'd1;
        end else failed <= 1'b1; // what has no room is dropped
        ending <= i_last;
        sent <= 0;
        if (fits ? (i_last | (filled == 15)) : i_last) state <= (fits | (filled != 0)) ? ADDRESS : IDLE;
      end
      ADDRESS: if (m_axi_awready) state <= DATA;
      DATA: if (m_axi_wready) begin
        sent <= sent + 5'd1;
        if (m_axi_wlast) state <= ANSWER;
      end
      default: if (m_axi_bvalid) begin
        if (m_axi_bresp[1]) failed <= 1'b1;
        m_axi_awaddr <= m_axi_awaddr + 64;
        filled <= 0;
        state <= ending ? IDLE : FILL;
      end
    endcase
endmodule

`default_nettype wire
