package fleet

import (
	"net/netip"
	"slices"
	"time"
)

// decision gives an outcome the addresses. The caller holds mu.
func (a *Agent) decision(out Outcome) Decision {
	d := Decision{Role: out.Role, Why: out.Waiting}
	switch {
	case out.Forms != nil:
		d.Incarnation = out.Forms.Incarnation(a.cfg.Membership.ID())
		for _, ref := range out.Forms.Servers {
			d.Servers = append(d.Servers, Server{ID: ref.ID, Boot: ref.Boot})
		}
	case out.Log != nil:
		d.Incarnation = out.Log.Incarnation
		d.Servers = slices.Clone(out.Log.Servers)
	default:
		return d
	}
	d.Self = a.address(d.Servers)
	return d
}

// address fills in where this node reaches the servers, and returns where they reach it. The
// caller holds mu.
func (a *Agent) address(servers []Server) netip.Addr {
	self := a.cfg.Listen
	nodes := a.fresh(a.cfg.Clock(), forgetAfter)
	for i, s := range servers {
		for _, p := range nodes {
			if p.hello.Boot != s.Boot {
				continue
			}
			servers[i].Addr = p.remote.Addr()
			if !self.IsValid() {
				self = p.local
			}
		}
	}
	if !self.IsValid() {
		self = a.ownAddress(nodes)
	}
	for i, s := range servers {
		if s.Boot == a.cfg.Boot {
			servers[i].Addr = self
		}
	}
	return self
}

// Locate returns the servers with the addresses where this node reaches them, as far as it has heard from them; the others keep
// theirs.
func (a *Agent) Locate(servers []Server) []Server {
	a.mu.Lock()
	defer a.mu.Unlock()
	servers = slices.Clone(servers)
	for i, s := range servers {
		if s.Boot == a.cfg.Boot && a.last.Self.IsValid() {
			servers[i].Addr = a.last.Self
		}
		var heard time.Time
		for _, p := range a.peers {
			if p.hello != nil && !p.self && p.hello.Boot == s.Boot && p.answered.After(heard) {
				servers[i].Addr, heard = p.remote.Addr(), p.answered
			}
		}
	}
	return servers
}

// ownAddress is for a node that forms alone: on the way to any peer, else its first one.
func (a *Agent) ownAddress(nodes []*peer) netip.Addr {
	for _, p := range nodes {
		if p.local.IsValid() {
			return p.local
		}
	}
	for _, l := range a.links {
		if len(l.addrs) > 0 {
			return l.addrs[0]
		}
	}
	return netip.Addr{}
}
