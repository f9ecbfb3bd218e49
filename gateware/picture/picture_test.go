package picture

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capodekappa/capo/gateware/ir"
)

const pipe = `kernel "edges"
stage word 1 1
  in {"r": u8, "g": u8, "b": u8}
  out u8
  v0 = in 0 0 0
  give v0
end
stage window 3 3
  in u8
  out u8c
  hop 2 2
  edge mirror
  maxwidth 64
  table 0 1 2 3 4
  v0 = in 0 0 0
  v1 = in 0 2 2
  v2 = sub v0 v1
  v3 = const 3
  v4 = and v0 v3
  v5 = table v4 0
  v6 = abs v2
  v7 = xor v5 v2
  v8 = wrapu v7 8
  give v8
end
stage fold 1 1
  in u8
  out u32
  state u32
  init 0
  last
  v0 = in 0 0 0
  give v0
  next v0
end
`

const wantText = `edges
  ┌───────────┐   ┌────────────────────────────┐   ┌────────┐
  │ in        │──▶│ function                   │──▶│ out    │
  │ r g b: u8 │   │ 0 operations               │   │ u8     │
  │ 3 bytes   │   │ up to 8 bits               │   │ 1 byte │
  │           │   │ 1 register stage, 2 clocks │   │        │
  └───────────┘   └────────────────────────────┘   └────────┘
`

func parsed(t *testing.T) *ir.Kernel {
	t.Helper()
	k, err := ir.Parse(pipe)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestAKernelIsDrawn(t *testing.T) {
	rows := Rows(parsed(t), []Hardware{{1, 2}, {3, 67}, {1, 1}})
	got := Text("edges", rows)
	first := strings.Join(strings.SplitAfter(got, "\n")[:7], "")
	if d := cmp.Diff(wantText, first); d != "" {
		t.Error(d)
	}
	for _, want := range []string{"window 3 × 3", "edge: mirror", "2 line buffers", "of 64 × 8 bits", "hop 2 × 2", "5 operations", "up to 9 bits", "a table of 4", "3 register stages, 67 clocks", "state", "gives its last"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	for i, line := range strings.Split(strings.TrimSpace(got), "\n") {
		if n := len([]rune(line)); n > 120 {
			t.Errorf("line %d has %d characters", i, n)
		}
	}
}

func TestTheSVGIsWellFormed(t *testing.T) {
	svg := SVG("a <b> & c", Rows(parsed(t), nil))
	if path := os.Getenv("SHOW"); path != "" {
		if err := os.WriteFile(path, svg, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d := xml.NewDecoder(strings.NewReader(string(svg)))
	boxes := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			boxes++
		}
	}
	if boxes != 1+3+4+4 {
		t.Errorf("%d boxes", boxes)
	}
}
