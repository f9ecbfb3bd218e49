// Bytes of 32-bit words as tokens of N bytes, and back. Of a frame's last word the bytes that last_bytes counts are taken.
`default_nettype none

module capo_unpack #(parameter N = 1) (
  input wire clk, input wire rst,
  input wire [31:0] i_data, input wire [2:0] i_bytes, input wire i_valid, output wire i_ready, input wire i_last,
  output wire [8*N-1:0] o_data, output wire o_valid, input wire o_ready, output wire o_last
);
  localparam W = N + 7;
  reg [8*W-1:0] buffer;
  reg [15:0] count;
  reg ending;
  assign o_valid = count >= N;
  assign o_data = buffer[8*N-1:0];
  assign o_last = ending & (count == N);
  assign i_ready = ~ending & (count <= N + 3);
  wire give = o_valid & o_ready, take = i_valid & i_ready;
  wire [15:0] left = give ? count - N : count;
  wire [8*W-1:0] rest = give ? buffer >> (8*N) : buffer;
  wire [31:0] word = i_data & (32'hffffffff >> (8 * (3'd4 - i_bytes)));
  always @(posedge clk)
    if (rst) begin
      count <= 0; ending <= 1'b0; buffer <= 0;
    end else begin
      count <= left + (take ? {13'd0, i_bytes} : 16'd0);
      buffer <= take ? rest | ({{(8*W-32){1'b0}}, word} << (8 * left)) : rest;
      if (take & i_last) ending <= 1'b1;
      else if (give & o_last) ending <= 1'b0;
    end
endmodule

module capo_pack #(parameter N = 1) (
  input wire clk, input wire rst,
  input wire [8*N-1:0] i_data, input wire i_valid, output wire i_ready, input wire i_last,
  output wire [31:0] o_data, output wire [2:0] o_bytes, output wire o_valid, input wire o_ready, output wire o_last
);
  localparam W = N + 4;
  reg [8*W-1:0] buffer;
  reg [15:0] count;
  reg ending;
  assign o_valid = (count >= 4) | (ending & (count != 0));
  assign o_bytes = count >= 4 ? 3'd4 : count[2:0];
  assign o_data = buffer[31:0];
  assign o_last = ending & (count <= 4);
  wire give = o_valid & o_ready;
  wire [15:0] left = give ? count - {13'd0, o_bytes} : count;
  wire [8*W-1:0] rest = give ? buffer >> 32 : buffer;
  assign i_ready = ~ending & (left < 4);
  wire take = i_valid & i_ready;
  always @(posedge clk)
    if (rst) begin
      count <= 0; ending <= 1'b0; buffer <= 0;
    end else begin
      count <= left + (take ? N : 16'd0);
      buffer <= take ? rest | ({{(8*W-8*N){1'b0}}, i_data} << (8 * left)) : rest;
      if (take & i_last) ending <= 1'b1;
      else if (give & o_last) ending <= 1'b0;
    end
endmodule

`default_nettype wire
