package project

import (
	"fmt"
	"strings"
)

// Family is a kind of chip that needs its own project.
type Family string

// The families.
const (
	Zynq7000 Family = "zynq7000"
	ZynqMP   Family = "zynqmp"
	Cyclone5 Family = "cyclone5"
)

// Target is a board as its maker's tools want it described.
type Target struct {
	Board  string
	Title  string
	Family Family
	Part   string // as the tools write it
	IDPart string // as capo kernel import --part takes it
	MHz    int    // of the kernel's clock
	Clock  string // the pin of a Cyclone V board's clock
	Base   string // where the processor sees the registers
}

// targets are the boards. Parts: the boards' reference manuals.
var targets = [...]Target{
	{"pynq-z1", "Digilent PYNQ-Z1", Zynq7000, "xc7z020clg400-1", "xc7z020", 100, "", "0x43C00000"},
	{"pynq-z2", "TUL PYNQ-Z2", Zynq7000, "xc7z020clg400-1", "xc7z020", 100, "", "0x43C00000"},
	{"zedboard", "Avnet ZedBoard", Zynq7000, "xc7z020clg484-1", "xc7z020", 100, "", "0x43C00000"},
	{"arty-z7", "Digilent Arty Z7-20", Zynq7000, "xc7z020clg400-1", "xc7z020", 100, "", "0x43C00000"},
	{"kria-kv260", "AMD Kria KV260", ZynqMP, "xck26-sfvc784-2LV-c", "xck26", 100, "", "0xA0000000"},
	{"de10-nano", "Terasic DE10-Nano", Cyclone5, "5CSEBA6U23I7", "5cseba6", 50, "PIN_V11", "0xFF200000"},
	{"de0-nano-soc", "Terasic DE0-Nano-SoC", Cyclone5, "5CSEMA4U23C6", "5csema4", 50, "PIN_V11", "0xFF200000"},
}

// Targets lists the boards.
func Targets() []Target { return targets[:] }

// TargetOf finds a board's. Errors: there is none, with the names of those that there are.
func TargetOf(board string) (Target, error) {
	var names []string
	for _, t := range targets {
		if t.Board == board {
			return t, nil
		}
		names = append(names, t.Board)
	}
	return Target{}, fmt.Errorf("no project can be made for board %q; for these it can: %s", board, strings.Join(names, ", "))
}
