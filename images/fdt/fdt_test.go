package fdt

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capodekappa/capo/test/need"
)

const source = `/dts-v1/;
/memreserve/ 0x1000 0x2000;
/ {
	#address-cells = <1>;
	compatible = "capo,board";
	cpus {
		cpu@0 { reg = <0>; empty; };
	};
	uart: serial@1000 { reg = <0x1000 0x100>; odd = [01 02 03]; };
};
`

// compile has dtc make a tree.
func compile(t *testing.T, text string) []byte {
	t.Helper()
	cmd := exec.Command(need.Command(t, "dtc"), "-@", "-I", "dts", "-O", "dtb")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("dtc: %v", err)
	}
	return out
}

// decompile has dtc read a tree.
func decompile(t *testing.T, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "x.dtb")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(need.Command(t, "dtc"), "-I", "dtb", "-O", "dts", file).Output()
	if err != nil {
		t.Fatalf("dtc: %v", err)
	}
	return string(out)
}

func TestOthersReadWhatIsWritten(t *testing.T) {
	data := compile(t, source)
	tree, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(decompile(t, data), decompile(t, tree.Bytes())); diff != "" {
		t.Errorf("unchanged (-want +got):\n%s", diff)
	}
	if tree.Root.Child("__symbols__") == nil || tree.Root.Child("nothing") != nil || tree.Root.Uint32("#address-cells", 7) != 1 || tree.Root.Uint32("#size-cells", 7) != 7 {
		t.Errorf("root = %+v", tree.Root)
	}
	tree.Root.Children = append(tree.Root.Children, &Node{Name: "new@5", Props: []Prop{String("compatible", "new"), Cells("reg", 5, 6), {Name: "flag"}}})
	for _, want := range []string{"new@5 {", `compatible = "new"`, "reg = <0x05 0x06>", "flag;", "/memreserve/\t0x0000000000001000"} {
		if text := decompile(t, tree.Bytes()); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// sample is a tree that needs no dtc.
func sample() []byte {
	return (&Tree{Root: &Node{Props: []Prop{Cells("#address-cells", 2)}, Children: []*Node{{Name: "a", Props: []Prop{String("s", "x")}}}}, reserved: make([]byte, 16)}).Bytes()
}

func TestParseRefusesEveryTruncation(t *testing.T) {
	for n := range sample() {
		if _, err := Parse(sample()[:n]); !errors.Is(err, ErrFormat) {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample())
	f.Add(sample()[:50])
	f.Fuzz(func(t *testing.T, data []byte) {
		tree, err := Parse(data)
		if err != nil {
			return
		}
		once := tree.Bytes()
		again, err := Parse(once)
		if err != nil || !bytes.Equal(once, again.Bytes()) {
			t.Errorf("what was written reads as another tree: %v", err)
		}
	})
}
