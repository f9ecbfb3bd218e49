package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/gateware/picture"
	"github.com/capodekappa/capo/gateware/synth/artefact"
	"github.com/capodekappa/capo/gateware/synth/part"
	"github.com/capodekappa/capo/gateware/verilog"
)

func (a *app) kernelExplainCmd() *cobra.Command {
	var partName, out string
	c := &cobra.Command{
		Use: "explain FILE[#NAME]…", Short: "Show what becomes of kernels: a picture, stages, latency, widths, resources",
		Long: "Show what becomes of kernels as circuits: a picture of the pipeline with the widths of its words, and a row with its pipeline stages and latency in\n" +
			"clocks (to the word out from the word in at its place, in rows of maxWidth). Where a bitstream was built (capo kernel build), a second row has what it takes of\n" +
			"its part. The digest is the kernel's. With --out, the picture is written as NAME.svg into a folder.",
		Example: "  capo kernel explain edges.ts\n  capo kernel explain edges.ts#sobel --part ice40hx8k-ct256 --out pictures/\n  capo kernel explain edges.ts -o json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := loadPart(partName)
			if err != nil {
				return err
			}
			return a.kernelExplain(c.Context(), args, p, out)
		},
	}
	c.Flags().StringVar(&partName, "part", "", "the `part` that stages are planned for (default: "+defaultPart+")")
	c.Flags().StringVar(&out, "out", "", "write pictures into this `folder`")
	return c
}

func (a *app) kernelExplain(ctx context.Context, targets []string, p *part.Part, out string) error {
	rows := []kernelRow{}
	for _, text := range targets {
		sources, err := a.compileTarget(ctx, text)
		if err != nil {
			return err
		}
		for _, s := range sources {
			more, err := a.explain(s, p, out)
			if err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
			rows = append(rows, more...)
		}
	}
	return a.showKernels(rows)
}

// explain draws one kernel and gives its rows.
func (a *app) explain(s *kernelSource, p *part.Part, out string) ([]kernelRow, error) {
	c, err := circuit(s.kernel, p)
	if err != nil {
		return nil, err
	}
	title := fmt.Sprintf("%s, at %d MHz on %s", s.Name, p.MHz, p.Name)
	drawn := picture.Rows(s.kernel, hardwareOf(c))
	if a.output == "table" {
		fmt.Fprintln(a.Out, picture.Text(title, drawn))
		fmt.Fprintln(a.Out, picture.Text("as a pipeline of "+c.Part.String()+":", picture.Stacked(picture.Pipeline(c))))
	}
	if out != "" {
		if err := os.MkdirAll(out, 0o777); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(out, s.Name+".svg"), picture.SVG(title, picture.Pipeline(c)), 0o666); err != nil {
			return nil, err
		}
	}
	row := kernelRow{Name: s.Name, Part: pointer(p.Name), Engine: engineVerilog, Digest: pointer(s.kernel.Digest())}
	row.note(c)
	rows := []kernelRow{row}
	built, err := s.artefactFor(p.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return rows, nil
	case err != nil:
		return nil, err
	}
	real := kernelRow{Name: s.Name, Engine: engineBitstream, Stages: row.Stages, Latency: row.Latency, Digest: pointer(s.kernel.Digest())}
	real.noteFile(built)
	return append(rows, real), nil
}

// hardwareOf is what a picture tells of a core's stages.
func hardwareOf(c *verilog.Core) []picture.Hardware {
	var all []picture.Hardware
	for i, s := range c.Stages {
		all = append(all, picture.Hardware{Registers: s.Schedule.Depth, Latency: s.Schedule.Depth + stageWaits(c.Kernel.Stages[i])})
	}
	return all
}

// artefactFor reads the kernel's bitstream for a part, which `build` wrote beside the source. Errors: fs.ErrNotExist, also for one of another
// version of the kernel.
func (s *kernelSource) artefactFor(partName string) (*artefact.File, error) {
	path := s.beside(s.Name + "." + partName + ".kernel")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := artefact.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if f.Manifest.Kernel != s.kernel.Digest() {
		return nil, fmt.Errorf("%s is of another version of the kernel: %w", path, fs.ErrNotExist)
	}
	return f, nil
}
