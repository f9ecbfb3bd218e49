// Package part describes the FPGAs that bitstreams are made for, as data: parts.json.
package part

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

//go:embed parts.json
var table []byte

// Part is an FPGA in its package.
type Part struct {
	Name      string   `json:"name"`            // device-package
	Family    string   `json:"family"`          // which tools make its bitstreams: ice40, ecp5
	IDCODE    string   `json:"idcode"`          // 0x…, "" where the device has none
	Bitstream int      `json:"bitstream_bytes"` // of a bitstream; 0 where that varies
	LUTs      int      `json:"luts"`            // logic cells
	FFs       int      `json:"ffs"`
	BRAMs     int      `json:"brams"`
	Delays    string   `json:"delays"` // the family whose delays the pipeline is planned with
	MHz       int      `json:"mhz"`    // what is aimed at unless said otherwise
	Synth     []string `json:"synth"`  // arguments of yosys's synth_FAMILY
	Place     []string `json:"place"`  // arguments of nextpnr
	Chip      string   `json:"chip"`   // the device's name in Project IceStorm
	Pins      Pins     `json:"pins"`
	Untested  string   `json:"untested"` // why it was never built for; "" where tests do
}

// Pins are those that the wrapper uses: the ones that the bitstream came in by, so that a board needs no others.
type Pins struct {
	SCK  string `json:"sck"`
	SS   string `json:"ss"`
	MOSI string `json:"mosi"`
	MISO string `json:"miso"`
}

// Device is the part's name without its package.
func (p *Part) Device() string {
	return p.Name[:strings.LastIndexByte(p.Name, '-')]
}

// All lists the parts by name.
func All() ([]*Part, error) {
	var parts []*Part
	if err := json.Unmarshal(table, &parts); err != nil {
		return nil, fmt.Errorf("read parts.json: %w", err)
	}
	slices.SortFunc(parts, func(a, b *Part) int { return strings.Compare(a.Name, b.Name) })
	return parts, nil
}

// Load returns the part of a name, with or without its package. An error lists those that there are.
func Load(name string) (*Part, error) {
	parts, err := All()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range parts {
		if p.Name == name || p.Device() == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return nil, fmt.Errorf("no bitstreams are made for the part %q; there are %s", name, strings.Join(names, ", "))
}

// Constraints is the file that tells the family's tools the pins.
func (p *Part) Constraints() string {
	var b strings.Builder
	for _, pin := range []struct{ port, at string }{{"sck", p.Pins.SCK}, {"ss", p.Pins.SS}, {"mosi", p.Pins.MOSI}, {"miso", p.Pins.MISO}} {
		if p.Family == "ecp5" {
			fmt.Fprintf(&b, "LOCATE COMP \"%s\" SITE \"%s\";\nIOBUF PORT \"%s\" IO_TYPE=LVCMOS33;\n", pin.port, pin.at, pin.port)
		} else {
			fmt.Fprintf(&b, "set_io %s %s\n", pin.port, pin.at)
		}
	}
	return b.String()
}
