package cmd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/gateware/ir"
)

// How much of an input goes through a simulation: of noise, and of a golden one.
const (
	simulated       = 4 << 10
	simulatedGolden = 1 << 10
)

func (a *app) kernelProveCmd() *cobra.Command {
	var o proofOptions
	c := &cobra.Command{
		Use: "prove FILE[#NAME]…", Short: "Run kernels through every engine and compare the bytes",
		Long: "Run kernels through every engine: goja calling the function word by word (that is the meaning), vectorised Go, WebAssembly, the circuit in a\n" +
			"simulator, and the bitstream. Inputs are the kernel's golden ones, small frames, and a megabyte of noise; where a simulator computes,\n" +
			"the first 4 KiB of noise and 1 KiB of the others. The digest is that of the answers to what all engines were given. An engine whose tool is missing here has none. Exit code 1 if\n" +
			"two engines differ, or an answer is not the golden one.",
		Example: "  capo kernel prove edges.ts\n  capo kernel prove edges.ts#sobel --engine goja,wasm-simd\n  capo kernel prove edges.ts --part ice40up5k-sg48 -o json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.kernelProve(c.Context(), args, o)
		},
	}
	o.flags(c)
	return c
}

// proofOptions are the flags of `kernel prove`.
type proofOptions struct {
	engines []string
	part    string
	noise   string
}

func (o *proofOptions) flags(c *cobra.Command) {
	c.Flags().StringSliceVar(&o.engines, "engine", nil, "these `engines` alone, joined by commas; goja is always among them")
	c.Flags().StringVar(&o.part, "part", "", "the `part` that the bitstream is for (default: "+defaultPart+")")
	c.Flags().StringVar(&o.noise, "noise", "1M", "how much noise")
}

// proofRun is a kernel on its way through the engines.
type proofRun struct {
	source  *kernelSource
	kernel  *ir.Kernel
	inputs  []proofInput
	short   []proofInput // what simulations get; all get it if there are any
	answers [][]byte     // goja's, of inputs, then of short
}

// kernelProve proves all that its targets name, as many at a time as there are processors: most of it is goja's time.
func (a *app) kernelProve(ctx context.Context, targets []string, o proofOptions) error {
	var sources []*kernelSource
	for _, text := range targets {
		more, err := a.compileTarget(ctx, text)
		if err != nil {
			return err
		}
		sources = append(sources, more...)
	}
	done, log := make([]proved, len(sources)), a.logger()
	turns := make(chan struct{}, runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for i, s := range sources {
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			done[i] = a.prove(ctx, s, o)
			log.Debug("proved", "kernel", s, "err", done[i].err)
		})
	}
	all.Wait()
	differ, told := false, map[string]bool{}
	var rows []kernelRow
	for i, d := range done {
		for _, note := range d.notes {
			if !told[note] {
				fmt.Fprintf(a.Err, "note: %s\n", note)
			}
			told[note] = true
		}
		if d.err != nil && !errors.Is(d.err, errDiffer) && !errors.Is(d.err, errUnproved) {
			return fmt.Errorf("%s: %w", sources[i], d.err)
		}
		if d.err != nil {
			differ = true
			fmt.Fprintf(a.Err, "capo: %s: %v\n", sources[i], d.err)
		}
		rows = append(rows, d.rows...)
	}
	if err := a.showKernels(rows); err != nil {
		return err
	}
	if differ {
		return shown(exitFailed)
	}
	return nil
}

// proved is what came of a proof.
type proved struct {
	rows  []kernelRow // of the engines that were asked for
	notes []string    // which of them cannot be had here
	err   error       // errDiffer, or why there is no proof
}

// prove runs one kernel through the engines.
func (a *app) prove(ctx context.Context, s *kernelSource, o proofOptions) (out proved) {
	fail := func(err error) proved { return proved{err: err} }
	golden, err := s.goldens(a)
	if err != nil {
		return fail(err)
	}
	noise, err := parseNoise(o.noise)
	if err != nil {
		return fail(err)
	}
	engines, err := a.enginesFor(s, o)
	if err != nil {
		return fail(err)
	}
	p := &proofRun{source: s, kernel: s.kernel, inputs: proofInputs(s.kernel, golden, noise)}
	var opened []*kernelEngine
	simulating := false
	for _, e := range engines {
		err := e.open(ctx)
		defer e.close()
		switch {
		case errors.Is(err, errNoTool):
			out.notes = append(out.notes, fmt.Sprintf("%s: %v", e.row.Engine, err))
		case err != nil && e.row.Engine == engineGoja:
			return fail(fmt.Errorf("%s: %w", e.row.Engine, err))
		case err != nil: // the others are proved all the same
			out.err = errors.Join(out.err, fmt.Errorf("%w: %s: %w", errUnproved, e.row.Engine, err))
		}
		if err != nil {
			e.run = nil
		}
		simulating = simulating || e.simulates && e.run != nil
		opened = append(opened, e)
	}
	if simulating {
		for _, in := range p.inputs {
			most := simulated
			if in.want != nil {
				most = simulatedGolden
			}
			if short, ok := shorten(p.kernel, in, most); ok {
				p.short = append(p.short, short)
			}
		}
	}
	rows, err := p.through(ctx, opened)
	out.rows, out.err = rows, errors.Join(out.err, err)
	return out
}

// through runs the inputs through the engines, of which the first is goja.
func (p *proofRun) through(ctx context.Context, engines []*kernelEngine) ([]kernelRow, error) {
	var rows []kernelRow
	var problems []error
	for i, e := range engines {
		if e.run == nil {
			rows = append(rows, e.row)
			continue
		}
		inputs := append(append([]proofInput{}, p.inputs...), p.short...)
		if e.simulates {
			inputs = p.short
		}
		answers, err := e.answer(ctx, inputs)
		if err != nil && (i == 0 || ctx.Err() != nil) {
			return rows, fmt.Errorf("%s: %w", e.row.Engine, err)
		}
		if err != nil {
			problems, rows = append(problems, fmt.Errorf("%w: %s: %w", errUnproved, e.row.Engine, err)), append(rows, e.row)
			continue
		}
		if i == 0 {
			p.answers = answers
			problems = append(problems, p.compareGolden())
		}
		problems = append(problems, p.compare(e, answers))
		e.row.Digest = pointer(digestOfAll(answers[len(answers)-p.common():]))
		rows = append(rows, e.row)
	}
	return rows, errors.Join(problems...)
}

// common is how many inputs, at the end of the list, all engines got.
func (p *proofRun) common() int {
	if len(p.short) > 0 {
		return len(p.short)
	}
	return len(p.inputs)
}

func digestOfAll(answers [][]byte) string {
	h := sha256.New()
	for _, b := range answers {
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// compareGolden says where goja's answers are not the golden ones.
func (p *proofRun) compareGolden() error {
	var all []error
	for i, in := range p.inputs {
		if in.want != nil && !bytes.Equal(in.want, p.answers[i]) {
			all = append(all, fmt.Errorf("%w: the answer to %s is not the golden one: %s", errDiffer, in.name, difference(p.answers[i], in.want)))
		}
	}
	return errors.Join(all...)
}

// compare says where an engine's answers are not goja's.
func (p *proofRun) compare(e *kernelEngine, answers [][]byte) error {
	inputs, want := append(append([]proofInput{}, p.inputs...), p.short...), p.answers
	if e.simulates {
		inputs, want = p.short, p.answers[len(p.inputs):]
	}
	for i, got := range answers {
		if !bytes.Equal(got, want[i]) {
			return fmt.Errorf("%w: %s and goja, over %s: %s", errDiffer, e.row.Engine, inputs[i].name, difference(got, want[i]))
		}
	}
	return nil
}

// difference tells the first byte that differs.
func difference(got, want []byte) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("byte %d of %d is %d, not %d", i, len(want), got[i], want[i])
		}
	}
	return fmt.Sprintf("%d bytes, not %d", len(got), len(want))
}

// answer runs inputs through an engine, and notes its speed over the largest.
func (e *kernelEngine) answer(ctx context.Context, inputs []proofInput) ([][]byte, error) {
	var answers [][]byte
	largest := 0
	for _, in := range inputs {
		began := time.Now()
		out, err := e.run(ctx, in.words, in.width)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", in.name, err)
		}
		took := time.Since(began)
		answers = append(answers, out)
		if len(in.words) <= largest || e.simulates {
			continue
		}
		largest = len(in.words)
		if !e.slow {
			took = e.best(ctx, in, took)
		}
		e.row.BytesPerS = pointer(float64(len(in.words)) / max(took.Seconds(), 1e-9))
	}
	return answers, nil
}

// best is the shortest of a few more runs: the first one warms up.
func (e *kernelEngine) best(ctx context.Context, in proofInput, took time.Duration) time.Duration {
	end := time.Now().Add(20 * time.Millisecond)
	for range 20 {
		began := time.Now()
		if _, err := e.run(ctx, in.words, in.width); err != nil || time.Now().After(end) {
			break
		}
		took = min(took, time.Since(began))
	}
	return took
}
