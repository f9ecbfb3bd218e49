// The chip: the processor with its memory's pins, and <%.Name%> beside it.
module capo_top (
  input wire clock_50,
  output wire [14:0] hps_ddr3_addr, output wire [2:0] hps_ddr3_ba, output wire hps_ddr3_ck_p, output wire hps_ddr3_ck_n, output wire hps_ddr3_cke,
  output wire hps_ddr3_cs_n, output wire hps_ddr3_ras_n, output wire hps_ddr3_cas_n, output wire hps_ddr3_we_n, output wire hps_ddr3_reset_n,
  inout wire [31:0] hps_ddr3_dq, inout wire [3:0] hps_ddr3_dqs_p, inout wire [3:0] hps_ddr3_dqs_n, output wire hps_ddr3_odt,
  output wire [3:0] hps_ddr3_dm, input wire hps_ddr3_rzq
);
  system system (
    .clk_clk(clock_50), .reset_reset_n(1'b1),
    .memory_mem_a(hps_ddr3_addr), .memory_mem_ba(hps_ddr3_ba), .memory_mem_ck(hps_ddr3_ck_p), .memory_mem_ck_n(hps_ddr3_ck_n),
    .memory_mem_cke(hps_ddr3_cke), .memory_mem_cs_n(hps_ddr3_cs_n), .memory_mem_ras_n(hps_ddr3_ras_n), .memory_mem_cas_n(hps_ddr3_cas_n),
    .memory_mem_we_n(hps_ddr3_we_n), .memory_mem_reset_n(hps_ddr3_reset_n), .memory_mem_dq(hps_ddr3_dq), .memory_mem_dqs(hps_ddr3_dqs_p),
    .memory_mem_dqs_n(hps_ddr3_dqs_n), .memory_mem_odt(hps_ddr3_odt), .memory_mem_dm(hps_ddr3_dm), .memory_oct_rzqin(hps_ddr3_rzq));
endmodule
