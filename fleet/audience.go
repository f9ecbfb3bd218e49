package fleet

import (
	"slices"
	"time"
)

// Whom a node asks while it is in no log. In a small fleet everybody asks everybody. N nodes that did so
// would put N² questions, each some times a second, and fifty on a slow machine would never see one stable view.
// In a larger fleet only the candidates ask everybody: the few nodes of the lowest ids, and
// whoever may carry the log for another reason. All others are voters. They ask the candidates, and show the
// proposal on which the servers that it names agree.
const (
	smallFleet  = 12                     // so many nodes all ask each other
	spare       = 2                      // more candidates than servers
	firstAsks   = 4                      // hellos at a time to nodes that have not answered yet
	failsOften  = 3                      // times in a row: then a peer is not counted on
	askUnlikely = 100 * time.Millisecond // and all those that are not, together
)

// crowded reports whether there are so many nodes that not all ask all. The caller holds mu.
func (a *Agent) crowded() bool { return a.nodes() > a.small }

// nodes is how many there are, as far as this one knows. The caller holds mu.
func (a *Agent) nodes() int {
	n := len(a.peers) + 1
	if a.in != nil {
		n = max(n, a.in.Nodes)
	}
	return n
}

// votes reports whether this node is a voter. The caller holds mu.
func (a *Agent) votes(now time.Time) bool {
	if !a.crowded() || a.cfg.Anchor || a.form.started != nil {
		return false
	}
	self, lower := Ref{a.id, a.cfg.Boot}, 0
	for _, p := range a.fresh(now, freshFor+a.interval(&peer{})) {
		if p.hello.Proposal != nil && slices.Contains(p.hello.Proposal.Servers, self) {
			return false
		}
		if p.hello.LastLog == "" && compareRefs(Ref{p.hello.ID, p.hello.Boot}, self) < 0 {
			lower++
		}
	}
	return lower >= a.candidates()
}

func (a *Agent) candidates() int { return a.cfg.rules().withDefaults().Servers + spare }

// audience returns the peers that are worth asking while there is no log, in the order in which to
// do it. The caller holds mu.
func (a *Agent) audience(now time.Time) []*peer {
	var list []*peer
	for _, p := range a.peers {
		if !p.self {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(p, q *peer) int { return compareRefs(p.who(), q.who()) })
	if !a.crowded() || a.last.Incarnation == "" && !a.votes(now) {
		return list
	}
	named := a.named(now)
	left := a.candidates()
	return slices.DeleteFunc(list, func(p *peer) bool {
		if named[p.who()] || p.who().ID == a.id || p.static && p.hello == nil || p.hello != nil && p.hello.Anchor || p.unlikely() {
			return false
		}
		left--
		return left < 0
	})
}

// unlikely reports whether a peer is not counted on to carry a log: it does not answer, or waits for one.
// In a crowd it is asked seldom.
func (p *peer) unlikely() bool {
	return p.failed >= failsOften || p.hello != nil && p.hello.LastLog != "" && p.hello.Log == nil
}

// named returns who carries the log that this node is about to join and those that it sees, and
// who would carry those that are proposed. The caller holds mu.
func (a *Agent) named(now time.Time) map[Ref]bool {
	refs := map[Ref]bool{}
	note := func(servers []Server) {
		for _, s := range servers {
			refs[s.Ref()] = true
		}
	}
	note(a.last.Servers)
	for _, p := range a.fresh(now, freshJoined) {
		if p.hello.Log != nil {
			note(p.hello.Log.Servers)
		}
		if p.hello.Proposal != nil {
			for _, ref := range p.hello.Proposal.Servers {
				refs[ref] = true
			}
		}
	}
	return refs
}

// who is the node that a peer is, as far as is known.
func (p *peer) who() Ref {
	if p.hello != nil {
		return Ref{p.hello.ID, p.hello.Boot}
	}
	return p.said
}
