package bench

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/capodekappa/capo/gateware/band"
	"github.com/capodekappa/capo/gateware/batch"
	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/js"
	"github.com/capodekappa/capo/gateware/wasm"
)

//go:embed testdata/kernels/kernels.ts
var kernelsSource string

// A frame of full HD.
const (
	frameWidth = 1920
	frameRows  = 1080
)

// softEngine is an engine that computes into memory that it is given.
type softEngine interface {
	RunInto(ctx context.Context, dst, in []byte, width int) ([]byte, error)
	Close(ctx context.Context) error
}

// kernelsPart: kernels on one core, in words per second of CPU time, against the same in C and Node, wazero's interpreter and ffmpeg.
func kernelsPart(ctx context.Context, l *lab) error {
	list, err := js.CompileSource(ctx, "kernels.ts", kernelsSource, js.Options{})
	if err != nil {
		return err
	}
	p, err := newPeers(ctx, l)
	if err != nil {
		return err
	}
	for range l.cfg.Runs {
		for _, k := range list {
			if err := measureKernel(ctx, l, p, k.IR); err != nil {
				return fmt.Errorf("%s: %w", k.Name, err)
			}
		}
		if err := p.video(ctx, l, list); err != nil {
			return err
		}
	}
	batchOverInterpreter(l)
	return startUp(ctx, l)
}

// measureKernel is one run of one kernel on all engines and peers.
func measureKernel(ctx context.Context, l *lab, p *peers, k *ir.Kernel) error {
	fast, err := rateOf(ctx, k, frameRows, func() (softEngine, error) { return wasm.New(ctx, k, wasm.Limits(band.Limits{Workers: 1})) })
	if errors.Is(err, wasm.ErrUnavailable) {
		fast, err = 0, nil
	}
	if err != nil {
		return err
	}
	l.reach(k.Name, "Mwords/s", 0, fast)
	columns, err := rateOf(ctx, k, 270, func() (softEngine, error) { return batch.New(ctx, k, batch.Limits(band.Limits{Workers: 1})) })
	if err != nil {
		return err
	}
	l.peer("capo batch", k.Name, "Mwords/s", columns)
	for name, options := range map[string][]wasm.Option{interpreted: {wasm.Scalar()}, interpretedSIMD: nil} {
		options = append(options, wasm.Interpreter(), wasm.Limits(band.Limits{Workers: 1}))
		slow, err := rateOf(ctx, k, 10, func() (softEngine, error) { return wasm.New(ctx, k, options...) })
		if err != nil {
			return err
		}
		l.peer(name, k.Name, "Mwords/s", slow)
	}
	return p.compare(ctx, l, k.Name, fast)
}

const (
	interpreted     = "wazero interpreter"
	interpretedSIMD = "wazero interpreter, SIMD"
)

// rateOf is the millions of words of input that one core computes in a second of its time.
func rateOf(ctx context.Context, k *ir.Kernel, rows int, open func() (softEngine, error)) (float64, error) {
	e, err := open()
	if err != nil {
		return 0, err
	}
	defer func() { _ = e.Close(ctx) }()
	in := noise(frameWidth * rows * k.In().Bytes())
	out, err := e.RunInto(ctx, nil, in, frameWidth)
	frames := 0
	begun := ownTime()
	for err == nil && (frames == 0 || ownTime()-begun < 300*time.Millisecond) {
		out, err = e.RunInto(ctx, out, in, frameWidth)
		frames++
	}
	return float64(frameWidth*rows*frames) / (ownTime() - begun).Seconds() / 1e6, err
}

func noise(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}

// batchOverInterpreter compares, kernel by kernel, the medians of batch with those of the interpreter, at its better setting and without SIMD.
func batchOverInterpreter(l *lab) {
	rows := map[string]map[string]float64{}
	for _, s := range l.series {
		if s.unit == "Mwords/s" {
			if rows[s.system] == nil {
				rows[s.system] = map[string]float64{}
			}
			rows[s.system][s.metric] = s.row("").Median
		}
	}
	var best, plain []float64
	for name, columns := range rows["capo batch"] {
		one, other := rows[interpreted][name], rows[interpretedSIMD][name]
		best = append(best, columns/max(one, other))
		plain = append(plain, columns/one)
	}
	for what, ratios := range map[string][]float64{"batch : wazero's interpreter without SIMD": plain, "batch : wazero's interpreter, the better of both": best} {
		r := series{values: ratios}.row("")
		l.reach(what+", worst kernel", "ratio", 12, r.Min)
		l.reach(what+", median of kernels", "ratio", 20, r.Median)
	}
}

// startUp is the time from a source to its first answer.
func startUp(ctx context.Context, l *lab) error {
	for range l.cfg.Runs {
		begun := time.Now()
		list, err := js.CompileSource(ctx, "kernels.ts", kernelsSource, js.Options{})
		if err != nil {
			return err
		}
		l.note("source of ten kernels, front end", "ms", 0, float64(time.Since(begun).Microseconds())/1000)
		for _, k := range list {
			begun := time.Now()
			e, err := wasm.New(ctx, k.IR)
			if err != nil {
				return err
			}
			token := k.IR.In().Bytes()
			_, err = e.Run(ctx, make([]byte, 4*token), 2)
			l.note("engine of one more kernel, first answer", "ms", 15, float64(time.Since(begun).Microseconds())/1000)
			if err := errors.Join(err, e.Close(ctx)); err != nil {
				return err
			}
		}
	}
	return nil
}
