package proof

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/synth/part"
	"github.com/capodekappa/capo/gateware/synth/spi"
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
	got, unknown, err := Simulate(t.Context(), Design{Module: "echo", Verilog: []string{echo}}, []byte{0x12, 0xa5, 0xff, 0})
	if err != nil || string(got) != "\x00\x12\xa5\xff" || !slices.Equal(unknown, []bool{true, false, false, false}) {
		t.Errorf("%x, %v, %v", got, unknown, err)
	}
}

func TestBitsThatNothingDrivesAreAnError(t *testing.T) {
	need.Command(t, "iverilog")
	l := &spi.Link{InBytes: 1, OutBytes: 1, Framing: spi.Plain, Period: 1, Latency: 1, Stages: []spi.Stage{{}}}
	undriven := Design{Module: "mute", Verilog: []string{"module mute (input sck, input ss, input mosi, output miso); endmodule"}}
	if got, err := Frame(t.Context(), &undriven, l, []byte{1, 2}, 0); err == nil || !strings.Contains(err.Error(), "nothing drives") {
		t.Errorf("%x, %v", got, err)
	}
}

func TestADesignThatIsWrongIsToldInTheSimulatorsWords(t *testing.T) {
	need.Command(t, "iverilog")
	_, _, err := Simulate(t.Context(), Design{Module: "echo", Verilog: []string{"module echo(;"}}, []byte{1})
	if err == nil || !strings.Contains(err.Error(), "syntax error") {
		t.Errorf("%v", err)
	}
}

func TestMissingToolsAreNamedWithTheCommandThatGetsThem(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, _, err := Simulate(t.Context(), Design{Module: "echo"}, []byte{1})
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
