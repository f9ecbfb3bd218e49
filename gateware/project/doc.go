// Package project writes folders that the tools of FPGA makers open, for kernels on boards whose bitstreams only those tools make.
//
// A folder has the kernel's core, a shell around it (registers on AXI-Lite, a reader and a writer of memory on AXI, and what makes
// tokens of words), constraints, a script that makes the whole project, the test bench, and a README with the commands. The shell is the same
// on all boards, so that one driver serves them; its registers are listed in registers.v.
//
// The makers' tools were not run where this was written. What needs none is tested: the core and the shell are simulated
// with a memory behind them.
package project
