// A processor that starts a kernel by its registers, and a memory, for the shell's test.
module board;
  reg clk = 1'b0, resetn = 1'b0, stopped = 1'b0;
  initial while (!stopped) #5 clk = ~clk;
  reg [31:0] random = 32'h12345;
  always @(posedge clk) random <= {random[30:0], random[31] ^ random[21] ^ random[1] ^ random[0]};

  reg [7:0] awaddr; reg awvalid = 1'b0; wire awready;
  reg [31:0] wdata; reg wvalid = 1'b0; wire wready;
  wire bvalid; reg [7:0] araddr; reg arvalid = 1'b0; wire arready;
  wire [31:0] rdata; wire rvalid; wire irq;
  wire [31:0] m_araddr, m_awaddr, m_wdata;
  wire [7:0] m_arlen, m_awlen;
  wire [3:0] m_wstrb;
  wire m_arvalid, m_rready, m_awvalid, m_wlast, m_wvalid, m_bready;
  reg [31:0] m_rdata; reg m_rvalid = 1'b0, m_rlast = 1'b0, m_bvalid = 1'b0;
  reg writing = 1'b0;
  wire m_arready = random[2], m_awready = random[3] & ~writing, m_wready = random[5] & writing;

  capo_shell shell (.aclk(clk), .aresetn(resetn),
    .s_axi_awaddr(awaddr), .s_axi_awprot(3'd0), .s_axi_awvalid(awvalid), .s_axi_awready(awready),
    .s_axi_wdata(wdata), .s_axi_wstrb(4'hf), .s_axi_wvalid(wvalid), .s_axi_wready(wready), .s_axi_bvalid(bvalid), .s_axi_bready(1'b1), .s_axi_bresp(),
    .s_axi_araddr(araddr), .s_axi_arprot(3'd0), .s_axi_arvalid(arvalid), .s_axi_arready(arready), .s_axi_rdata(rdata), .s_axi_rvalid(rvalid), .s_axi_rready(1'b1), .s_axi_rresp(),
    .m_axi_araddr(m_araddr), .m_axi_arlen(m_arlen), .m_axi_arsize(), .m_axi_arburst(), .m_axi_arcache(), .m_axi_arprot(), .m_axi_arvalid(m_arvalid), .m_axi_arready(m_arready),
    .m_axi_rdata(m_rdata), .m_axi_rresp(2'd0), .m_axi_rlast(m_rlast), .m_axi_rvalid(m_rvalid), .m_axi_rready(m_rready),
    .m_axi_awaddr(m_awaddr), .m_axi_awlen(m_awlen), .m_axi_awsize(), .m_axi_awburst(), .m_axi_awcache(), .m_axi_awprot(), .m_axi_awvalid(m_awvalid), .m_axi_awready(m_awready),
    .m_axi_wdata(m_wdata), .m_axi_wstrb(m_wstrb), .m_axi_wlast(m_wlast), .m_axi_wvalid(m_wvalid), .m_axi_wready(m_wready),
    .m_axi_bresp(2'd0), .m_axi_bvalid(m_bvalid), .m_axi_bready(m_bready), .irq(irq));

  // The memory: bursts are answered in order.
  reg [31:0] memory [0:16383];
  reg [31:0] asked [0:7];
  integer put = 0, got = 0, beat = 0, waddr = 0, k;
  always @(posedge clk) begin
    if (m_arvalid && m_arready) begin asked[put % 8] = m_araddr; put = put + 1; end
    if (!m_rvalid || m_rready) begin
      m_rvalid <= 1'b0;
      if (got < put && random[9:8] != 0) begin
        m_rvalid <= 1'b1;
        m_rdata <= memory[asked[got % 8] / 4 + beat];
        m_rlast <= beat == 15;
        beat = beat + 1;
        if (beat == 16) begin beat = 0; got = got + 1; end
      end
    end
    if (m_awvalid && m_awready) begin waddr = m_awaddr / 4; writing <= 1'b1; end
    if (m_wvalid && m_wready) begin
      for (k = 0; k < 4; k = k + 1) if (m_wstrb[k]) memory[waddr][8*k +: 8] = m_wdata[8*k +: 8];
      waddr = waddr + 1;
      if (m_wlast) begin writing <= 1'b0; m_bvalid <= 1'b1; end
    end
    if (m_bvalid && m_bready) m_bvalid <= 1'b0;
  end

  task write(input [7:0] address, input [31:0] value);
    begin
      @(posedge clk) begin awaddr <= address; awvalid <= 1'b1; wdata <= value; wvalid <= 1'b1; end
      @(posedge clk); while (!(awready && wready)) @(posedge clk);
      awvalid <= 1'b0; wvalid <= 1'b0;
      @(posedge clk);
    end
  endtask
  task read(input [7:0] address);
    begin
      @(posedge clk) begin araddr <= address; arvalid <= 1'b1; end
      @(posedge clk); while (!arready) @(posedge clk);
      arvalid <= 1'b0;
      @(posedge clk); while (!rvalid) @(posedge clk);
    end
  endtask

  integer i, clocks, run;
  initial begin
    $readmemh("memory.hex", memory);
    repeat (8) @(posedge clk);
    resetn <= 1'b1;
    repeat (8) @(posedge clk);
    read(8'h00); $display("id %h", rdata);
    read(8'h04); $display("bytes %h", rdata);
    for (i = 0; i < 8; i = i + 1) begin read(8'h40 + 4 * i); $display("digest %h", rdata); end
    for (run = 0; run < 3; run = run + 1) begin
      write(8'h10, `WIDTH - 1); write(8'h18, 32'h1000); write(8'h1c, `BYTES);
      write(8'h20, 32'h4000 + 32'h1000 * run); write(8'h24, run == 2 ? 32'd5 : 32'h1000);
      write(8'h08, 32'd1);
      clocks = 0;
      while (!irq && clocks < 20000) begin @(posedge clk); clocks = clocks + 1; end
      read(8'h0c); $display("status %h", rdata);
      read(8'h28); $display("written %0d", rdata);
    end
    for (i = 0; i < 64; i = i + 1) $display("out %h %h %h", memory[32'h1000 + i], memory[32'h1400 + i], memory[32'h1800 + i]);
    stopped = 1'b1;
  end
endmodule
