package spi_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/capodekappa/capo/gateware/synth/proof"
	"github.com/capodekappa/capo/gateware/synth/spi"
	"github.com/capodekappa/capo/gateware/synth/spi/spitest"
	"github.com/capodekappa/capo/test/need"
)

// simulate runs a frame through a core in its wrapper, before synthesis.
func simulate(t *testing.T, c spitest.Case, in []byte, width int) []byte {
	t.Helper()
	need.Command(t, "iverilog")
	top, err := spi.Wrap(&c.Core)
	if err != nil {
		t.Fatal(err)
	}
	link, err := c.Core.Link()
	if err != nil {
		t.Fatal(err)
	}
	got, err := proof.Frame(t.Context(), &proof.Design{Module: spi.Top, Verilog: []string{top, c.Core.Verilog}}, link, in, width)
	if err != nil {
		t.Fatalf("%d by %d: %v", width, len(in)/c.Core.InBytes/width, err)
	}
	return got
}

func noise(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestWrappedCoresGiveTheirBytes(t *testing.T) {
	for _, c := range []spitest.Case{spitest.Xor(), spitest.Gray(), spitest.Sum(), spitest.Below()} {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			for _, size := range [][2]int{{1, 1}, {1, 7}, {13, 1}, {5, 3}, {64, 4}} {
				in := noise(7, size[0]*size[1]*c.Core.InBytes)
				if got, want := simulate(t, c, in, size[0]), c.Want(in, size[0]); !bytes.Equal(got, want) {
					t.Errorf("%d by %d: got %x, want %x", size[0], size[1], got, want)
				}
			}
		})
	}
}

// randomStage is a stage as the compiler may make it.
func randomStage(r *rand.Rand) spi.Stage {
	switch r.IntN(6) {
	case 1:
		return spi.Stage{DelayRows: r.IntN(4), DelayCols: r.IntN(4)}
	case 2:
		return spi.Stage{DelayRows: 1, DelayCols: 1, HopRows: 1 + r.IntN(4), HopCols: 1 + r.IntN(4)}
	case 3:
		return spi.Stage{HopRows: 1 + r.IntN(3), HopCols: 1 + r.IntN(3)}
	case 4:
		return spi.Stage{Last: true}
	}
	return spi.Stage{}
}

func TestPipesOfStagesGiveTheirBytes(t *testing.T) {
	const chains = 60
	r := rand.New(rand.NewPCG(2026, 11))
	framings := map[spi.Framing]int{}
	for i := range chains {
		stages := make([]spi.Stage, 1+r.IntN(3))
		latencies := make([]int, len(stages))
		for j := range stages {
			stages[j] = randomStage(r)
			latencies[j] = r.IntN([]int{4, 4, 40}[r.IntN(3)])
		}
		width, rows := 1+r.IntN(40), 1+r.IntN(7)
		c := spitest.Chain(latencies, stages...)
		link, err := c.Core.Link()
		if err != nil {
			t.Fatal(err)
		}
		framings[link.Framing]++
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			in := noise(uint64(i), width*rows)
			if got, want := simulate(t, c, in, width), c.Want(in, width); !bytes.Equal(got, want) {
				t.Errorf("%s, %v, %+v, %d by %d:\ngot  %x\nwant %x", link.Framing, latencies, stages, width, rows, got, want)
			}
		})
	}
	if framings[spi.Marked] < 10 || framings[spi.Flagged] < 10 {
		t.Errorf("framings: %v", framings)
	}
}

func TestALinkThatContradictsItselfIsRefused(t *testing.T) {
	gray := spitest.Gray()
	good, err := gray.Core.Link()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*spi.Link){
		"no bytes in":    func(l *spi.Link) { l.InBytes = 0 },
		"wide token":     func(l *spi.Link) { l.OutBytes = 1 << 20 },
		"period":         func(l *spi.Link) { l.Period = 9 },
		"latency":        func(l *spi.Link) { l.Latency = -1 },
		"framing":        func(l *spi.Link) { l.Framing = "x" },
		"no stages":      func(l *spi.Link) { l.Stages = nil },
		"negative delay": func(l *spi.Link) { l.Stages = []spi.Stage{{DelayRows: -1}} },
		"not plain":      func(l *spi.Link) { l.Stages = []spi.Stage{{Last: true}} },
	} {
		l := *good
		change(&l)
		if l.Check() == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
}

func TestFramesThatTheHeaderCannotSayAreRefused(t *testing.T) {
	gray := spitest.Gray()
	l, err := gray.Core.Link()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Encode(make([]byte, 3*(spi.MaxSide+1)), 0); !errors.Is(err, spi.ErrGeometry) {
		t.Errorf("%v", err)
	}
	if _, err := l.Encode(make([]byte, 4), 0); err == nil {
		t.Error("four bytes of a token of three are taken")
	}
	if _, err := l.Encode(make([]byte, 9), 2); err == nil {
		t.Error("three words in rows of two are taken")
	}
	if sent, err := l.Encode(nil, 0); len(sent) != 0 || err != nil {
		t.Errorf("an empty frame is %d bytes, %v", len(sent), err)
	}
}

func TestAnswersThatAreNotTheWrappersAreRefused(t *testing.T) {
	sum, below, half := spitest.Sum(), spitest.Below(), spitest.Chain([]int{1}, spi.Stage{HopCols: 2})
	for _, c := range []spitest.Case{sum, below, half, spitest.Gray()} {
		l, err := c.Core.Link()
		if err != nil {
			t.Fatal(err)
		}
		frame := spi.Frame{Width: 4, Rows: 3}
		sent, err := l.Encode(make([]byte, 12*l.InBytes), 4)
		if err != nil {
			t.Fatal(err)
		}
		answers := map[string][]byte{"cut short": make([]byte, 5), "nothing": nil}
		if l.Framing != spi.Plain {
			answers["zeros"] = make([]byte, len(sent))
			answers["ones"] = bytes.Repeat([]byte{0xff}, len(sent))
		}
		for name, answer := range answers {
			if got, err := l.Decode(answer, frame); !errors.Is(err, spi.ErrAnswer) {
				t.Errorf("%s, %s: %x, %v", l.Framing, name, got, err)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 1, 5, 1, 6}, uint8(2), uint8(3), uint8(2))
	f.Fuzz(func(t *testing.T, received []byte, which, width, rows uint8) {
		all := []spitest.Case{spitest.Sum(), spitest.Below(), spitest.Gray(), spitest.Chain([]int{1}, spi.Stage{HopCols: 2})}
		c := all[int(which)%len(all)]
		l, err := c.Core.Link()
		if err != nil {
			t.Fatal(err)
		}
		frame := spi.Frame{Width: int(width), Rows: int(rows)}
		out, err := l.Decode(received, frame)
		if err == nil && len(out) != l.Outputs(frame)*l.OutBytes {
			t.Errorf("%d bytes", len(out))
		}
	})
}
