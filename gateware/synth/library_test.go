package synth_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/js"
	"github.com/capodekappa/capo/gateware/synth"
	"github.com/capodekappa/capo/gateware/synth/artefact"
	"github.com/capodekappa/capo/gateware/synth/toolchain"
	"github.com/capodekappa/capo/test/need"
)

// library compiles all example kernels.
func library(t *testing.T) []*ir.Kernel {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "examples", "kernels", "*.ts"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	var all []*ir.Kernel
	for _, file := range files {
		kernels, err := js.Compile(t.Context(), file, js.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range kernels {
			all = append(all, k.IR)
		}
	}
	return all
}

// smallFrame is a frame for a kernel that a simulator runs in seconds.
func smallFrame(k *ir.Kernel) (bytes, width int) {
	s := k.Stages[0]
	if s.Shape == ir.BlockShape {
		return 2 * s.Rows * s.Cols * k.In().Bytes(), s.Cols
	}
	return 15 * 8 * k.In().Bytes(), 15
}

func TestTheLibraryBecomesBitstreamsLong(t *testing.T) {
	need.Long(t)
	for _, tool := range []string{"yosys", "nextpnr-ice40", "icepack", "iverilog"} {
		need.Command(t, tool)
	}
	p := load(t, "ice40up5k")
	tc, err := toolchain.Open(t.Context(), toolchain.Config{Kind: toolchain.Native, Limit: 2 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	fit := 0
	for _, k := range library(t) {
		t.Run(k.Name, func(t *testing.T) {
			made, err := synth.Kernel(t.Context(), k, p, synth.Options{Tools: tc, Seeds: 1, MHz: 30})
			var large *synth.TooLarge
			if errors.As(err, &large) {
				t.Logf("%v", err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r := made.Result.Report
			t.Logf("%d cells, %d BRAMs, %d stages, %s", r.Cells, r.BRAMs, made.Core.Latency, r.Timing())
			n, width := smallFrame(k)
			in := noise(11, n)
			file, err := made.File(nil)
			if err != nil {
				t.Fatal(err)
			}
			data, err := artefact.Encode(file)
			if err != nil {
				t.Fatal(err)
			}
			if file, err = artefact.Decode(data); err != nil {
				t.Fatal(err)
			}
			got, err := synth.Run(t.Context(), file, in, width)
			if err != nil {
				t.Fatal(err)
			}
			if w := want(t, k, in, width); !bytes.Equal(got, w) {
				t.Errorf("the bitstream gives %x, want %x", got, w)
			}
			fit++
		})
	}
	if fit == 0 {
		t.Error("no kernel of the library fits")
	}
}
