package sched

// Schedule says in which pipeline stage each node of a graph stands.
type Schedule struct {
	Part   Part
	Stage  []int  // of each node
	Sync   []bool // a table in block memory: its index is read at the end of the stage before
	Depth  int    // register ranks from an input to an output
	Worst  float64
	Needed []int // the last stage in which a node's value is wanted, in that stage; its own where nobody wants it
	Bits   int   // flip-flops of values

	arrive []arrival
	group  []int // of each node that is in a loop of feedback; -1 for none
	users  [][]ID
	result []bool // of each node: the last rank of registers takes it
	tokens []bool // of each node: a window's memory takes it in stage 1
	feeds  [][]ID // of each node: the states that it feeds or clears
}

// Place puts pipeline registers into a graph so that a part reaches its period where that can be done: loops of feedback are not
// cut. A value stands as early as it can; then values are moved where that saves flip-flops.
func Place(g *Graph, p Part) *Schedule {
	s := &Schedule{Part: p, Stage: make([]int, len(g.Nodes)), Sync: make([]bool, len(g.Nodes))}
	s.arrive = make([]arrival, len(g.Nodes))
	s.loops(g)
	s.memories(g)
	s.users = make([][]ID, len(g.Nodes))
	for i := range g.Nodes {
		for _, a := range g.Nodes[i].Operands() {
			s.users[a] = append(s.users[a], ID(i))
		}
	}
	s.ends(g)
	s.early(g)
	s.finish(g)
	s.save(g)
	s.finish(g)
	return s
}

// ends notes which nodes registers and states take.
func (s *Schedule) ends(g *Graph) {
	s.result, s.feeds = make([]bool, len(g.Nodes)), make([][]ID, len(g.Nodes))
	for _, id := range s.results(g) {
		s.result[id] = true
	}
	s.tokens = make([]bool, len(g.Nodes))
	for _, id := range g.Tokens {
		s.tokens[id] = true
	}
	for _, f := range g.States {
		s.feeds[f.Next] = append(s.feeds[f.Next], f.Node)
		if f.Clear != None {
			s.feeds[f.Clear] = append(s.feeds[f.Clear], f.Node)
		}
	}
}

// limit is when a value must be there to be taken by a register.
func (s *Schedule) limit() float64 { return s.Part.Period - s.Part.Setup }

// loops finds which nodes lie on a way from a state to its next value.
func (s *Schedule) loops(g *Graph) {
	s.group = make([]int, len(g.Nodes))
	groups := map[int]bool{}
	for i := range s.group {
		s.group[i] = -1
	}
	for _, f := range g.States {
		groups[f.Group] = true
	}
	for group := range groups {
		from, to := make([]bool, len(g.Nodes)), make([]bool, len(g.Nodes))
		for _, f := range g.States {
			if f.Group == group {
				from[f.Node], to[f.Next] = true, true
			}
		}
		for i := range g.Nodes {
			for _, a := range g.Nodes[i].Operands() {
				from[i] = from[i] || from[a]
			}
		}
		for i := len(g.Nodes) - 1; i >= 0; i-- {
			if to[i] {
				for _, a := range g.Nodes[i].Operands() {
					to[a] = true
				}
			}
			if from[i] && to[i] || g.Nodes[i].Op == State && g.States[g.Nodes[i].Imm].Group == group {
				s.group[i] = group
			}
		}
	}
}

// memories chooses the tables that go into block memory: large ones outside of loops.
func (s *Schedule) memories(g *Graph) {
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Op == Rom && s.group[i] < 0 {
			w, _ := n.Bits()
			s.Sync[i] = w*len(g.Tables[n.Imm]) > s.Part.RomBits
		}
	}
}

// early places all nodes as early as possible. A loop stands in one stage: the first in which all that it takes from outside
// is there, or if that is late in it, the next.
func (s *Schedule) early(g *Graph) {
	least := map[int]int{}
	pushed := map[int]bool{}
	for again := true; again; {
		again = false
		for i := range g.Nodes {
			id := ID(i)
			s.Stage[i] = s.earliest(g, id, least)
			s.arrive[i] = s.time(g, id)
			if s.group[i] < 0 && s.arrive[i].last > s.limit() && s.late(g, id) {
				s.Stage[i]++
				s.arrive[i] = s.time(g, id)
			}
			if k := s.group[i]; k >= 0 && s.Stage[i] > least[k] {
				least[k], again = s.Stage[i], true
			}
		}
		for _, f := range g.States {
			if k := f.Group; s.arrive[f.Next].last > s.limit() && !pushed[k] && s.Stage[f.Next] == least[k] && s.fed(g, k) {
				least[k]++
				pushed[k], again = true, true
			}
			for _, id := range []ID{f.Next, f.Clear} {
				if id != None && s.Stage[id] > least[f.Group] {
					least[f.Group], again = s.Stage[id], true
				}
			}
		}
	}
}

// earliest is the first stage that a node's operands allow.
func (s *Schedule) earliest(g *Graph, id ID, least map[int]int) int {
	n := &g.Nodes[id]
	stage := 0
	switch {
	case n.Op == Input:
		return g.Inputs[n.Imm].Stage
	case s.group[id] >= 0:
		stage = least[s.group[id]]
	}
	for _, a := range n.Operands() {
		if g.Nodes[a].Op != Const {
			stage = max(stage, s.Stage[a])
		}
	}
	if s.Sync[id] {
		stage++
	}
	return stage
}

// time is when a node's value is there in its stage.
func (s *Schedule) time(g *Graph, id ID) arrival {
	n := &g.Nodes[id]
	start := arrival{s.Part.Clock, s.Part.Clock}
	switch {
	case n.Op == Const:
		return arrival{}
	case n.Op == Input && g.Inputs[n.Imm].Memory, s.Sync[id]:
		return arrival{s.Part.Memory, s.Part.Memory}
	case n.Op == Input, n.Op == State, n.Op == Delay, n.Op == Row:
		return start
	}
	var in [3]arrival
	for i, a := range n.Operands() {
		switch {
		case g.Nodes[a].Op == Const:
		case s.Stage[a] < s.Stage[id]:
			in[i] = start
		default:
			in[i] = s.arrive[a]
		}
	}
	return s.Part.after(g, n, in[:len(n.Operands())])
}

// late tells whether registers before a node would help it.
func (s *Schedule) late(g *Graph, id ID) bool {
	for _, a := range g.Nodes[id].Operands() {
		if s.Stage[a] == s.Stage[id] && s.arrive[a].last > s.Part.Clock {
			return true
		}
	}
	return false
}

// fed tells whether a loop takes something from outside that is late in its stage.
func (s *Schedule) fed(g *Graph, group int) bool {
	for i := range g.Nodes {
		if s.group[i] != group {
			continue
		}
		for _, a := range g.Nodes[i].Operands() {
			if s.group[a] != group && s.Stage[a] == s.Stage[i] && s.arrive[a].last > s.Part.Clock {
				return true
			}
		}
	}
	return false
}

// finish computes what follows from the stages: the depth, how long values are wanted, the longest path.
func (s *Schedule) finish(g *Graph) {
	s.Depth, s.Worst, s.Bits = 1, 0, 0
	for _, id := range s.results(g) {
		s.Depth = max(s.Depth, s.Stage[id]+1)
	}
	for i := range g.Nodes {
		if n := &g.Nodes[i]; n.Op == Input {
			s.Depth = max(s.Depth, g.Inputs[n.Imm].Stage+1)
		}
	}
	s.Needed = make([]int, len(g.Nodes))
	for i := range g.Nodes {
		s.Needed[i] = s.needed(ID(i))
		s.Bits += s.registers(g, ID(i))
		s.Worst = max(s.Worst, s.arrive[i].last+s.Part.Setup)
	}
}

// results are the nodes that the last rank of registers takes.
func (s *Schedule) results(g *Graph) []ID {
	all := append([]ID{}, g.Outs...)
	for _, id := range []ID{g.Keep, g.Line, g.Last, g.Fresh} {
		if id != None {
			all = append(all, id)
		}
	}
	return all
}
