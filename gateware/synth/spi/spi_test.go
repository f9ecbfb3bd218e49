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

func TestWrappedCoresGiveTheirBytesWhereTheScheduleSays(t *testing.T) {
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
	s := spi.Stage{Latency: r.IntN(4)}
	switch r.IntN(6) {
	case 0:
		s.Latency = r.IntN(40)
	case 1:
		s.DelayRows, s.DelayCols = r.IntN(4), r.IntN(4)
	case 2:
		s.DelayRows, s.DelayCols, s.HopRows, s.HopCols = 1, 1, 1+r.IntN(4), 1+r.IntN(4)
	case 3:
		s.HopRows, s.HopCols = 1+r.IntN(3), 1+r.IntN(3)
	case 4:
		s.Last = true
	}
	return s
}

func TestPipesOfStagesKeepToTheSchedule(t *testing.T) {
	const chains = 60
	r := rand.New(rand.NewPCG(2026, 11))
	for i := range chains {
		stages := make([]spi.Stage, 1+r.IntN(3))
		for j := range stages {
			stages[j] = randomStage(r)
		}
		width, rows := 1+r.IntN(40), 1+r.IntN(7)
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			c := spitest.Chain(stages...)
			in := noise(uint64(i), width*rows)
			if got, want := simulate(t, c, in, width), c.Want(in, width); !bytes.Equal(got, want) {
				t.Errorf("%+v, %d by %d:\ngot  %x\nwant %x", stages, width, rows, got, want)
			}
		})
	}
}

func TestALinkThatContradictsItselfIsRefused(t *testing.T) {
	gray := spitest.Gray()
	good, err := gray.Core.Link()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*spi.Link){
		"no bytes in":       func(l *spi.Link) { l.InBytes = 0 },
		"wide token":        func(l *spi.Link) { l.OutBytes = 1 << 20 },
		"period":            func(l *spi.Link) { l.Period = 9 },
		"latency":           func(l *spi.Link) { l.Latency++ },
		"no stages":         func(l *spi.Link) { l.Stages = nil },
		"negative latency":  func(l *spi.Link) { l.Stages = []spi.Stage{{Latency: -1}} },
		"phase above a hop": func(l *spi.Link) { l.Stages = []spi.Stage{{Latency: 3, PhaseCols: 1}} },
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
	if _, err := l.Decode(make([]byte, 5), 1, 1); err == nil {
		t.Error("a transfer that is cut short is taken")
	}
}
