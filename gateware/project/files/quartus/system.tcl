# The processor, and <%.Name%> beside it. project.tcl runs it: qsys-script --script=system.tcl
package require -exact qsys 16.0
create_system system
set_project_property DEVICE_FAMILY {Cyclone V}
set_project_property DEVICE {<%.Part%>}

add_instance clk clock_source
set_instance_parameter_value clk clockFrequency <%.MHz%>000000
set_instance_parameter_value clk resetSynchronousEdges DEASSERT

add_instance hps altera_hps
foreach {name value} {
  S2F_Width 0
  F2S_Width 1
  LWH2F_Enable true
  F2SINTERRUPT_Enable 1
  MPU_EVENTS_Enable 0
  MEM_DQ_WIDTH 32
  MEM_ROW_ADDR_WIDTH 15
  MEM_COL_ADDR_WIDTH 10
  MEM_CLK_FREQ 400.0
} {
  set_instance_parameter_value hps $name $value
}
set_instance_parameter_value hps F2SDRAM_Type {}
set_instance_parameter_value hps F2SDRAM_Width {}

add_instance kernel capo_kernel

foreach sink {hps.h2f_lw_axi_clock hps.f2h_axi_clock kernel.clock} {
  add_connection clk.clk $sink
}
add_connection clk.clk_reset kernel.reset
add_connection hps.h2f_reset kernel.reset
add_connection hps.h2f_lw_axi_master kernel.s_axi
set_connection_parameter_value hps.h2f_lw_axi_master/kernel.s_axi baseAddress 0x0000
add_connection kernel.m_axi hps.f2h_axi_slave
set_connection_parameter_value kernel.m_axi/hps.f2h_axi_slave baseAddress 0x0000
add_connection hps.f2h_irq0 kernel.irq

add_interface clk clock sink
set_interface_property clk EXPORT_OF clk.clk_in
add_interface reset reset sink
set_interface_property reset EXPORT_OF clk.clk_in_reset
add_interface memory conduit end
set_interface_property memory EXPORT_OF hps.memory
save_system system.qsys
