package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"

	"github.com/capodekappa/capo/gateware/frame"
	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/sched"
	"github.com/capodekappa/capo/gateware/synth"
	"github.com/capodekappa/capo/gateware/synth/artefact"
	"github.com/capodekappa/capo/gateware/synth/part"
	"github.com/capodekappa/capo/gateware/synth/proof"
	"github.com/capodekappa/capo/gateware/synth/spi"
	"github.com/capodekappa/capo/gateware/synth/toolchain"
	"github.com/capodekappa/capo/gateware/verilog"
)

// loadPart is the part of a name; one that is not known is a wrong use of the command.
func loadPart(name string) (*part.Part, error) {
	if name == "" {
		name = defaultPart
	}
	p, err := part.Load(name)
	if err != nil {
		return nil, usage(err)
	}
	return p, nil
}

// circuit is a kernel's core, with its pipeline planned for the part's frequency.
func circuit(k *ir.Kernel, p *part.Part) (*verilog.Core, error) {
	return verilog.New(k, verilog.Options{Part: sched.PartOf(p.Name), Period: 1000 / float64(p.MHz)})
}

// note fills in what a core tells of itself.
func (r *kernelRow) note(c *verilog.Core) {
	r.Stages = pointer(c.Latency)
	r.Latency = pointer(c.Latency + waits(c.Kernel))
}

// waits is how many words later than itself the last word comes that a word's output needs, in rows of the greatest width.
func waits(k *ir.Kernel) int {
	total := 0
	for _, s := range k.Stages {
		total += stageWaits(s)
	}
	return total
}

func stageWaits(s *ir.Stage) int {
	switch s.Shape {
	case ir.WindowShape:
		return s.Rows/2*s.MaxWidth + s.Cols/2
	case ir.BlockShape:
		return (s.Rows-1)*max(s.MaxWidth, s.Cols) + s.Cols - 1
	}
	return 0
}

// noteFile fills in what a bitstream's file tells.
func (r *kernelRow) noteFile(f *artefact.File) {
	m := &f.Manifest
	r.Part = pointer(m.Part)
	if n := m.Resources; n != (artefact.Resources{}) {
		r.LUTs, r.FFs, r.BRAMs = pointer(n.LUTs), pointer(n.FFs), pointer(n.BRAMs)
	}
	if m.FmaxHz > 0 {
		r.FmaxHz = pointer(m.FmaxHz)
	}
	if m.FmaxHz > 0 && m.Link != nil {
		r.BytesPerS = pointer(linkSpeed(m.FmaxHz, m.Link))
	}
}

// linkSpeed is the bytes that a kernel behind the wrapper takes a second at a clock: a period has eight clocks for each of its slots.
func linkSpeed(fmax int64, l *spi.Link) float64 {
	return float64(fmax) / 8 / float64(l.Period) * float64(l.InBytes)
}

// simulator tells that Icarus Verilog is not here, or nil.
func simulator() error {
	for _, tool := range []string{"iverilog", "vvp"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: %s is not on the PATH; capo doctor --install gets it", errNoTool, tool)
		}
	}
	return nil
}

// verilogEngine simulates the core behind the wrapper.
func verilogEngine(s *kernelSource, p *part.Part) *kernelEngine {
	e := &kernelEngine{row: kernelRow{Name: s.Name, Engine: engineVerilog, Part: pointer(p.Name)}, simulates: true, slow: true, close: func() {}}
	e.open = func(context.Context) error {
		if err := simulator(); err != nil {
			return err
		}
		c, err := circuit(s.kernel, p)
		if err != nil {
			return err
		}
		e.row.note(c)
		core := synth.CoreOf(c)
		top, err := spi.Wrap(core)
		if err != nil {
			return err
		}
		link, err := core.Link()
		if err != nil {
			return err
		}
		e.simulate(s, &proof.Design{Module: spi.Top, Verilog: []string{top, core.Verilog}}, link)
		return nil
	}
	return e
}

// bitstreamEngine turns the bitstream back into a netlist, and simulates that: the one that lies beside the source, else one that it builds
// without trying for the timing.
func bitstreamEngine(s *kernelSource, p *part.Part) *kernelEngine {
	e := &kernelEngine{row: kernelRow{Name: s.Name, Engine: engineBitstream, Part: pointer(p.Name)}, simulates: true, slow: true, close: func() {}}
	e.open = func(ctx context.Context) error {
		if err := simulator(); err != nil {
			return err
		}
		f, err := s.artefactFor(p.Name)
		if errors.Is(err, fs.ErrNotExist) {
			f, err = e.quickBuild(ctx, s, p)
		}
		if err != nil {
			return err
		}
		link := f.Manifest.Link
		if link == nil {
			return fmt.Errorf("%w: the bitstream of %s is not behind the SPI wrapper", errNoTool, p.Name)
		}
		e.row.noteFile(f)
		d, err := proof.Bitstream(ctx, f.Bitstream, p)
		if errors.Is(err, proof.ErrMissing) {
			return fmt.Errorf("%w: %w", errNoTool, err)
		}
		if err != nil {
			return err
		}
		e.simulate(s, d, link)
		return nil
	}
	return e
}

// quickBuild makes a bitstream with the first placement of each plan.
func (e *kernelEngine) quickBuild(ctx context.Context, s *kernelSource, p *part.Part) (*artefact.File, error) {
	made, err := synth.Kernel(ctx, s.kernel, p, synth.Options{Seeds: 1})
	var large *synth.TooLarge
	if errors.Is(err, toolchain.ErrMissing) || errors.As(err, &large) {
		return nil, fmt.Errorf("%w: %w", errNoTool, err)
	}
	if err != nil {
		return nil, err
	}
	e.row.note(made.Verilog)
	return made.File(nil)
}

// simulate has an engine run frames through a simulated design.
func (e *kernelEngine) simulate(s *kernelSource, d *proof.Design, l *spi.Link) {
	e.run = func(ctx context.Context, in []byte, width int) ([]byte, error) {
		plan, err := frame.New(s.kernel, len(in), width)
		if err != nil {
			return nil, err
		}
		return proof.Frame(ctx, d, l, in, plan.Stages[0].In.Width)
	}
}
