package doctor

import (
	"context"
	"fmt"
	"io"
	"os/exec"

	"github.com/capodekappa/capo/gateware/synth/toolchain"
)

// kernelNeeds are what makes bitstreams of kernels, and what proves them. The tools that make them are taken as they are
// installed, or as WebAssembly from npm; tests take both.
func kernelNeeds() []Need {
	test := []string{ForTest}
	return []Need{
		{Name: "FPGA tools", For: []string{ForKernel}, Why: "make bitstreams (capo kernel build)", Here: toolsHere, Get: fetchTools,
			Mend: toolchain.InstallCommand + ", or apt-get install yosys nextpnr-ice40 fpga-icestorm"},
		{Name: "FPGA tools as WebAssembly", For: test, Why: "make bitstreams where nothing is installed", Here: toolchain.Fetched, Get: fetchTools, Mend: toolchain.InstallCommand},
		{Name: "npm", Program: "npm", Package: "npm", For: test, Why: "fetches the FPGA tools as WebAssembly"},
		{Name: "yosys", Program: "yosys", Package: "yosys", For: test, Why: "synthesizes kernels"},
		{Name: "nextpnr", Program: "nextpnr-ice40", Package: "nextpnr-ice40", For: test, Why: "places and routes kernels"},
		{Name: "icestorm", Program: "icebox_vlog", Package: "fpga-icestorm", For: test, Why: "packs bitstreams, and reads them back"},
		{Name: "Verilator", Program: "verilator", Package: "verilator", For: test, Why: "simulates kernels as others do"},
		{Name: "g++", Program: "g++", Package: "g++", For: test, Why: "builds what Verilator writes"},
		{Name: "Icarus Verilog", Program: "iverilog", Package: "iverilog", For: test, Why: "simulates kernels and bitstreams"},
	}
}

// toolsHere tells whether bitstreams can be made, either way.
func toolsHere() bool {
	for _, tool := range toolchain.Tools() {
		if _, err := exec.LookPath(tool); err != nil {
			return toolchain.Fetched()
		}
	}
	return true
}

// fetchTools gets the WebAssembly tools, and has them compiled, which the first build would have to wait for.
func fetchTools(ctx context.Context, out io.Writer) error {
	if err := toolchain.Fetch(ctx, out); err != nil {
		return err
	}
	tools, err := toolchain.Open(ctx, toolchain.Config{Kind: toolchain.WebAssembly})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "+ compile them for this machine")
	return tools.Warm(ctx)
}
