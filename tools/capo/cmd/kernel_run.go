package cmd

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// runOptions are the flags of `kernel run`.
type runOptions struct {
	width  int
	out    string
	engine string
}

func (a *app) kernelRunCmd() *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use: "run FILE#NAME [INPUT…]", Short: "Run a kernel over bytes",
		Long: "Run a kernel: bytes in, bytes out. Each INPUT is a frame of its own, whose answers follow one another; without one, standard input is. A netpbm\n" +
			"picture (.pgm, .ppm, .pnm) stands for its pixels and its width, and an output with such an extension becomes one.",
		Example: "  capo kernel run edges.ts#gray photo.ppm --out gray.pgm\n  capo kernel run edges.ts#sobel --width 640 < frame.raw > edges.raw\n  capo kernel run sound.ts#fir --engine goja in.raw --out out.raw -o json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if o.width < 0 || c.Flags().Changed("width") && o.width == 0 {
				return usage(fmt.Errorf("--width %d: it counts the words in a row", o.width))
			}
			return a.kernelRun(c.Context(), args[0], args[1:], o)
		},
	}
	c.Flags().IntVar(&o.width, "width", 0, "words in a row (default: the picture's, or all are one row)")
	c.Flags().StringVar(&o.out, "out", "", "write the answer to this `file`; standard output then tells how it went")
	c.Flags().StringVar(&o.engine, "engine", "", "the `engine`: goja, batch, wasm or wasm-simd (default: the fastest)")
	return c
}

// kernelRun runs one kernel over its inputs.
func (a *app) kernelRun(ctx context.Context, target string, paths []string, o runOptions) error {
	t, err := oneTarget(target)
	if err != nil {
		return err
	}
	sources, err := a.compileTarget(ctx, t.String())
	if err != nil {
		return err
	}
	s := sources[0]
	e, err := softwareEngine(s, o.engine)
	if err != nil {
		return err
	}
	if err := e.open(ctx); err != nil {
		return err
	}
	defer e.close()
	if len(paths) == 0 {
		paths = []string{"-"}
	}
	var all []byte
	var answers [][]byte
	var took time.Duration
	read := 0
	for _, path := range paths {
		in, err := a.readInput(path)
		if err != nil {
			return err
		}
		if token := s.kernel.In().Bytes(); o.width == 0 && in.pixel > 0 && in.pixel != token {
			return usage(fmt.Errorf("%s has pixels of %d bytes, and %s takes words of %d (%s); --width says how many of them are a row", in.name, in.pixel, s.Name, token, s.kernel.In()))
		}
		if o.width > 0 {
			in.width = o.width
		}
		plan, err := s.plan(len(in.words), in.width)
		if err != nil {
			return fmt.Errorf("%s: %w", in.name, err)
		}
		began := time.Now()
		out, err := e.run(ctx, in.words, in.width)
		if err != nil {
			return fmt.Errorf("%s: %w", in.name, err)
		}
		took += time.Since(began)
		read += len(in.words)
		answers = append(answers, out)
		if isPicture(o.out) {
			if out, err = asPicture(out, s.kernel.Out(), plan.Stages[len(plan.Stages)-1].Out); err != nil {
				return usage(err)
			}
		}
		all = append(all, out...)
	}
	if err := a.writeOut(o.out, all); err != nil || o.out == "" || o.out == "-" {
		return err
	}
	e.row.BytesPerS = pointer(float64(read) / max(took.Seconds(), 1e-9))
	e.row.Digest = pointer(digestOfAll(answers))
	return a.showKernels([]kernelRow{e.row})
}
