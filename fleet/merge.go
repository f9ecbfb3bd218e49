package fleet

import (
	"slices"
	"strings"
	"time"
)

// beats reports whether log a wins over log b when the two meet: the one with an anchor, then the
// one with more nodes, then the lower incarnation.
func beats(a, b *LogInfo) bool {
	if a.Anchor != b.Anchor {
		return a.Anchor
	}
	if a.Nodes != b.Nodes {
		return a.Nodes > b.Nodes
	}
	return strings.Compare(a.Incarnation, b.Incarnation) < 0
}

// bestLog returns the formed log among peers that wins over the others, or nil. Of two hellos
// about one log a server's counts before a client's. A log that gives way counts only alone.
func bestLog(peers []Member) *LogInfo {
	var best *LogInfo
	for i := range peers {
		log := peers[i].Log
		if log != nil && (best == nil || preferred(log, best)) {
			best = log
		}
	}
	return best
}

func preferred(a, b *LogInfo) bool {
	if a.Incarnation == b.Incarnation {
		return a.Role == RoleServer && b.Role != RoleServer
	}
	if (a.MergeInto == "") != (b.MergeInto == "") {
		return a.MergeInto == ""
	}
	return beats(a, b)
}

// mergeNotice is how long a log shows that it gives way before it does, so that two logs which
// each saw the other win notice it.
const mergeNotice = 2 * time.Second

// merge is a log's giving way to another. The zero value is a log that stays.
type merge struct {
	into  string // the incarnation of the winner
	since time.Time
	told  bool // the node was told
}

// winner returns the log that own must give way to, as the peers show it: what a fellow of own
// gives way to, or, for one of its servers, another log that wins. The name is set when there is
// such a log, and the log when a peer shows it.
func winner(own *LogInfo, peers []Member) (incarnation string, log *LogInfo) {
	var others []Member
	for _, p := range peers {
		switch {
		case p.Log == nil:
		case p.Log.Incarnation != own.Incarnation:
			others = append(others, p)
		case p.Log.MergeInto != "" && p.Log.Role == RoleServer:
			incarnation = p.Log.MergeInto
		}
	}
	if own.Role == RoleServer && (incarnation == "" || !isShown(incarnation, live(others))) {
		if best := bestLog(live(others)); best != nil && best.MergeInto == "" && beats(best, own) {
			return best.Incarnation, best
		}
		return "", nil
	}
	others = slices.DeleteFunc(others, func(m Member) bool { return m.Log.Incarnation != incarnation })
	return incarnation, bestLog(others)
}

// isShown reports whether any peer is in the log. Servers that only told each other of one which is gone would
// give way to it for ever.
func isShown(incarnation string, peers []Member) bool {
	return slices.ContainsFunc(peers, func(m Member) bool { return m.Log.Incarnation == incarnation })
}

// live returns those peers that show a log of which they are, together, a majority of the servers:
// what a lone one says about its log may be old news.
func live(peers []Member) []Member {
	servers := map[string]int{}
	for _, p := range peers {
		if slices.ContainsFunc(p.Log.Servers, func(s Server) bool { return s.Ref() == p.Ref }) {
			servers[p.Log.Incarnation]++
		}
	}
	return slices.DeleteFunc(slices.Clone(peers), func(m Member) bool {
		return servers[m.Log.Incarnation] <= len(m.Log.Servers)/2
	})
}

// isThere reports whether a majority of a log's servers have just shown it.
func isThere(incarnation string, peers []Member) bool {
	return len(live(slices.DeleteFunc(slices.Clone(peers), func(m Member) bool {
		return m.Stale || m.Log == nil || m.Log.Incarnation != incarnation
	}))) > 0
}

// step returns what becomes of a merge, and the log to join when it is time to.
func (m merge) step(now time.Time, own *LogInfo, peers []Member) (merge, *LogInfo) {
	if m.told {
		return m, nil
	}
	into, log := winner(own, peers)
	if log != nil && log.MergeInto == own.Incarnation && own.Incarnation < into {
		into = "" // each saw the other win: the lower one stays
	}
	if into != m.into {
		m = merge{into: into, since: now}
	}
	if into == "" || log == nil || own.Role == RoleServer && now.Sub(m.since) < mergeNotice {
		return m, nil
	}
	if own.Role == RoleServer && !isThere(into, peers) { // it was there when the merge began, but a log that nobody reaches wins nothing
		return m, nil
	}
	m.told = true
	return m, log
}

// serverPatience is for how long a server waits for its log to answer before it gives it up for
// another one: it may hold what nobody else does.
const serverPatience = 10 * time.Second

// substitute returns the log to join in place of own, which does not answer for the given time:
// the best of the others, unless a peer still has own.
func substitute(own *LogInfo, silent time.Duration, peers []Member) *LogInfo {
	others := slices.DeleteFunc(slices.Clone(peers), func(m Member) bool {
		return m.Log == nil || m.Log.Incarnation == own.Incarnation && m.Log.MergeInto != ""
	})
	patience := mergeNotice
	if own.Role == RoleServer {
		patience = serverPatience
	}
	for _, m := range others {
		if m.Log.Incarnation == own.Incarnation {
			return nil
		}
	}
	if best := bestLog(live(others)); best != nil && silent >= patience && beats(best, own) {
		return best
	}
	return nil
}

// renewed returns a log as a majority of its servers shows it, when those are not the servers that this node knows of.
func renewed(known []Server, incarnation string, peers []Member) *LogInfo {
	peers = slices.DeleteFunc(slices.Clone(peers), func(m Member) bool { return m.Log == nil || m.Log.Incarnation != incarnation })
	best := bestLog(live(peers))
	if best == nil || slices.Equal(refs(known), refs(best.Servers)) {
		return nil
	}
	return best
}

// refs names which runs of which nodes the servers are, sorted.
func refs(servers []Server) []Ref {
	var list []Ref
	for _, s := range servers {
		list = append(list, s.Ref())
	}
	slices.SortFunc(list, compareRefs)
	return list
}

// mergeStep lets this node's log give way to another one of the fleet that wins over it. The
// caller holds mu.
func (a *Agent) mergeStep(now time.Time) {
	own := a.logInfo()
	if own == nil {
		return
	}
	own.MergeInto = ""
	was := a.merge.into
	age := freshJoined
	if own.Role == RoleClient { // which asks less often where there are many
		age = max(age, 2*a.serverInterval())
	}
	v := a.view(now, age)
	next, log := a.merge.step(now, own, v.Peers)
	a.merge = next
	if next.into != was {
		a.log.Warn("another log of this fleet is there", "ours", own.Incarnation, "gives_way_to", next.into)
		a.hurry()
		a.rescan()
	}
	if log == nil {
		return
	}
	_, out := join(a.cfg.rules(), State{}, now, v, log)
	d := a.decision(out)
	d.Lost = own.Incarnation
	a.decide(d)
}
