// Package toolchain finds and runs the open tools that make bitstreams: yosys (synthesis), nextpnr-ice40 (place and
// route) and icepack.
//
// They are taken from the PATH where all three are there, else from two npm packages that hold the same tools as
// WebAssembly. Those run in a process of their own, the same executable started again with [ChildArgument] as its
// first argument (its main calls [Main]), so that a gigabyte of their memory, a crash or an endless loop stays out of
// the caller. A tool sees one folder with the design, its own data and nothing else.
//
// The packages are pinned in npm.lock.json with their digests, fetched from the registry that the user's npm is set to
// ([Fetch]), and unpacked once into the cache folder.
package toolchain

// The tools' names, as Debian and npm call them.
const (
	Yosys       = "yosys"
	Nextpnr     = "nextpnr-ice40"
	Icepack     = "icepack"
	NextpnrECP5 = "nextpnr-ecp5"
	Ecppack     = "ecppack"
)

// Tools are all that a bitstream of an iCE40 takes.
func Tools() []string { return []string{Yosys, Nextpnr, Icepack} }

// ToolsECP5 are all that a bitstream of an ECP5 takes. There are only native ones: Debian has them from version 13 on.
func ToolsECP5() []string { return []string{Yosys, NextpnrECP5, Ecppack} }

// install says how tools are gotten where packages are installed.
func install(tool string) string {
	if tool == NextpnrECP5 || tool == Ecppack {
		return "apt-get install yosys nextpnr-ecp5 fpga-trellis (Debian 13 or newer)"
	}
	return "apt-get install yosys nextpnr-ice40 fpga-icestorm, or " + InstallCommand
}
