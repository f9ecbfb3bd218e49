package synth

import (
	"context"
	"fmt"

	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/sched"
	"github.com/capodekappa/capo/gateware/synth/artefact"
	"github.com/capodekappa/capo/gateware/synth/part"
	"github.com/capodekappa/capo/gateware/synth/spi"
	"github.com/capodekappa/capo/gateware/verilog"
)

// Made is a kernel that became a bitstream.
type Made struct {
	Kernel  *ir.Kernel
	Part    *part.Part
	Verilog *verilog.Core // as it was built, with the pipeline stages that it took
	Core    *spi.Core
	Result  *Result
}

// Kernel makes a part's bitstream of a kernel, with as many pipeline stages as the timing takes (see [Meet]). Errors: those
// of verilog.New, *TooLarge, *toolchain.Error.
func Kernel(ctx context.Context, k *ir.Kernel, p *part.Part, o Options) (*Made, error) {
	cores := map[string]*verilog.Core{}
	generate := func(mhz float64) (*spi.Core, error) {
		v, err := verilog.New(k, verilog.Options{Part: sched.PartOf(p.Delays), Period: 1000 / mhz})
		if err != nil {
			return nil, err
		}
		if large := crowded(v, p); large != nil {
			return nil, large
		}
		cores[v.Text] = v
		return CoreOf(v), nil
	}
	core, r, err := Meet(ctx, generate, p, o)
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", k.Name, err)
	}
	return &Made{Kernel: k, Part: p, Verilog: cores[core.Verilog], Core: core, Result: r}, nil
}

// crowded says that a core cannot fit before tools spend minutes on it: synthesis finds few of the registers of a pipeline superfluous.
func crowded(v *verilog.Core, p *part.Part) error {
	if v.Registers <= p.FFs*5/4 {
		return nil
	}
	return &TooLarge{Part: p.Name, Resource: "flip-flops", Needs: v.Registers, Has: p.FFs}
}

// slicesEach is after how many stages of a pipe a core has one more register than its latency says.
const slicesEach = 4

// CoreOf describes a generated core for the wrapper.
func CoreOf(v *verilog.Core) *spi.Core {
	c := &spi.Core{Module: v.Module, Verilog: v.Text, InBytes: v.InBits / 8, OutBytes: v.OutBits / 8, Latency: v.Latency + (len(v.Stages)-1)/slicesEach}
	if v.Width {
		c.WidthBits = 16
	}
	if first := v.Kernel.Stages[0]; first.Shape == ir.BlockShape {
		c.Width = first.Cols
	}
	for _, s := range v.Kernel.Stages {
		c.Stages = append(c.Stages, stageOf(s))
	}
	return c
}

// stageOf says what a stage does to the stream.
func stageOf(s *ir.Stage) spi.Stage {
	switch s.Shape {
	case ir.TapsShape:
		if s.HopCols > 1 {
			return spi.Stage{Flat: true, HopCols: s.HopCols}
		}
	case ir.FoldShape:
		return spi.Stage{Last: s.Last}
	case ir.WindowShape:
		return spi.Stage{DelayRows: s.Rows / 2, DelayCols: s.Cols / 2, HopRows: s.HopRows, HopCols: s.HopCols}
	case ir.BlockShape: // a band of blocks is gathered, and scattered again
		st := spi.Stage{DelayRows: 2 * s.Rows, DelayCols: 2 * s.Rows * s.Cols, Bursts: true}
		if !s.PerBlock() {
			st.HopRows, st.HopCols = s.Rows, s.Cols
		}
		return st
	}
	return spi.Stage{}
}

// File is the artefact of what was made; golden are frames that it must answer rightly before it is used.
func (m *Made) File(golden []artefact.Vector) (*artefact.File, error) {
	link, err := m.Core.Link()
	if err != nil {
		return nil, err
	}
	r := &m.Result.Report
	anonymous := ir.Kernel{Stages: m.Kernel.Stages}
	return &artefact.File{Bitstream: m.Result.Bitstream, Manifest: artefact.Manifest{
		Name: m.Kernel.Name, Text: anonymous.String(), Part: m.Part.Name, IDCODE: m.Part.IDCODE, Wrapper: spi.Version, Link: link, FmaxHz: r.FmaxHz,
		Resources: artefact.Resources{Cells: r.Cells, LUTs: r.LUTs, FFs: r.FFs, Carries: r.Carries, BRAMs: r.BRAMs},
		Kind:      r.Kind, Tools: r.Tools, Seed: r.Seed, Golden: golden,
	}}, nil
}
