# <%.Name%> as a component of Platform Designer.
package require -exact qsys 16.0
set_module_property NAME capo_kernel
set_module_property VERSION 1.0
set_module_property DISPLAY_NAME {Capo kernel <%.Name%>}
set_module_property EDITABLE true

add_fileset synthesis QUARTUS_SYNTH
set_fileset_property synthesis TOP_LEVEL capo_shell
foreach file {core.v shell.v registers.v dma.v stream.v} {
  add_fileset_file $file VERILOG PATH rtl/$file
}

add_interface clock clock end
add_interface_port clock aclk clk Input 1
add_interface reset reset end
set_interface_property reset associatedClock clock
add_interface_port reset aresetn reset_n Input 1

proc ports {interface direction list} {
  foreach {role way width} $list {
    add_interface_port $interface ${interface}_$role $role [expr {$way eq $direction ? "Output" : "Input"}] $width
  }
}

add_interface s_axi axi4lite end
set_interface_property s_axi associatedClock clock
set_interface_property s_axi associatedReset reset
ports s_axi back {
  awaddr to 8 awprot to 3 awvalid to 1 awready back 1 wdata to 32 wstrb to 4 wvalid to 1 wready back 1 bresp back 2 bvalid back 1 bready to 1
  araddr to 8 arprot to 3 arvalid to 1 arready back 1 rdata back 32 rresp back 2 rvalid back 1 rready to 1
}

add_interface m_axi axi4 start
set_interface_property m_axi associatedClock clock
set_interface_property m_axi associatedReset reset
set_interface_property m_axi readIssuingCapability 4
set_interface_property m_axi writeIssuingCapability 1
set_interface_property m_axi combinedIssuingCapability 5
ports m_axi to {
  araddr to 32 arlen to 8 arsize to 3 arburst to 2 arcache to 4 arprot to 3 arvalid to 1 arready back 1
  rdata back 32 rresp back 2 rlast back 1 rvalid back 1 rready to 1
  awaddr to 32 awlen to 8 awsize to 3 awburst to 2 awcache to 4 awprot to 3 awvalid to 1 awready back 1
  wdata to 32 wstrb to 4 wlast to 1 wvalid to 1 wready back 1 bresp back 2 bvalid back 1 bready to 1
}

add_interface irq interrupt end
set_interface_property irq associatedAddressablePoint s_axi
set_interface_property irq associatedClock clock
set_interface_property irq associatedReset reset
add_interface_port irq irq irq Output 1
