// Registers of a kernel on an AXI-Lite bus. Offsets in bytes:
//   00 "CAPO"        04 bytes of a token in, out << 16    08 control: 1 start, 2 reset the kernel
//   0c status: 1 busy, 2 done, 4 failed                   10 width - 1        14 rows - 1
//   18 source        1c its bytes                         20 destination      24 its room     28 bytes written
//   40..5c the kernel's digest
`default_nettype none

module capo_registers #(parameter IN_BYTES = 1, parameter OUT_BYTES = 1, parameter [255:0] DIGEST = 0) (
  input wire clk, input wire rst,
  input wire [7:0] s_axi_awaddr, input wire s_axi_awvalid, output wire s_axi_awready,
  input wire [31:0] s_axi_wdata, input wire [3:0] s_axi_wstrb, input wire s_axi_wvalid, output wire s_axi_wready,
  output wire [1:0] s_axi_bresp, output reg s_axi_bvalid, input wire s_axi_bready,
  input wire [7:0] s_axi_araddr, input wire s_axi_arvalid, output wire s_axi_arready,
  output reg [31:0] s_axi_rdata, output wire [1:0] s_axi_rresp, output reg s_axi_rvalid, input wire s_axi_rready,
  output reg start, output reg clear, output reg [15:0] width, output reg [31:0] rows,
  output reg [31:0] source, output reg [31:0] source_bytes, output reg [31:0] target, output reg [31:0] target_room,
  input wire [31:0] written, input wire busy, input wire failed, output reg done
);
  assign s_axi_bresp = 2'd0;
  assign s_axi_rresp = 2'd0;
  wire write = s_axi_awvalid & s_axi_wvalid & (~s_axi_bvalid | s_axi_bready);
  assign s_axi_awready = write;
  assign s_axi_wready = write;
  wire read = s_axi_arvalid & (~s_axi_rvalid | s_axi_rready);
  assign s_axi_arready = read;
  reg was_busy;
  wire [31:0] mask = {{8{s_axi_wstrb[3]}}, {8{s_axi_wstrb[2]}}, {8{s_axi_wstrb[1]}}, {8{s_axi_wstrb[0]}}};
  wire [31:0] fresh = s_axi_wdata & mask;
  wire go = write & (s_axi_awaddr[7:2] == 6'h02) & fresh[0] & ~busy & ~start;
  always @(posedge clk)
    if (rst) begin
      s_axi_bvalid <= 1'b0; s_axi_rvalid <= 1'b0; start <= 1'b0; clear <= 1'b1; done <= 1'b0; was_busy <= 1'b0;
      width <= 0; rows <= 0; source <= 0; source_bytes <= 0; target <= 0; target_room <= 0; s_axi_rdata <= 0;
    end else begin
      start <= go;
      clear <= write & (s_axi_awaddr[7:2] == 6'h02) & fresh[1];
      was_busy <= busy | start;
      if (go | clear) done <= 1'b0;
      else if (was_busy & ~busy) done <= 1'b1;
      s_axi_bvalid <= write | (s_axi_bvalid & ~s_axi_bready);
      if (write) case (s_axi_awaddr[7:2])
        6'h04: width <= (width & ~mask[15:0]) | fresh[15:0];
        6'h05: rows <= (rows & ~mask) | fresh;
        6'h06: source <= (source & ~mask) | fresh;
        6'h07: source_bytes <= (source_bytes & ~mask) | fresh;
        6'h08: target <= (target & ~mask) | fresh;
        6'h09: target_room <= (target_room & ~mask) | fresh;
        default: ;
      endcase
      s_axi_rvalid <= read | (s_axi_rvalid & ~s_axi_rready);
      if (read) case (s_axi_araddr[7:2])
        6'h00: s_axi_rdata <= 32'h4f504143;
        6'h01: s_axi_rdata <= (OUT_BYTES << 16) | IN_BYTES;
        6'h03: s_axi_rdata <= {29'd0, failed, done, busy};
        6'h04: s_axi_rdata <= {16'd0, width};
        6'h05: s_axi_rdata <= rows;
        6'h06: s_axi_rdata <= source;
        6'h07: s_axi_rdata <= source_bytes;
        6'h08: s_axi_rdata <= target;
        6'h09: s_axi_rdata <= target_room;
        6'h0a: s_axi_rdata <= written;
        default: s_axi_rdata <= s_axi_araddr[7:5] == 3'd2 ? DIGEST[255 - 32 * s_axi_araddr[4:2] -: 32] : 32'd0;
      endcase
    end
endmodule

`default_nettype wire
