package bench

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/js"
	"github.com/capodekappa/capo/gateware/sched"
	"github.com/capodekappa/capo/gateware/synth"
	device "github.com/capodekappa/capo/gateware/synth/part"
	"github.com/capodekappa/capo/gateware/synth/toolchain"
	"github.com/capodekappa/capo/gateware/verilog"
	"github.com/capodekappa/capo/gateware/verilog/hand"
)

//go:embed testdata/gateware/gateware.ts
var gatewareSource string

// gatewarePart: the time from a source to a bitstream with each kind of tools, and what generated cores take of an UP5K against
// pipelines written by hand.
func gatewarePart(ctx context.Context, l *lab) error {
	p, err := device.Load("ice40up5k")
	if err != nil {
		return err
	}
	for kind, target := range map[toolchain.Kind]float64{toolchain.Native: 5, toolchain.WebAssembly: 15} {
		tools, err := toolchain.Open(ctx, toolchain.Config{Kind: kind, Exec: l.cfg.Capo})
		if missing := new(toolchain.Error); errors.As(err, &missing) {
			fmt.Fprintf(l.cfg.Log, "gateware: no bitstreams with %s tools here: %v\n", kind, err)
			continue
		}
		if err != nil {
			return err
		}
		if err := tools.Warm(ctx); err != nil {
			return err
		}
		for range l.cfg.Runs {
			if err := toBitstreams(ctx, l, p, tools, target); err != nil {
				return err
			}
		}
	}
	return cellsByHand(ctx, l)
}

// toBitstreams makes a bitstream of each kernel, from its source, without a cache of bitstreams.
func toBitstreams(ctx context.Context, l *lab, p *device.Part, tools *toolchain.Toolchain, target float64) error {
	for _, name := range []string{"gray", "fir", "sobel"} {
		begun := time.Now()
		k, err := gatewareKernel(ctx, name)
		if err != nil {
			return err
		}
		made, err := synth.Kernel(ctx, k, p, synth.Options{Tools: tools, Fresh: true})
		if err != nil {
			return err
		}
		l.note(fmt.Sprintf("%s, source to bitstream, %s tools", name, tools.Kind), "s", target, time.Since(begun).Seconds())
		l.reach(fmt.Sprintf("%s with its wrapper, %s tools", name, tools.Kind), "MHz", 48, float64(made.Result.Report.FmaxHz)/1e6)
	}
	return nil
}

func gatewareKernel(ctx context.Context, name string) (*ir.Kernel, error) {
	list, err := js.CompileSource(ctx, "gateware.ts", gatewareSource, js.Options{})
	if err != nil {
		return nil, err
	}
	for _, k := range list {
		if k.Name == name {
			return k.IR, nil
		}
	}
	return nil, fmt.Errorf("gateware.ts has no kernel %s", name)
}

// cellsByHand compares cells at the frequency of the pipeline written by hand, and at 48 MHz.
func cellsByHand(ctx context.Context, l *lab) error {
	all, err := hand.Pipelines()
	if err != nil {
		return err
	}
	for _, p := range all {
		byHand, err := p.Measure(ctx)
		if err != nil {
			return err
		}
		l.peer("by hand", p.Name+", cells", "cells", float64(byHand.Cells))
		l.peer("by hand", p.Name+", frequency", "MHz", byHand.MHz)
		k, err := gatewareKernel(ctx, p.Name)
		if err != nil {
			return err
		}
		for _, plan := range []struct {
			what        string
			mhz, target float64
		}{{"for the MHz of the one by hand", byHand.MHz, 1.1}, {"for 48 MHz", 48, 1.35}} {
			got, err := planned(ctx, k, p, plan.mhz)
			if err != nil {
				return err
			}
			l.note(p.Name+", cells, "+plan.what, "cells", 0, float64(got.Cells))
			l.reach(p.Name+", frequency, "+plan.what, "MHz", plan.mhz, got.MHz)
			l.note(p.Name+", cells, "+plan.what+": capo : by hand", "ratio", plan.target, float64(got.Cells)/float64(byHand.Cells))
		}
	}
	return nil
}

// planned is a generated core's cost. It is planned for more than is wanted until it is fast enough.
func planned(ctx context.Context, k *ir.Kernel, like hand.Pipeline, mhz float64) (got hand.Cost, err error) {
	for _, more := range []float64{1.12, 1.3, 1.5} {
		c, err := verilog.New(k, verilog.Options{Part: sched.PartOf("up5k"), Period: 1000 / mhz / more})
		if err != nil {
			return got, err
		}
		like.Text, like.Module = c.Text, c.Module
		if got, err = like.Measure(ctx); err != nil || got.MHz >= mhz {
			return got, err
		}
	}
	return got, nil
}
