package fleet

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/capodekappa/capo/fleet/trust"
)

// Times of discovery.
const (
	askEvery     = time.Second      // who is there, while forming, in a small fleet
	askSpread    = 100              // of all nodes together so many milliseconds lie between two questions
	announceLate = time.Second      // after the first announcement, since a packet may be lost
	announceLog  = 15 * time.Second // between those of a server of a log, by which logs find each other; and up to announceSpread more
	announceVary = 10 * time.Second
	checkLinks   = 5 * time.Second
	checkJoined  = 15 * time.Second // the same, in a log
	changesCalm  = 50 * time.Millisecond
	joinAfter    = 400 * time.Millisecond // from the first hello: whoever has this node's id answers too
	aloneFor     = time.Minute            // after which the console is told what the node waits for
)

// speaking is what a node has said by mDNS since it was announced on these links.
type speaking struct {
	announced int       // times
	asked     int       // times
	announce  time.Time // when to do it again
	ask       time.Time
}

// hurry asks every peer at once. The caller holds mu.
func (a *Agent) hurry() {
	for _, p := range a.peers {
		p.next = time.Time{}
	}
	a.wakeUp()
}

// wakeUp has poll look at once.
func (a *Agent) wakeUp() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// rescan asks who is there, soon and once even if the node is in a log. The caller holds mu.
func (a *Agent) rescan() {
	a.seek = true
	select {
	case a.refresh <- struct{}{}:
	default:
	}
}

// Times of looking at what the peers said.
const (
	tick       = 50 * time.Millisecond
	tickCrowd  = 2 * time.Millisecond   // for each node more, in a crowd
	tickMerge  = 250 * time.Millisecond // in a log that gives way
	tickJoined = 5 * time.Second        // in a log, at least
)

// poll asks the peers whose turn it is and steps.
func (a *Agent) poll(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
		case <-timer.C:
		}
		for _, p := range a.due() {
			a.done.Go(func() { a.ask(ctx, p) })
		}
		a.step()
		timer.Reset(a.pace())
	}
}

// pace is how long there is nothing to look at: a moment while there is no log, since time alone changes
// what is decided; once in one until the next peer is to be asked, as an idle board should idle.
func (a *Agent) pace() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.in == nil || !a.in.Ready:
		if a.crowded() {
			return tick + time.Duration(a.nodes())*tickCrowd
		}
		return tick
	case a.merge.into != "":
		return tickMerge
	}
	now, wait := a.cfg.Clock(), tickJoined
	for _, p := range a.worthAsking(now) {
		if !p.asking && !p.self {
			wait = min(wait, max(tick, p.next.Sub(now)))
		}
	}
	return wait
}

// due returns the peers to ask now, marked as being asked, and forgets old ones.
func (a *Agent) due() []*peer {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.approved() {
		return nil
	}
	now := a.cfg.Clock()
	first := 0 // asked for the first time
	for addr, p := range a.peers {
		if !p.static && now.Sub(p.seen) > forgetAfter && now.Sub(p.answered) > forgetAfter {
			delete(a.peers, addr)
		}
		if p.asking && p.hello == nil && p.failed == 0 {
			first++
		}
	}
	var list []*peer
	for _, p := range a.worthAsking(now) {
		if p.asking || p.self || now.Before(p.next) {
			continue
		}
		if p.hello == nil && p.failed == 0 {
			if first++; first > firstAsks {
				continue
			}
		}
		p.asking, p.news = true, false
		list = append(list, p)
	}
	return list
}

// worthAsking returns the peers to ask: while there is no log its audience, then the log's servers; and a
// server of it asks whoever was sighted, who may be in another one. The caller holds mu.
func (a *Agent) worthAsking(now time.Time) []*peer {
	if a.in == nil || !a.in.Ready || a.merge.into != "" {
		return a.audience(now)
	}
	var list []*peer
	for _, p := range a.peers {
		sighted := a.in.Role == RoleServer && (p.news || p.waits) || p.hello == nil && p.static
		if sighted || a.matters(p) {
			list = append(list, p)
		}
	}
	return list
}

// matters reports whether the peer carries our log or is in another one. The caller holds mu.
func (a *Agent) matters(p *peer) bool {
	if p.hello == nil || a.in == nil {
		return false
	}
	carries := slices.ContainsFunc(a.in.Servers, func(s Server) bool { return s.ID == p.hello.ID && s.Boot == p.hello.Boot })
	return carries || p.hello.Log != nil && p.hello.Log.Incarnation != a.in.Incarnation
}

func (a *Agent) ask(ctx context.Context, p *peer) {
	h, remote, local, err := a.asker.ask(ctx, p.addr)
	if ctx.Err() != nil {
		return
	}
	a.mu.Lock()
	a.answer(p, h, remote, local, err)
	a.mu.Unlock()
	if err == nil {
		a.step()
	}
}

// answer takes note of how a peer answered. The caller holds mu.
func (a *Agent) answer(p *peer, h *Hello, remote netip.AddrPort, local netip.Addr, err error) {
	now := a.cfg.Clock()
	p.asking = false
	defer func() {
		if p.next.Before(now) {
			p.next = now.Add(a.interval(p))
		}
	}()
	if err != nil {
		p.failed++
		if a.noteUnapproved(p, remote, err) {
			return
		}
		p.waits = p.waits && p.failed < 3
		refused := errors.Is(err, ErrOtherFleet) || errors.Is(err, ErrBadProof) || errors.Is(err, ErrMalformed) || errors.Is(err, trust.ErrUnknownCA) || errors.Is(err, trust.ErrRevoked) || errors.Is(err, trust.ErrOtherFleet)
		if refused {
			p.next = now.Add(5 * time.Second)
		}
		if refused && p.failed == 1 {
			a.log.Warn("a node that says it is of this fleet is not", "error", err)
		}
		return
	}
	if h.Boot == a.cfg.Boot {
		p.self = !p.static
		p.next = now.Add(5 * time.Second)
		return
	}
	if a.heard.IsZero() {
		a.heard = now
	}
	if a.in != nil && a.in.Role == RoleServer && h.Log != nil && h.Log.Incarnation != a.in.Incarnation && (p.hello == nil || p.hello.Log == nil) {
		a.rescan() // the rest of that log is here too
	}
	p.failed, p.hello, p.answered, p.remote, p.local = 0, h, now, remote, local
	a.noteApproved(p)
	a.noteTime(h)
}

// interval is the time between two hellos to a peer, longer when there are many or when it does
// not answer. The caller holds mu.
func (a *Agent) interval(p *peer) time.Duration {
	if a.in != nil && a.in.Ready && a.merge.into == "" {
		switch {
		case !a.matters(p):
			return askOthers
		case a.in.Role == RoleServer:
			return askJoined
		}
		return a.serverInterval()
	}
	d := max(askForming, time.Duration(a.nodes())*8*time.Millisecond)
	if p.failed > 5 {
		d = max(d, 500*time.Millisecond)
	}
	if a.crowded() && p.unlikely() {
		d = max(d, time.Duration(a.nodes())*askUnlikely)
	}
	return d
}

// serverInterval is the time between two hellos from a client of a log to one of its servers, which tell
// it that they give way. In a crowd all clients together ask each server five times in three seconds. The caller holds mu.
func (a *Agent) serverInterval() time.Duration {
	if !a.crowded() {
		return askJoined
	}
	return time.Duration(a.nodes()) * askServers
}

// step decides anew.
func (a *Agent) step() {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.cfg.Clock()
	if !a.approved() {
		a.waiting = waitsForApproval
		a.complain(now)
		return
	}
	if a.in != nil && a.in.Ready {
		a.waiting = ""
		a.form.Proposal = nil
		a.mergeStep(now)
		return
	}
	v := a.view(now, freshFor+a.interval(&peer{}))
	if a.in != nil && a.was == a.in.Incarnation {
		a.stepSilent(now, v)
		a.complain(now)
		return
	}
	if a.in == nil {
		a.settleID(v)
		v.Self.ID = a.id
	}
	if a.was != "" {
		a.stepLeft(now, v)
		a.complain(now)
		return
	}
	var out Outcome
	a.form, out = Step(a.cfg.rules(), a.form, now, v)
	if out.Log != nil && now.Sub(a.heard) < joinAfter {
		out = Outcome{Role: RoleWaiting, Waiting: "for all nodes to answer before it joins the log " + out.Log.Incarnation}
	}
	a.waiting = out.Waiting
	a.decide(a.decision(out))
	a.complain(now)
}

// stepLeft is for a node that was in a log and left it: it joins the next one it sees.
func (a *Agent) stepLeft(now time.Time, v View) {
	if log := bestLog(v.Peers); log != nil {
		_, out := join(a.cfg.rules(), State{}, now, v, log)
		a.waiting = ""
		a.decide(a.decision(out))
		return
	}
	a.waiting = "for a log: this node was in " + a.was + " since it booted and forms no other (capo fleet reform); " + sees(v)
	a.decide(Decision{Role: RoleWaiting, Why: a.waiting})
}

// stepSilent is for a node whose log does not answer: it waits for it, and joins another one that
// is there in its place.
func (a *Agent) stepSilent(now time.Time, v View) {
	a.waiting = "for the log " + a.was + " to answer: this node forms no other (capo fleet reform); " + sees(v)
	own := &LogInfo{Incarnation: a.in.Incarnation, Role: a.in.Role, Anchor: a.in.Anchor}
	if log := renewed(a.in.Servers, own.Incarnation, v.Peers); log != nil {
		_, out := join(a.cfg.rules(), State{}, now, v, log)
		a.in.Servers = log.Servers // so that it is said once
		a.last = Decision{}
		a.decide(a.decision(out))
		return
	}
	log := substitute(own, now.Sub(a.silent), v.Peers)
	if log == nil {
		return
	}
	_, out := join(a.cfg.rules(), State{}, now, v, log)
	d := a.decision(out)
	d.Lost = own.Incarnation
	a.decide(d)
}

// complain tells the console what the node waits for, once a minute.
func (a *Agent) complain(now time.Time) {
	if a.waiting == "" {
		a.lastWarn = now
	} else if now.Sub(a.lastWarn) >= aloneFor {
		a.lastWarn = now
		a.log.Warn("still waiting " + a.waiting)
	}
}

func linkNames(links []link) []string {
	var names []string
	for _, l := range links {
		names = append(names, l.iface.Name)
	}
	return names
}
