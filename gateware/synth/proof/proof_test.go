package proof

import (
	"errors"
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/synth/part"
	"github.com/capodekappa/capo/test/need"
)

// echo sends every byte back a slot later, and knows nothing of the first.
const echo = `module echo (input sck, input ss, input mosi, output miso);
  reg [7:0] s;
  always @(posedge sck) s <= {s, mosi};
  assign miso = s[7];
endmodule
`

func TestADesignIsDrivenByteByByte(t *testing.T) {
	need.Command(t, "iverilog")
	first := func(slot int) bool { return slot == 0 }
	got, err := Simulate(t.Context(), Design{Module: "echo", Verilog: []string{echo}}, []byte{0x12, 0xa5, 0xff, 0}, first)
	if err != nil || string(got) != "\x00\x12\xa5\xff" {
		t.Errorf("%x, %v", got, err)
	}
}

func TestBitsThatNothingDrivesAreAnError(t *testing.T) {
	need.Command(t, "iverilog")
	_, err := Simulate(t.Context(), Design{Module: "echo", Verilog: []string{echo}}, []byte{1, 2}, func(int) bool { return false })
	if err == nil || !strings.Contains(err.Error(), "byte 0") {
		t.Errorf("%v", err)
	}
}

func TestADesignThatIsWrongIsToldInTheSimulatorsWords(t *testing.T) {
	need.Command(t, "iverilog")
	_, err := Simulate(t.Context(), Design{Module: "echo", Verilog: []string{"module echo(;"}}, []byte{1}, nil)
	if err == nil || !strings.Contains(err.Error(), "syntax error") {
		t.Errorf("%v", err)
	}
}

func TestMissingToolsAreNamedWithTheCommandThatGetsThem(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Simulate(t.Context(), Design{Module: "echo"}, []byte{1}, nil)
	if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "apt-get install") {
		t.Errorf("%v", err)
	}
}

func TestGarbageIsNoBitstream(t *testing.T) {
	need.Command(t, "iceunpack")
	need.Command(t, "yosys")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	p, err := part.Load("ice40up5k")
	if err != nil {
		t.Fatal(err)
	}
	for name, bin := range map[string][]byte{"garbage": []byte("no bitstream"), "nothing": nil} {
		if d, err := Bitstream(t.Context(), bin, p); err == nil {
			t.Errorf("%s becomes %d bytes of Verilog", name, len(d.Verilog[0]))
		}
	}
	if _, err := Bitstream(t.Context(), nil, &part.Part{Name: "5cseba6", Family: "cyclone5"}); err == nil || !strings.Contains(err.Error(), "5cseba6") {
		t.Errorf("%v", err)
	}
}
