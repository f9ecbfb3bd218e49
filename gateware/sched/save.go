package sched

import "slices"

// Bounds of the search for fewer registers.
const (
	maxMoves  = 40   // rounds
	maxSearch = 4000 // nodes; larger graphs stay as they are first placed
)

// save moves nodes to other stages as long as that takes flip-flops away and keeps to the period.
func (s *Schedule) save(g *Graph) {
	if len(g.Nodes) > maxSearch {
		return
	}
	for range maxMoves {
		moved := false
		for i := len(g.Nodes) - 1; i >= 0; i-- {
			moved = s.move(g, ID(i), 1) || moved
		}
		for i := range g.Nodes {
			moved = s.move(g, ID(i), -1) || moved
		}
		if !moved {
			return
		}
	}
}

// move tries a node in the next or the previous stage. What costs as much as before is done towards the end only, where later
// moves may gain by it.
func (s *Schedule) move(g *Graph, id ID, by int) bool {
	n := &g.Nodes[id]
	if n.Op == Input || n.Op == Const || s.group[id] >= 0 || s.Sync[id] || !s.fits(g, id, by) {
		return false
	}
	before := s.around(g, id)
	s.Stage[id] += by
	gain := before - s.around(g, id)
	if gain > 0 && s.timely(g, id) {
		return true
	}
	s.Stage[id] -= by
	s.retime(g, id)
	return false
}

// fits tells whether operands and users allow a move.
func (s *Schedule) fits(g *Graph, id ID, by int) bool {
	to := s.Stage[id] + by
	if to < 0 || to >= s.Depth {
		return false
	}
	for _, a := range g.Nodes[id].Operands() {
		if g.Nodes[a].Op != Const && s.Stage[a] > to {
			return false
		}
	}
	for _, u := range s.users[id] {
		if s.Stage[u] < to || s.Sync[u] && s.Stage[u] <= to {
			return false
		}
	}
	for _, state := range s.feeds[id] {
		if s.Stage[state] < to {
			return false
		}
	}
	return true
}

// around counts the flip-flops that a node's place decides about.
func (s *Schedule) around(g *Graph, id ID) int {
	sum := s.registers(g, id)
	ops := g.Nodes[id].Operands()
	for i, a := range ops {
		if !slices.Contains(ops[:i], a) {
			sum += s.registers(g, a)
		}
	}
	return sum
}

// needed is the last stage that wants a node's value as it is in that stage.
func (s *Schedule) needed(id ID) int {
	last := s.Stage[id]
	for _, u := range s.users[id] {
		if s.Sync[u] {
			last = max(last, s.Stage[u]-1)
			continue
		}
		last = max(last, s.Stage[u])
	}
	if s.tokens[id] {
		last = max(last, 1)
	}
	if s.result[id] {
		last = max(last, s.Depth-1)
	}
	for _, state := range s.feeds[id] {
		last = max(last, s.Stage[state])
	}
	return last
}

// registers counts the flip-flops that hold a node's value, now or a step later. A delay behind a register of the same stage is that
// register, unless delays are cleared.
func (s *Schedule) registers(g *Graph, id ID) int {
	n := &g.Nodes[id]
	if n.Op == Const {
		return 0
	}
	w, _ := n.Bits()
	ranks := s.needed(id) - s.Stage[id]
	for _, u := range s.users[id] {
		shared := !g.Clear && s.Stage[u] < s.Stage[id]+ranks
		if g.Nodes[u].Op == Row && g.Nodes[u].Args[0] == id || g.Nodes[u].Op == Delay && !shared {
			ranks++
		}
	}
	return w * ranks
}

// timely computes times anew from a moved node on, and tells whether all keep to the period, or to what they had.
func (s *Schedule) timely(g *Graph, id ID) bool {
	worst := max(s.limit(), s.Worst-s.Part.Setup)
	return s.retime(g, id) <= worst
}

// retime computes times from a node on and returns the latest of them.
func (s *Schedule) retime(g *Graph, from ID) float64 {
	worst := 0.0
	dirty := map[ID]bool{from: true}
	for i := from; int(i) < len(g.Nodes); i++ {
		if !dirty[i] {
			continue
		}
		t := s.time(g, i)
		worst = max(worst, t.last)
		same := t == s.arrive[i]
		s.arrive[i] = t
		if same && i != from {
			continue
		}
		for _, u := range s.users[i] {
			dirty[u] = true
		}
	}
	return worst
}
