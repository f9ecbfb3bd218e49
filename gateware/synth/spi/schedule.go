package spi

// schedule finds the periods of the output tokens. While tokens come in, one a period, nothing waits: an output comes with
// the token that completes it. What the stages then flush by themselves, one a clock, waits for the period's clock in
// which the wrapper takes a token; from there on all is played through clock by clock.
func (l *Link) schedule(width, rows int) []int {
	clocks := 8 * l.Period
	all := l.models(width, rows)
	// Of the tokens before this one nothing is left in the stages when the first stage begins to flush.
	from := max(0, firstFlush(l.models(width, rows), width*rows)-1-(l.clocks()+clocks-1)/clocks)
	var periods []int
	for k := range from {
		if pass(all) {
			periods = append(periods, k)
		}
	}
	return playOut(all, periods, from, width*rows, clocks, l.clocks())
}

// firstFlush is the first token after which a stage goes on by itself; the last one if none does.
func firstFlush(all []*model, tokens int) int {
	for k := range tokens {
		pass(all)
		for _, m := range all {
			if m.flushing() {
				return k
			}
		}
	}
	return tokens - 1
}

// pass sends a token through stages that never wait, and tells whether one comes out.
func pass(all []*model) bool {
	for _, m := range all {
		if !m.take() {
			return false
		}
	}
	return true
}

// playOut plays the clocks from token number from on until no stage has anything left. Clock 0 is that in which the
// first token of all is taken; the wrapper takes outputs in the clocks that follow by latency, modulo a period.
func playOut(all []*model, periods []int, from, tokens, clocks, latency int) []int {
	for clock := from * clocks; ; clock++ {
		offered := clock%clocks == 0 && clock/clocks < tokens
		taking := clock >= latency && (clock-latency)%clocks == 0
		if step(all, offered, taking) {
			periods = append(periods, (clock-latency)/clocks)
		}
		if clock/clocks >= tokens-1 && idle(all) {
			return periods
		}
	}
}

// step is one clock: it tells whether a token leaves the last stage.
func step(all []*model, offered, taking bool) bool {
	// Who is ready is known from the end, what is offered from the beginning; a stage without registers does both in one
	// clock, so valids go first.
	valid := make([]bool, len(all)+1)
	valid[0] = offered
	for i, m := range all {
		valid[i+1] = m.offers(valid[i])
	}
	ready := taking
	moves := make([]bool, len(all))
	for i := len(all) - 1; i >= 0; i-- {
		moves[i] = ready || !valid[i+1]
		ready = moves[i] && !all[i].flushing()
	}
	out := valid[len(all)] && taking
	for i, m := range all {
		if moves[i] {
			m.move(valid[i])
		}
	}
	return out
}

func idle(all []*model) bool {
	for _, m := range all {
		if m.flushing() || m.filled > 0 {
			return false
		}
	}
	return true
}
