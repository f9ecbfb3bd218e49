# Makes the project of <%.Name%> for the <%.Title%>, and its bitstream. Run: quartus_sh -t project.tcl
package require ::quartus::project
package require ::quartus::flow
set here [file dirname [file normalize [info script]]]
cd $here
foreach step {
  {qsys-script --script=system.tcl}
  {qsys-generate system.qsys --synthesis=VERILOG --output-directory=system}
} {
  puts "running $step"
  if {[catch {exec -ignorestderr {*}$step >@stdout} why]} {
    error "$step: $why"
  }
}
project_new -overwrite <%.Name%>
set_global_assignment -name FAMILY "Cyclone V"
set_global_assignment -name DEVICE <%.Part%>
set_global_assignment -name TOP_LEVEL_ENTITY capo_top
set_global_assignment -name PROJECT_OUTPUT_DIRECTORY build
set_global_assignment -name VERILOG_FILE top.v
set_global_assignment -name QIP_FILE system/synthesis/system.qip
set_global_assignment -name SDC_FILE kernel.sdc
set_global_assignment -name GENERATE_RBF_FILE ON
set_location_assignment <%.Clock%> -to clock_50
set_instance_assignment -name IO_STANDARD "3.3-V LVTTL" -to clock_50
export_assignments
# The pins of the processor's memory have fixed places and need their electrical standards only: the generated script sets them,
# and wants a netlist for that.
execute_module -tool map
set pins [glob -nocomplain [file join $here system synthesis submodules *pin_assignments.tcl]]
if {[llength $pins] > 0} {
  source [lindex $pins 0]
  export_assignments
}
execute_flow -compile
file copy -force [file join $here build <%.Name%>.rbf] [file join $here <%.Name%>.rbf]
puts "made <%.Name%>.rbf; timing: build/<%.Name%>.sta.summary"
project_close
