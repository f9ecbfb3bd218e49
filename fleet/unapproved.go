package fleet

import (
	"crypto/x509"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/capodekappa/capo/fleet/trust"
)

// Unapproved is a node that waits to be let in: it has no certificate of the fleet, and shows one that it signed
// itself, which proves nothing but that it has the key.
type Unapproved struct {
	ID          string
	Fingerprint string // of its key, as its console shows it
	Leaf        *x509.Certificate
	Addr        netip.AddrPort
	LastSeen    time.Time
}

// waitsFor is for how long a node that waits is remembered after it last answered.
const waitsFor = 15 * time.Second

// maxUnapproved bounds how many are remembered: anybody on the network can pretend to be one.
const maxUnapproved = 64

// Unapproved returns the nodes that wait to be let in, as far as this one has met them lately, sorted by id.
func (a *Agent) Unapproved() []Unapproved {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.cfg.Clock()
	var list []Unapproved
	for key, u := range a.unapproved {
		if now.Sub(u.LastSeen) > waitsFor {
			delete(a.unapproved, key)
			continue
		}
		list = append(list, u)
	}
	slices.SortFunc(list, func(x, y Unapproved) int {
		return strings.Compare(x.ID+x.Fingerprint, y.ID+y.Fingerprint)
	})
	return list
}

// noteUnapproved remembers a peer that answered without a certificate, and reports whether err says so. The caller holds mu.
func (a *Agent) noteUnapproved(p *peer, remote netip.AddrPort, err error) bool {
	var u *trust.UnapprovedError
	if !errors.As(err, &u) || !trust.ValidID(u.ID) {
		return false
	}
	if !remote.IsValid() {
		remote, _ = netip.ParseAddrPort(p.addr)
	}
	now := a.cfg.Clock()
	key := u.Fingerprint()
	if _, known := a.unapproved[key]; !known {
		if len(a.unapproved) >= maxUnapproved {
			return true
		}
		a.log.Warn("a node waits to be approved", "id", u.ID, "fingerprint", key, "address", p.addr)
	}
	a.unapproved[key] = Unapproved{u.ID, key, u.Leaf, remote, now}
	p.waits, p.failed, p.seen, p.next = true, 0, now, now.Add(2*time.Second)
	return true
}

// noteApproved forgets that a peer waits. The caller holds mu.
func (a *Agent) noteApproved(p *peer) {
	if !p.waits {
		return
	}
	p.waits = false
	maps.DeleteFunc(a.unapproved, func(_ string, u Unapproved) bool { return u.Addr == p.remote || u.Addr.String() == p.addr })
}

// noteTime takes a peer's word for the time, where this node does not know it: the median of what those say who do. The caller holds mu.
func (a *Agent) noteTime(h *Hello) {
	if h.TimeMS == 0 || a.cfg.Authority == nil {
		return
	}
	if _, known := a.cfg.Authority.Clock().Now(); known {
		return
	}
	now := a.cfg.Clock()
	a.times[h.ID] = time.UnixMilli(h.TimeMS).Sub(now)
	var ahead []time.Duration
	for _, d := range a.times {
		ahead = append(ahead, d)
	}
	slices.Sort(ahead)
	if len(ahead) >= min(3, max(1, len(a.peers))) {
		a.cfg.Authority.Clock().Tell(now.Add(ahead[(len(ahead)-1)/2]))
	}
}

// waitsForApproval is what a node without a certificate says.
const waitsForApproval = "to be let into the fleet (capo fleet approve)"

// approved tells whether the node may take part. It is asked many times a second, and who was let in stays so: a
// node whose certificate is revoked is refused by the others. The caller holds mu.
func (a *Agent) approved() bool {
	a.letIn = a.letIn || a.cfg.Approved == nil || a.cfg.Approved()
	return a.letIn
}

// Enrolled has the agent begin, once the node has a certificate.
func (a *Agent) Enrolled() {
	a.SetState(StateJoining)
	a.rescan()
	a.wakeUp()
}

// Sighted returns where nodes of the fleet were said to be, whether they answered or not.
func (a *Agent) Sighted() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []string
	for addr, p := range a.peers {
		if !p.self {
			list = append(list, addr)
		}
	}
	slices.Sort(list)
	return list
}
