package synth

import (
	"cmp"
	"context"
	"errors"

	"github.com/capodekappa/capo/gateware/synth/part"
	"github.com/capodekappa/capo/gateware/synth/spi"
)

// Generator makes a core whose pipeline is planned for a frequency. A higher one has more stages, until no more help.
type Generator func(mhz float64) (*spi.Core, error)

// plans bounds how many cores are tried.
const plans = 4

// gain is what more stages must give so that still more are tried; far is how far below the target no seed helps.
const (
	gain = 1.03
	far  = 0.25
)

// margin is how much faster than the target the first core is planned to be: the delay models are up to a tenth too hopeful.
const margin = 1.12

// near is how far below the target a placement may be so that other seeds are worth trying before more stages are.
const near = 0.06

// Meet builds until the timing is met: first other seeds where little is missing, then cores with more pipeline stages,
// planned for a frequency above the target by as much as was missed. It returns the first core that is fast enough, else
// the fastest; the report says by how much that one misses.
func Meet(ctx context.Context, generate Generator, p *part.Part, o Options) (*spi.Core, *Result, error) {
	if o.MHz <= 0 {
		o.MHz = float64(p.MHz)
	}
	var best *Result
	var bestCore *spi.Core
	seen := map[string]bool{}
	for plan, mhz := 0, margin*o.MHz; plan < plans; plan++ {
		core, err := generate(mhz)
		var large *TooLarge
		if errors.As(err, &large) && best != nil { // more stages do not fit
			break
		}
		if err != nil {
			return nil, nil, err
		}
		if seen[core.Verilog] { // more stages do not help
			break
		}
		seen[core.Verilog] = true
		o.Near = near
		r, err := Build(ctx, core, p, o)
		if errors.As(err, &large) && best != nil { // more stages do not fit
			break
		}
		if err != nil {
			return nil, nil, err
		}
		if r.Report.Met() {
			return core, r, nil
		}
		helped := best == nil || float64(r.Report.FmaxHz) > gain*float64(best.Report.FmaxHz)
		if best == nil || r.Report.FmaxHz > best.Report.FmaxHz {
			best, bestCore = r, core
		}
		if !helped { // what is slow goes round in a circle
			break
		}
		mhz *= max(1.1, min(2, o.MHz*1e6/float64(r.Report.FmaxHz)))
	}
	seeds := cmp.Or(o.Seeds, DefaultSeeds)
	if best.Report.Seeds < seeds && best.Report.FmaxHz > int64((1-far)*o.MHz*1e6) { // the fastest gets all its seeds
		o.Near = 0
		r, err := Build(ctx, bestCore, p, o)
		return bestCore, r, err
	}
	return bestCore, best, nil
}
