package images

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/test/need"
)

// dtc compiles a device tree.
func dtc(t *testing.T, text string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(need.Command(t, "dtc"), append(args, "-I", "dts", "-O", "dtb")...)
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("dtc: %v", err)
	}
	return out
}

// undtc has dtc read a device tree.
func undtc(t *testing.T, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "x.dtb")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return tool(t, "dtc", "-q", "-I", "dtb", "-O", "dts", file)
}

func TestMemoryForTheLastLogIsReserved(t *testing.T) {
	ramoops := &board.Ramoops{Address: "0x18000000", Size: 131072}
	for name, tt := range map[string]struct{ tree, reg string }{
		"none is reserved yet": {"/ { #address-cells = <1>; #size-cells = <1>; };", "reg = <0x18000000 0x20000>"},
		"some is":              {"/ { #address-cells = <2>; #size-cells = <2>; reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges; cma { size = <0 1>; }; }; };", "reg = <0x00 0x18000000 0x00 0x20000>"},
	} {
		changed, err := deviceTree(&board.Board{Ramoops: ramoops}, dtc(t, "/dts-v1/; "+tt.tree))
		if err != nil {
			t.Fatal(err)
		}
		text := undtc(t, changed)
		for _, want := range []string{"ramoops@18000000 {", `compatible = "ramoops"`, tt.reg, "no-map;", "record-size = <0x8000>", "console-size = <0x8000>", "pmsg-size = <0x8000>", "ecc-size = <0x10>", "ranges;"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", name, want, text)
			}
		}
		if strings.Count(text, "reserved-memory {") != 1 {
			t.Errorf("%s:\n%s", name, text)
		}
	}
	if _, err := deviceTree(&board.Board{Ramoops: &board.Ramoops{Address: "here"}}, dtc(t, "/dts-v1/; / {};")); err == nil || !strings.Contains(err.Error(), "here") {
		t.Errorf("an address that is none: %v", err)
	}
}

func TestABoardWithAnFPGANeedsSymbols(t *testing.T) {
	const tree = "/dts-v1/; / { x: x { }; };"
	zynq := &board.Board{Name: "zynq", FPGA: "xc7z020", Linux: &board.Linux{Package: "p"}}
	if _, err := deviceTree(zynq, dtc(t, tree)); !errors.Is(err, errNoSymbols) {
		t.Errorf("without symbols: %v", err)
	}
	if _, err := deviceTree(zynq, dtc(t, tree, "-@")); err != nil {
		t.Errorf("with symbols: %v", err)
	}
	l := &Linux{DTBs: t.TempDir(), Release: "6.1"}
	if _, err := l.dtb(zynq, "a/b.dtb"); err == nil || !strings.Contains(err.Error(), "has no device tree a/b.dtb") {
		t.Errorf("no such device tree: %v", err)
	}
	if err := os.WriteFile(filepath.Join(l.DTBs, "b.dtb"), dtc(t, tree), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := l.dtb(zynq, "b.dtb"); !errors.Is(err, errNoSymbols) || !strings.Contains(err.Error(), "b.dtb of board zynq") {
		t.Errorf("the error does not name the device tree: %v", err)
	}
}
