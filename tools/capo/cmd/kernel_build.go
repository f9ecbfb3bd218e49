package cmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/gateware/frame"
	"github.com/capodekappa/capo/gateware/soft"
	"github.com/capodekappa/capo/gateware/synth"
	"github.com/capodekappa/capo/gateware/synth/artefact"
	"github.com/capodekappa/capo/gateware/synth/part"
)

func (a *app) kernelBuildCmd() *cobra.Command {
	var partName, out string
	var o synth.Options
	c := &cobra.Command{
		Use: "build FILE[#NAME]…", Short: "Make bitstreams of kernels",
		Long: "Make bitstreams of kernels for a part, with yosys, nextpnr and icepack: those on the PATH, else as WebAssembly (capo doctor --install fetches them).\n" +
			"NAME.PART.kernel is written beside the source, with the kernel's text, golden vectors, resources, Fmax and the tools' versions; the same input gives the\n" +
			"same bytes. Missed timing is told, with by how much, and is no error.",
		Example: "  capo kernel build edges.ts\n  capo kernel build edges.ts#sobel --part ice40hx8k-ct256 --out build/ -o json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := loadPart(partName)
			if err != nil {
				return err
			}
			return a.kernelBuild(c.Context(), args, p, o, out)
		},
	}
	c.Flags().StringVar(&partName, "part", "", "the `part` (default: "+defaultPart+")")
	c.Flags().StringVar(&out, "out", "", "write into this `folder` instead, or this file")
	c.Flags().Float64Var(&o.MHz, "mhz", 0, "the frequency to reach (default: the part's)")
	c.Flags().IntVar(&o.Seeds, "seeds", 0, fmt.Sprintf("at most so many placements (default: %d)", synth.DefaultSeeds))
	c.Flags().BoolVar(&o.Fresh, "fresh", false, "do not take what was built before")
	return c
}

func (a *app) kernelBuild(ctx context.Context, targets []string, p *part.Part, o synth.Options, out string) error {
	rows := []kernelRow{}
	for _, text := range targets {
		sources, err := a.compileTarget(ctx, text)
		if err != nil {
			return err
		}
		for _, s := range sources {
			row, err := a.build(ctx, s, p, o, out)
			if err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
			rows = append(rows, row)
		}
	}
	return a.showKernels(rows)
}

// build makes one kernel's bitstream.
func (a *app) build(ctx context.Context, s *kernelSource, p *part.Part, o synth.Options, out string) (kernelRow, error) {
	began := time.Now()
	row := kernelRow{Name: s.Name, Engine: engineBitstream}
	made, err := synth.Kernel(ctx, s.kernel, p, o)
	if err != nil {
		return row, err
	}
	golden, err := s.vectors(ctx, a)
	if err != nil {
		return row, err
	}
	file, err := made.File(golden)
	if err != nil {
		return row, err
	}
	data, err := artefact.Encode(file)
	if err != nil {
		return row, err
	}
	path, err := s.writeBeside(out, file.Name(), data)
	if err != nil {
		return row, err
	}
	row.note(made.Verilog)
	row.noteFile(file)
	sum := sha256.Sum256(data)
	row.Digest = pointer(hex.EncodeToString(sum[:]))
	how := fmt.Sprintf("in %.1f s", time.Since(began).Seconds())
	if made.Result.Cached {
		how = "built before"
	}
	fmt.Fprintf(a.Err, "%s: %s, %s\n", path, made.Result.Report.Timing(), how)
	return row, nil
}

// Sizes of the golden vectors that go with a bitstream.
const (
	vectorBytes = 2 << 10 // of one
	vectorsSum  = 32 << 10
)

// vectors are frames that a bitstream must answer rightly before it is used: small ones, the beginnings of the golden inputs, and noise.
func (s *kernelSource) vectors(ctx context.Context, a *app) ([]artefact.Vector, error) {
	golden, err := s.goldens(a)
	if err != nil {
		return nil, err
	}
	e, err := soft.New(ctx, s.kernel)
	if err != nil {
		return nil, err
	}
	defer e.Close(ctx)
	var all []artefact.Vector
	sum := 0
	for _, in := range proofInputs(s.kernel, golden, vectorBytes) {
		in, ok := shorten(s.kernel, in, vectorBytes)
		if !ok || sum+len(in.words) > vectorsSum {
			continue
		}
		plan, err := frame.New(s.kernel, len(in.words), in.width)
		if err != nil {
			return nil, err
		}
		out, err := e.Run(ctx, in.words, in.width)
		if err != nil {
			return nil, err
		}
		sum += len(in.words) + len(out)
		all = append(all, artefact.Vector{Width: plan.Stages[0].In.Width, In: in.words, Out: out})
	}
	return all, nil
}
