package band

import (
	"github.com/capodekappa/capo/gateware/frame"
	"github.com/capodekappa/capo/gateware/ir"
)

// span is a range of tokens or rows, from first to before end.
type span struct{ first, end int }

// need is what a stage computes in a band, and what it takes for that, in tokens.
type need struct{ in, out span }

// needs composes backwards what each stage has to compute so that the last one can give a range.
func needs(k *ir.Kernel, plan *frame.Plan, out span) []need {
	all := make([]need, len(k.Stages))
	for i := len(k.Stages) - 1; i >= 0; i-- {
		all[i] = needOf(k.Stages[i], plan.Stages[i], out)
		out = all[i].in
	}
	return all
}

func needOf(s *ir.Stage, g frame.Stage, out span) need {
	switch s.Shape {
	case ir.FoldShape:
		return need{span{0, g.In.Tokens()}, span{0, g.Out.Tokens()}}
	case ir.TapsShape:
		return need{span{max(0, out.first*s.HopCols-s.Cols+1), (out.end-1)*s.HopCols + 1}, out}
	case ir.WindowShape:
		rows := span{out.first / g.Out.Width, (out.end + g.Out.Width - 1) / g.Out.Width}
		in := span{max(0, rows.first*s.HopRows-s.Rows/2), min(g.In.Rows, (rows.end-1)*s.HopRows+s.Rows/2+1)}
		return need{in.times(g.In.Width), rows.times(g.Out.Width)}
	case ir.BlockShape:
		across := g.Out.Width // outputs in a row of tiles
		if s.PerBlock() {
			across *= s.Rows
		}
		tiles := span{out.first / across, (out.end + across - 1) / across}
		return need{tiles.times(g.In.Width * s.Rows), tiles.times(across)}
	}
	return need{out, out}
}

func (s span) times(n int) span { return span{s.first * n, s.end * n} }

// edge is the place that an edge rule shows at a place inside or outside 0..n-1; -1 is a zero.
func edge(rule ir.Edge, at, n int) int {
	switch {
	case at >= 0 && at < n:
		return at
	case rule == ir.Zero:
		return -1
	case rule == ir.Clamp:
		return min(max(at, 0), n-1)
	case n == 1:
		return 0
	}
	period := 2 * (n - 1)
	if at %= period; at < 0 {
		at += period
	}
	return min(at, period-at)
}
