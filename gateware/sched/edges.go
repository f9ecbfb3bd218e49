package sched

import "github.com/capodekappa/capo/gateware/ir"

// row is a word of a window's row, with the edge rule applied. in gives the word that came so many rows ago.
func (l *lowering) row(r int, in func(rows int) ID) ID {
	high := l.stage.Rows / 2
	e := edge{
		l: l, half: high, rule: l.stage.Edge,
		raw:    func(d int) ID { return in(high - d) },
		before: func(n int) ID { return l.front.above[n-1] },
		after:  func(n int) ID { return l.front.below[n-1] },
	}
	return e.pick(r - high)
}

// column is a value of a window's column, with the edge rule applied.
func (l *lowering) column(v ref) ID {
	half := l.stage.Cols / 2
	begin, line := l.flag(InBegin), l.flag(InLine)
	e := edge{
		l: l, half: half, rule: l.stage.Edge,
		raw:    func(d int) ID { return l.Delayed(v.id, half-d) },
		before: func(n int) ID { return l.near(begin, n, func(i int) int { return half + i }) },
		after:  func(n int) ID { return l.near(line, n, func(i int) int { return half - i }) },
	}
	return e.pick(v.at - half)
}

// near tells whether one of n columns from the centre on has a tag.
func (l *lowering) near(tag ID, n int, steps func(int) int) ID {
	sum := l.Delayed(tag, steps(0))
	for i := 1; i < n; i++ {
		sum = l.two(Or, []ID{sum, l.Delayed(tag, steps(i))})
	}
	return sum
}

// edge is an edge rule in one direction. raw is what stands at an offset from the centre; before(n) tells that fewer than n places
// lie before the centre, after(n) that fewer lie behind it.
type edge struct {
	l             *lowering
	half          int
	rule          ir.Edge
	raw           func(offset int) ID
	before, after func(n int) ID
}

// pick is what the window sees at an offset.
func (e edge) pick(d int) ID {
	if d == 0 {
		return e.raw(0)
	}
	outside, towards := e.after, d-1
	if d < 0 {
		outside, towards = e.before, d+1
	}
	n := max(d, -d)
	switch e.rule {
	case ir.Clamp:
		return e.l.mux(outside(n), e.pick(towards), e.raw(d))
	case ir.Zero:
		raw := e.raw(d)
		return e.l.mux(outside(n), e.l.Const(e.l.Nodes[raw].Zero), raw)
	}
	return e.mirrored(d)
}

// mirrored chooses by the distance to the nearer edge in that direction, and where the frame is so narrow that the image
// is reflected again, by that to the other edge too. Smaller distances are asked first.
func (e edge) mirrored(d int) ID {
	near, far, sign, n := e.after, e.before, 1, d
	if d < 0 {
		near, far, sign, n = e.before, e.after, -1, -d
	}
	out := e.raw(d)
	for i := n - 1; i >= 0; i-- { // i places lie between the centre and the edge
		inner := e.raw(sign * (2*i - n))
		for j := n - 2*i - 1; j >= 0; j-- { // and j to the other
			inner = e.l.mux(far(j+1), e.raw(sign*(reflect(j+n, i+j+1)-j)), inner)
		}
		out = e.l.mux(near(i+1), inner, out)
	}
	return out
}

// reflect is the place among n that a mirror shows at a place.
func reflect(at, n int) int {
	if n == 1 {
		return 0
	}
	period := 2 * (n - 1)
	at %= period
	return min(at, period-at)
}
