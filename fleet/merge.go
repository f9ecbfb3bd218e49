package fleet

import "strings"

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

// merge is a log's giving way to another.
type merge struct {
	into string // the incarnation of the winner
}
