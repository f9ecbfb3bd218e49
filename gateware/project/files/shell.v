// <%.Name%> between a processor's registers and its memory.
`default_nettype none

module capo_shell (
  (* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF s_axi:m_axi, ASSOCIATED_RESET aresetn" *)
  input wire aclk, input wire aresetn,
  input wire [7:0] s_axi_awaddr, input wire [2:0] s_axi_awprot, input wire s_axi_awvalid, output wire s_axi_awready,
  input wire [31:0] s_axi_wdata, input wire [3:0] s_axi_wstrb, input wire s_axi_wvalid, output wire s_axi_wready,
  output wire [1:0] s_axi_bresp, output wire s_axi_bvalid, input wire s_axi_bready,
  input wire [7:0] s_axi_araddr, input wire [2:0] s_axi_arprot, input wire s_axi_arvalid, output wire s_axi_arready,
  output wire [31:0] s_axi_rdata, output wire [1:0] s_axi_rresp, output wire s_axi_rvalid, input wire s_axi_rready,
  output wire [31:0] m_axi_araddr, output wire [7:0] m_axi_arlen, output wire [2:0] m_axi_arsize, output wire [1:0] m_axi_arburst,
  output wire [3:0] m_axi_arcache, output wire [2:0] m_axi_arprot, output wire m_axi_arvalid, input wire m_axi_arready,
  input wire [31:0] m_axi_rdata, input wire [1:0] m_axi_rresp, input wire m_axi_rlast, input wire m_axi_rvalid, output wire m_axi_rready,
  output wire [31:0] m_axi_awaddr, output wire [7:0] m_axi_awlen, output wire [2:0] m_axi_awsize, output wire [1:0] m_axi_awburst,
  output wire [3:0] m_axi_awcache, output wire [2:0] m_axi_awprot, output wire m_axi_awvalid, input wire m_axi_awready,
  output wire [31:0] m_axi_wdata, output wire [3:0] m_axi_wstrb, output wire m_axi_wlast, output wire m_axi_wvalid, input wire m_axi_wready,
  input wire [1:0] m_axi_bresp, input wire m_axi_bvalid, output wire m_axi_bready,
  output wire irq
);
  localparam IN = <%.InBytes%>, OUT = <%.OutBytes%>;
  reg rst0, rst1;
  always @(posedge aclk) {rst1, rst0} <= {rst0, ~aresetn};
  wire rst = rst1;
  wire start, clear, done;
  wire [15:0] width;
  wire [31:0] rows, source, source_bytes, target, target_room, written;
  wire read_busy, write_busy, read_failed, write_failed;
  wire stop = rst | clear;

  capo_registers #(.IN_BYTES(IN), .OUT_BYTES(OUT), .DIGEST(<%.DigestHex%>)) registers (
    .clk(aclk), .rst(rst),
    .s_axi_awaddr(s_axi_awaddr), .s_axi_awvalid(s_axi_awvalid), .s_axi_awready(s_axi_awready),
    .s_axi_wdata(s_axi_wdata), .s_axi_wstrb(s_axi_wstrb), .s_axi_wvalid(s_axi_wvalid), .s_axi_wready(s_axi_wready),
    .s_axi_bresp(s_axi_bresp), .s_axi_bvalid(s_axi_bvalid), .s_axi_bready(s_axi_bready),
    .s_axi_araddr(s_axi_araddr), .s_axi_arvalid(s_axi_arvalid), .s_axi_arready(s_axi_arready),
    .s_axi_rdata(s_axi_rdata), .s_axi_rresp(s_axi_rresp), .s_axi_rvalid(s_axi_rvalid), .s_axi_rready(s_axi_rready),
    .start(start), .clear(clear), .width(width), .rows(rows), .source(source), .source_bytes(source_bytes),
    .target(target), .target_room(target_room), .written(written),
    .busy(read_busy | write_busy), .failed(read_failed | write_failed), .done(done));
  assign irq = done;

  wire [31:0] in_word, out_word;
  wire [2:0] in_bytes, out_bytes;
  wire in_valid, in_ready, in_last, out_valid, out_ready, out_last;
  capo_read reader (
    .clk(aclk), .rst(stop), .start(start), .address(source), .bytes(source_bytes),
    .m_axi_araddr(m_axi_araddr), .m_axi_arlen(m_axi_arlen), .m_axi_arsize(m_axi_arsize), .m_axi_arburst(m_axi_arburst),
    .m_axi_arcache(m_axi_arcache), .m_axi_arprot(m_axi_arprot), .m_axi_arvalid(m_axi_arvalid), .m_axi_arready(m_axi_arready),
    .m_axi_rdata(m_axi_rdata), .m_axi_rresp(m_axi_rresp), .m_axi_rlast(m_axi_rlast), .m_axi_rvalid(m_axi_rvalid), .m_axi_rready(m_axi_rready),
    .o_data(in_word), .o_bytes(in_bytes), .o_valid(in_valid), .o_ready(in_ready), .o_last(in_last), .busy(read_busy), .failed(read_failed));
  capo_write writer (
    .clk(aclk), .rst(stop), .start(start), .address(target), .room(target_room),
    .i_data(out_word), .i_bytes(out_bytes), .i_valid(out_valid), .i_ready(out_ready), .i_last(out_last),
    .m_axi_awaddr(m_axi_awaddr), .m_axi_awlen(m_axi_awlen), .m_axi_awsize(m_axi_awsize), .m_axi_awburst(m_axi_awburst),
    .m_axi_awcache(m_axi_awcache), .m_axi_awprot(m_axi_awprot), .m_axi_awvalid(m_axi_awvalid), .m_axi_awready(m_axi_awready),
    .m_axi_wdata(m_axi_wdata), .m_axi_wstrb(m_axi_wstrb), .m_axi_wlast(m_axi_wlast), .m_axi_wvalid(m_axi_wvalid), .m_axi_wready(m_axi_wready),
    .m_axi_bresp(m_axi_bresp), .m_axi_bvalid(m_axi_bvalid), .m_axi_bready(m_axi_bready),
    .written(written), .busy(write_busy), .failed(write_failed));

  wire [8*IN-1:0] in_token;
  wire [8*OUT-1:0] out_token;
  wire in_token_valid, in_token_ready, in_token_last, out_token_valid, out_token_ready, out_token_last;
  capo_unpack #(.N(IN)) unpack (
    .clk(aclk), .rst(stop), .i_data(in_word), .i_bytes(in_bytes), .i_valid(in_valid), .i_ready(in_ready), .i_last(in_last),
    .o_data(in_token), .o_valid(in_token_valid), .o_ready(in_token_ready), .o_last(in_token_last));
  <%.Module%> kernel (
    .clk(aclk), .rst(stop),<%if .Width%> .width(width),<%end%>
    .s_axis_tdata(in_token), .s_axis_tvalid(in_token_valid), .s_axis_tready(in_token_ready), .s_axis_tlast(in_token_last),
    .m_axis_tdata(out_token), .m_axis_tvalid(out_token_valid), .m_axis_tready(out_token_ready), .m_axis_tlast(out_token_last));
  capo_pack #(.N(OUT)) pack (
    .clk(aclk), .rst(stop), .i_data(out_token), .i_valid(out_token_valid), .i_ready(out_token_ready), .i_last(out_token_last),
    .o_data(out_word), .o_bytes(out_bytes), .o_valid(out_valid), .o_ready(out_ready), .o_last(out_last));
endmodule

`default_nettype wire
