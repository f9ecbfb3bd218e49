package synth_test

import (
	"slices"
	"testing"
	"time"

	"github.com/capodekappa/capo/gateware/synth"
	"github.com/capodekappa/capo/gateware/synth/spi/spitest"
	"github.com/capodekappa/capo/gateware/synth/toolchain"
)

// BenchmarkBuild is Verilog to bitstream, nothing cached but compiled tools.
func BenchmarkBuild(b *testing.B) {
	for _, kind := range []toolchain.Kind{toolchain.Native, toolchain.WebAssembly} {
		for _, c := range []spitest.Case{spitest.Gray(), spitest.Below()} {
			b.Run(string(kind)+"/"+c.Name, func(b *testing.B) {
				p, o := load(b, "ice40up5k"), synth.Options{Tools: tools(b, kind), Fresh: true}
				var took []time.Duration
				var most int64
				for b.Loop() {
					start := time.Now()
					r := build(b, &c.Core, p, o)
					took = append(took, time.Since(start))
					for _, cost := range r.Costs {
						most = max(most, cost.Memory)
					}
				}
				slices.Sort(took)
				b.ReportMetric(took[len(took)/2].Seconds(), "s-median")
				b.ReportMetric(float64(most>>20), "MB-peak")
			})
		}
	}
}
