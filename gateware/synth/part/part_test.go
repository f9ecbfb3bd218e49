package part

import (
	"strings"
	"testing"
)

func TestPartsAreComplete(t *testing.T) {
	parts, err := All()
	if err != nil {
		t.Fatal(err)
	}
	if len(parts) == 0 {
		t.Fatal("no parts")
	}
	for _, p := range parts {
		if !strings.Contains(p.Name, "-") || p.Family == "" || p.LUTs == 0 || p.FFs == 0 || p.Delays == "" || p.MHz == 0 || len(p.Place) == 0 {
			t.Errorf("%s: a field is missing", p.Name)
		}
		if p.Family == "ice40" && (p.Bitstream == 0 || p.Untested != "") || p.Family != "ice40" && p.Untested == "" {
			t.Errorf("%s: what is built for here is iCE40", p.Name)
		}
		if p.Chip == "" || p.Pins.SCK == "" || p.Pins.SS == "" || p.Pins.MOSI == "" || p.Pins.MISO == "" {
			t.Errorf("%s: the chip or a pin is missing", p.Name)
		}
	}
}

func TestAPartIsFoundWithAndWithoutItsPackage(t *testing.T) {
	for _, name := range []string{"ice40up5k", "ice40up5k-sg48"} {
		if p, err := Load(name); err != nil || p.Name != "ice40up5k-sg48" {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	if _, err := Load("xc7z020"); err == nil || !strings.Contains(err.Error(), "ice40up5k-sg48") {
		t.Errorf("%v", err)
	}
}

func TestPinsAreToldAsTheFamilysToolsReadThem(t *testing.T) {
	for name, want := range map[string]string{"ice40up5k": "set_io sck 15\n", "lfe5u-25f": "LOCATE COMP \"sck\" SITE \"B11\";\nIOBUF PORT \"sck\" IO_TYPE=LVCMOS33;\n"} {
		p, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Constraints(); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}
