package fleet

import (
	"fmt"
	"slices"
)

// maxConfiguredID leaves room for the suffix of a node whose id another one has.
const maxConfiguredID = 44

// yields reports whether the node self, of two with one id, takes a suffix: a node that is in a
// log or proposed keeps its id before one that is not, and then the lower boot does.
func yields(self, other Ref, selfSettled, otherSettled bool) bool {
	if selfSettled != otherSettled {
		return otherSettled
	}
	return self.Boot > other.Boot
}

// suffixed returns base with the lowest suffix from -2 on that no peer has.
func suffixed(base string, peers []Member) string {
	for n := 2; ; n++ {
		id := fmt.Sprintf("%s-%d", base, n)
		if !slices.ContainsFunc(peers, func(p Member) bool { return p.ID == id }) {
			return id
		}
	}
}

// settleID gives this node another id if one in view has it and keeps it. Both run. The caller
// holds mu.
func (a *Agent) settleID(v View) {
	settled := a.form.started != nil || a.form.Proposal.names(v.Self)
	for _, p := range v.Peers {
		if p.ID != a.id || !yields(v.Self, p.Ref, settled, p.Log != nil || p.Proposal.names(p.Ref)) {
			continue
		}
		old := a.id
		a.id = suffixed(a.cfg.ID, v.Peers)
		if a.cfg.Renamed != nil {
			a.cfg.Renamed(a.id)
		}
		a.log.Warn("another node has this node's id: both run, this one under another id", "id", old, "other_boot", p.Boot, "now", a.id)
		a.rescan()
		return
	}
}
