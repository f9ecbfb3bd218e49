# Makes the project of <%.Name%> for the <%.Title%>, and its bitstream. Run: vivado -mode batch -source project.tcl
set here [file dirname [file normalize [info script]]]
create_project -force <%.Name%> [file join $here build] -part <%.Part%>
add_files -norecurse [glob [file join $here rtl *.v]]
add_files -fileset constrs_1 -norecurse [file join $here kernel.xdc]
add_files -fileset sim_1 -norecurse [file join $here sim bench.v]
set_property top <%.Bench%> [get_filesets sim_1]
update_compile_order -fileset sources_1

create_bd_design system
<%- if eq .Family "zynqmp"%>
set ps [create_bd_cell -type ip -vlnv [get_ipdefs -filter {NAME == zynq_ultra_ps_e}] ps]
apply_bd_automation -rule xilinx.com:bd_rule:zynq_ultra_ps_e -config {apply_board_preset 0} $ps
set_property -dict [list \
  CONFIG.PSU__USE__M_AXI_GP0 1 CONFIG.PSU__USE__M_AXI_GP1 0 CONFIG.PSU__USE__M_AXI_GP2 0 \
  CONFIG.PSU__USE__S_AXI_GP2 1 CONFIG.PSU__SAXIGP2__DATA_WIDTH 32 \
  CONFIG.PSU__USE__IRQ0 1 CONFIG.PSU__FPGA_PL0_ENABLE 1 CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ <%.MHz%>] $ps
set clock ps/pl_clk0
set master ps/M_AXI_HPM0_FPD
set slave ps/S_AXI_HP0_FPD
set interrupt ps/pl_ps_irq0
<%- else%>
set ps [create_bd_cell -type ip -vlnv [get_ipdefs -filter {NAME == processing_system7}] ps]
apply_bd_automation -rule xilinx.com:bd_rule:processing_system7 -config {make_external "FIXED_IO, DDR" apply_board_preset 0} $ps
set_property -dict [list \
  CONFIG.PCW_USE_M_AXI_GP0 1 CONFIG.PCW_USE_S_AXI_HP0 1 CONFIG.PCW_S_AXI_HP0_DATA_WIDTH 32 \
  CONFIG.PCW_USE_FABRIC_INTERRUPT 1 CONFIG.PCW_IRQ_F2P_INTR 1 CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ <%.MHz%>] $ps
set clock ps/FCLK_CLK0
set master ps/M_AXI_GP0
set slave ps/S_AXI_HP0
set interrupt ps/IRQ_F2P
<%- end%>
create_bd_cell -type module -reference capo_shell kernel
apply_bd_automation -rule xilinx.com:bd_rule:axi4 \
  -config [list Master $master Slave kernel/s_axi Clk_master $clock Clk_slave $clock Clk_xbar $clock] [get_bd_intf_pins kernel/s_axi]
apply_bd_automation -rule xilinx.com:bd_rule:axi4 \
  -config [list Master kernel/m_axi Slave $slave Clk_master $clock Clk_slave $clock Clk_xbar $clock] [get_bd_intf_pins $slave]
connect_bd_net [get_bd_pins kernel/irq] [get_bd_pins $interrupt]
assign_bd_address
foreach segment [get_bd_addr_segs -of_objects [get_bd_addr_spaces ps/Data] -filter {NAME =~ *kernel*}] {
  set_property offset <%.Base%> $segment
}
validate_bd_design
save_bd_design
add_files -norecurse [make_wrapper -files [get_files system.bd] -top]
set_property top system_wrapper [get_filesets sources_1]
update_compile_order -fileset sources_1

launch_runs impl_1 -to_step write_bitstream -jobs 4
wait_on_run impl_1
if {[get_property PROGRESS [get_runs impl_1]] ne "100%"} {
  error "the build failed: see build/<%.Name%>.runs"
}
open_run impl_1
report_timing_summary -file [file join $here timing.txt]
report_utilization -file [file join $here utilization.txt]
set made [glob [file join $here build *.runs impl_1 *.bit]]
file copy -force [lindex $made 0] [file join $here <%.Name%>.bit]
puts "made <%.Name%>.bit; worst slack [get_property STATS.WNS [get_runs impl_1]] ns"
