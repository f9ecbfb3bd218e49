package fleet

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// Times of asking.
const (
	askForming  = 200 * time.Millisecond // between two hellos to one peer while forming
	askJoined   = 2 * time.Second        // once in a log, to its servers
	askServers  = 600 * time.Millisecond // once in a log, for each node that is known, from a client to one of its servers
	askOthers   = 10 * time.Second       // from a server of a log to who was sighted
	freshFor    = 3 * time.Second        // a hello while forming
	staleAfter  = 800 * time.Millisecond // and one interval: too old to count on for forming
	freshJoined = 6 * time.Second        // a hello once in a log
	forgetAfter = 2 * time.Minute        // a peer that neither answers nor is seen
	maxPeers    = 4096
)

// peer is a place where a node was said to be, and what it answered.
type peer struct {
	addr   string // HOST:PORT
	said   Ref    // who is there, by mDNS
	static bool
	self   bool // it is this node
	seen   time.Time
	news   bool // sighted since it was last asked
	waits  bool // it is not approved yet

	asking bool
	next   time.Time // when to ask
	failed int       // in a row

	hello    *Hello
	answered time.Time
	remote   netip.AddrPort
	local    netip.Addr // our address on the way there
}

// Peer is a node of the fleet as this one sees it.
type Peer struct {
	Ref
	Name     string
	State    string
	Addr     netip.AddrPort // of its API
	LastSeen time.Time      // when it last answered
	Hello    *Hello
}

// Peers returns the nodes that answered lately, sorted by id.
func (a *Agent) Peers() []Peer {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []Peer
	for _, p := range a.fresh(a.cfg.Clock(), forgetAfter) {
		list = append(list, Peer{Ref{p.hello.ID, p.hello.Boot}, p.hello.Name, p.hello.State, p.remote, p.answered, p.hello})
	}
	return list
}

func (a *Agent) addStatic() {
	for _, addr := range a.cfg.Peers {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			addr = net.JoinHostPort(addr, strconv.Itoa(DefaultPort))
		}
		a.peers[addr] = &peer{addr: addr, static: true}
	}
}

// sighted takes note of what mDNS told.
func (a *Agent) sighted(s sighting) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s.Fleet != a.cfg.Membership.ID() {
		if !a.strange[s.Fleet] && len(a.strange) < maxPeers {
			a.strange[s.Fleet] = true
			a.log.Info("another fleet is on this network and is ignored", "fleet", s.Fleet)
		}
		return
	}
	if s.Boot == a.cfg.Boot {
		return
	}
	now := a.cfg.Clock()
	for _, addr := range s.Addrs {
		hostport := netip.AddrPortFrom(addr, s.Port).String()
		p := a.peers[hostport]
		if p == nil {
			if len(a.peers) >= maxPeers {
				return
			}
			p = &peer{addr: hostport}
			a.peers[hostport] = p
			a.log.Debug("sighted", "peer", s.ID, "address", hostport)
		}
		p.seen, p.news, p.said = now, true, s.Ref
		if a.in != nil && a.in.Ready && a.in.Role == RoleServer {
			a.wakeUp()
		}
	}
}

// fresh returns one peer for each node that answered within age, sorted. The caller holds mu.
func (a *Agent) fresh(now time.Time, age time.Duration) []*peer {
	var list []*peer
	for _, p := range a.peers {
		if p.hello != nil && !p.self && now.Sub(p.answered) < age {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(p, q *peer) int {
		if c := compareRefs(Ref{p.hello.ID, p.hello.Boot}, Ref{q.hello.ID, q.hello.Boot}); c != 0 {
			return c
		}
		return compareAddrs(p.remote.Addr(), q.remote.Addr())
	})
	// A node that has several addresses counts once, by its newest word.
	var nodes []*peer
	for _, p := range list {
		if n := len(nodes); n > 0 && nodes[n-1].hello.Boot == p.hello.Boot {
			if p.answered.Sub(nodes[n-1].answered) > askForming*4 {
				nodes[n-1] = p
			}
			continue
		}
		nodes = append(nodes, p)
	}
	return nodes
}

// view returns what forming sees. The caller holds mu.
func (a *Agent) view(now time.Time, age time.Duration) View {
	v := View{Self: Ref{a.id, a.cfg.Boot}, Anchor: a.cfg.Anchor, Partial: a.votes(now)}
	for _, p := range a.fresh(now, age) {
		m := Member{
			Ref: Ref{p.hello.ID, p.hello.Boot}, Anchor: p.hello.Anchor, Log: p.hello.Log, LastLog: p.hello.LastLog,
			Round: p.hello.Round, Stale: now.Sub(p.answered) > staleAfter+a.interval(p),
		}
		if q := p.hello.Proposal; q != nil {
			m.Proposal = &Proposal{q.Round, q.Servers}
		}
		v.Peers = append(v.Peers, m)
	}
	return v
}
