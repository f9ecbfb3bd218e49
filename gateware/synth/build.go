package synth

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/capodekappa/capo/gateware/synth/part"
	"github.com/capodekappa/capo/gateware/synth/spi"
	"github.com/capodekappa/capo/gateware/synth/toolchain"
)

// flow is the version of the steps below: another one makes other bytes.
const flow = 1

// DefaultSeeds is how many placements are tried when the first is too slow.
const DefaultSeeds = 6

// Options of a build.
type Options struct {
	MHz   float64              // the frequency to reach; 0: the part's
	Seeds int                  // at most so many placements; 0: DefaultSeeds
	Tools *toolchain.Toolchain // nil: those that toolchain.Open finds
	Near  float64              // try other seeds only if the first misses by no more than this part of MHz; 0: always
	Fresh bool                 // do not look into the cache
}

// Build makes a part's bitstream of a core. A design that is slower than asked is no error: the report says so. Errors:
// *TooLarge, *toolchain.Error.
func Build(ctx context.Context, core *spi.Core, p *part.Part, o Options) (*Result, error) {
	b := &build{core: core, part: p, o: o}
	if err := b.complete(ctx); err != nil {
		return nil, err
	}
	key, err := b.key()
	if err != nil {
		return nil, err
	}
	if !o.Fresh {
		if r, err := load(key); err == nil {
			return r, nil
		}
	}
	if b.dir, err = os.MkdirTemp("", "capo-synth-"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(b.dir)
	for _, step := range []func(context.Context) error{b.synthesize, b.place, b.pack} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("build %s for %s: %w", core.Module, p.Name, err)
		}
	}
	_ = store(key, &b.result) // a cache that cannot be written to is done without
	return &b.result, nil
}

type build struct {
	core   *spi.Core
	part   *part.Part
	o      Options
	top    string // the wrapper's text
	family family
	dir    string
	result Result
}

func (b *build) complete(ctx context.Context) error {
	var err error
	if b.family, err = familyOf(b.part); err != nil {
		return err
	}
	if b.top, err = spi.Wrap(b.core); err != nil {
		return err
	}
	if b.o.MHz <= 0 {
		b.o.MHz = float64(b.part.MHz)
	}
	if b.o.Seeds <= 0 {
		b.o.Seeds = DefaultSeeds
	}
	if b.o.Tools == nil {
		if b.o.Tools, err = toolchain.Open(ctx, toolchain.Config{Tools: b.family.tools()}); err != nil {
			return err
		}
	}
	r := &b.result.Report
	r.Part, r.TargetHz, r.Kind, r.Tools = b.part.Name, int64(b.o.MHz*1e6), string(b.o.Tools.Kind), b.o.Tools.Versions
	return nil
}

// run runs a tool in the build's folder and notes what it took.
func (b *build) run(ctx context.Context, tool string, args ...string) (*toolchain.Run, error) {
	run, err := b.o.Tools.Run(ctx, tool, b.dir, args...)
	if run != nil {
		b.result.Costs = append(b.result.Costs, Cost{Tool: tool, Took: run.Took, CPU: run.CPU, Memory: run.Memory})
	}
	return run, err
}

func (b *build) write(name, text string) error {
	return os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o644)
}

func (b *build) read(name string) ([]byte, error) { return os.ReadFile(filepath.Join(b.dir, name)) }

func (b *build) synthesize(ctx context.Context) error {
	for name, text := range map[string]string{"top.v": b.top, "core.v": b.core.Verilog, "synth.ys": b.family.script(b.part), "pins": b.part.Constraints()} {
		if err := b.write(name, text); err != nil {
			return err
		}
	}
	if _, err := b.run(ctx, toolchain.Yosys, "-q", "-s", "synth.ys"); err != nil {
		return err
	}
	counted, err := b.read("stat.json")
	if err != nil {
		return fmt.Errorf("yosys counted nothing: %w", err)
	}
	return parseStat(counted, &b.result.Report)
}

// place tries seeds until one is fast enough, and keeps the fastest.
func (b *build) place(ctx context.Context) error {
	best := b.result.Report
	for seed := 1; seed <= b.o.Seeds; seed++ {
		r, err := b.placeWith(ctx, seed)
		if err != nil {
			return err
		}
		if r.FmaxHz > best.FmaxHz {
			best = r
			if err := os.Rename(filepath.Join(b.dir, "now.routed"), filepath.Join(b.dir, "best.routed")); err != nil {
				return err
			}
		}
		best.Seeds = seed
		if best.Met() || b.o.Near > 0 && float64(best.FmaxHz) < (1-b.o.Near)*float64(best.TargetHz) {
			break
		}
	}
	b.result.Report = best
	return nil
}

func (b *build) placeWith(ctx context.Context, seed int) (Report, error) {
	r := b.result.Report
	r.Seed = seed
	run, err := b.run(ctx, b.family.placer(), b.family.place(b.part, b.o.MHz, seed)...)
	if err != nil {
		if run != nil && errors.Is(err, toolchain.ErrFailed) {
			if large := tooLarge(run.Log, b.part, 100); large != nil {
				return r, large
			}
		}
		if run != nil && errors.Is(err, toolchain.ErrTimeout) {
			if large := tooLarge(run.Log, b.part, full); large != nil {
				return r, large
			}
		}
		return r, err
	}
	text, err := b.read("report.json")
	if err != nil {
		return r, fmt.Errorf("nextpnr wrote no report: %w", err)
	}
	return r, parseRouted(text, &r)
}

func (b *build) pack(ctx context.Context) error {
	tool, args := b.family.pack(b.part)
	if _, err := b.run(ctx, tool, args...); err != nil {
		return err
	}
	bin, err := b.read("out.bin")
	if err != nil {
		return fmt.Errorf("%s wrote nothing: %w", tool, err)
	}
	if b.part.Bitstream != 0 && len(bin) != b.part.Bitstream {
		return fmt.Errorf("%s wrote %d bytes, a bitstream of %s has %d", tool, len(bin), b.part.Name, b.part.Bitstream)
	}
	b.result.Bitstream = bin
	return nil
}
