package synth

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/capodekappa/capo/gateware/synth/part"
	"github.com/capodekappa/capo/gateware/synth/spi"
	"github.com/capodekappa/capo/gateware/synth/toolchain"
)

// family is how the tools are called for parts of a family. The files are top.v, core.v, pins; net.json, stat.json;
// now.routed, report.json; best.routed; out.bin.
type family interface {
	tools() []string
	script(p *part.Part) string // for yosys
	placer() string
	place(p *part.Part, mhz float64, seed int) []string
	pack(p *part.Part) (tool string, args []string)
}

func familyOf(p *part.Part) (family, error) {
	switch p.Family {
	case "ice40":
		return ice40{}, nil
	case "ecp5":
		return ecp5{}, nil
	}
	return nil, fmt.Errorf("no open tools are known for %s: make its bitstream with the vendor's tool (capo kernel verilog, capo kernel import)", p.Name)
}

type ice40 struct{}

func (ice40) tools() []string { return toolchain.Tools() }

// script never asks for multipliers: they cannot be proved, and one version of yosys crashes making them.
func (ice40) script(p *part.Part) string {
	return fmt.Sprintf("read_verilog top.v core.v\nsynth_ice40 -top %s -abc9 %s -json net.json\ntee -q -o stat.json stat -json\n", spi.Top, strings.Join(p.Synth, " "))
}

func (ice40) placer() string { return toolchain.Nextpnr }

func (ice40) place(p *part.Part, mhz float64, seed int) []string {
	return append([]string{"--json", "net.json", "--pcf", "pins", "--asc", "now.routed", "--report", "report.json", "--timing-allow-fail",
		"--freq", strconv.FormatFloat(mhz, 'g', 6, 64), "--seed", strconv.Itoa(seed)}, p.Place...)
}

func (ice40) pack(*part.Part) (string, []string) {
	return toolchain.Icepack, []string{"best.routed", "out.bin"}
}

// ecp5 was never run by its makers: the tools are not in Debian 12.
type ecp5 struct{}

func (ecp5) tools() []string { return toolchain.ToolsECP5() }

func (ecp5) script(p *part.Part) string {
	return fmt.Sprintf("read_verilog top.v core.v\nsynth_ecp5 -top %s -nodsp %s -json net.json\ntee -q -o stat.json stat -json\n", spi.Top, strings.Join(p.Synth, " "))
}

func (ecp5) placer() string { return toolchain.NextpnrECP5 }

func (ecp5) place(p *part.Part, mhz float64, seed int) []string {
	return append([]string{"--json", "net.json", "--lpf", "pins", "--textcfg", "now.routed", "--report", "report.json", "--timing-allow-fail",
		"--freq", strconv.FormatFloat(mhz, 'g', 6, 64), "--seed", strconv.Itoa(seed)}, p.Place...)
}

func (ecp5) pack(*part.Part) (string, []string) {
	return toolchain.Ecppack, []string{"--input", "best.routed", "--bit", "out.bin"}
}
