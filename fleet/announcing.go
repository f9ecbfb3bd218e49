package fleet

import (
	"context"
	"math/rand/v2"
	"time"
)

// discover keeps the node announced on the links as they come and go. While there is no log it asks who is
// there; once in one nobody asks, and the servers announce themselves now and then, which is
// how they find another log.
func (a *Agent) discover(ctx context.Context) {
	var announced *announcement
	defer func() {
		if announced != nil {
			announced.close()
		}
	}()
	var (
		print, id string
		speak     speaking
	)
	for force := true; ctx.Err() == nil; {
		links, err := findLinks(a.cfg.Interfaces, a.cfg.Listen)
		if err != nil {
			a.log.Warn("cannot list the network interfaces", "error", err)
		}
		if now := fingerprint(links); force || now != print || id != a.ID() || announced == nil {
			print, id = now, a.ID()
			announced = a.announceAnew(announced, links, id)
			speak = speaking{}
		}
		var wait time.Duration
		speak, wait = a.speak(announced, speak)
		force = a.pause(ctx, wait)
	}
}

// announceAnew replaces the announcement and returns the new one, nil when there is none.
func (a *Agent) announceAnew(old *announcement, links []link, id string) *announcement {
	if old != nil {
		old.close()
	}
	a.mu.Lock()
	a.links = links
	a.mu.Unlock()
	if len(links) == 0 {
		return nil
	}
	self := sighting{Fleet: a.cfg.Membership.ID(), Ref: Ref{id, a.cfg.Boot}, Port: uint16(a.cfg.Port)}
	n, err := announce(self, links, a.sighted, a.log)
	if err != nil {
		a.log.Warn("cannot announce this node by mdns", "error", err)
		return nil
	}
	a.log.Info("announced by mdns", "id", id, "interfaces", linkNames(links))
	return n
}

// speak says by mDNS what is due, and returns when to look again.
func (a *Agent) speak(n *announcement, s speaking) (speaking, time.Duration) {
	if n == nil {
		return s, askEvery
	}
	now := time.Now()
	server, seeks, nodes := a.standing()
	if s.announced == 0 {
		s.announced, s.announce = 1, now.Add(announceLate)
	}
	if seeks && !now.Before(s.ask) {
		a.askAround(n, s.asked)
		s.asked++
		s.ask = now.Add(max(askEvery, time.Duration(nodes)*askSpread*time.Millisecond))
	}
	if (server || s.announced < 2) && !now.Before(s.announce) {
		n.responder.announce(false)
		s.announced++
		s.announce = now.Add(announceLog + rand.N(announceVary))
	}
	next := now.Add(checkLinks)
	if !seeks {
		next = now.Add(checkJoined)
	}
	if seeks && s.ask.Before(next) {
		next = s.ask
	}
	if (server || s.announced < 2) && s.announce.Before(next) {
		next = s.announce
	}
	return s, next.Sub(now)
}

// standing reports whether the node carries its log, whether it looks for others, and how many it
// knows of.
func (a *Agent) standing() (server, seeks bool, nodes int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	joined := a.in != nil && a.in.Ready && a.merge.into == ""
	return joined && a.in.Role == RoleServer, !joined || a.seek, a.nodes()
}

// askAround asks who is there besides those that answer: at first, and then every other time, so
// that the answer comes to this node alone, else so that all hear it, since not every host lets the first kind in.
func (a *Agent) askAround(n *announcement, asked int) {
	known := a.known()
	a.mu.Lock()
	a.seek = false
	a.mu.Unlock()
	if asked%2 == 1 || len(n.questions.conns) == 0 {
		n.responder.ask(known)
		return
	}
	if err := n.questions.ask(known); err != nil {
		a.log.Debug("question not asked", "error", err)
	}
}

// known returns the ids of nodes that answer, in a random order.
func (a *Agent) known() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []string
	for _, p := range a.fresh(a.cfg.Clock(), freshFor) {
		list = append(list, p.hello.ID)
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// changed is called when changes had something to say; it takes what else comes at once, since
// one plugged cable is several changes. A closed channel says nothing, now or ever.
func (a *Agent) changed(ctx context.Context) bool {
	calm := time.NewTimer(changesCalm)
	defer calm.Stop()
	for {
		select {
		case _, open := <-a.changes:
			if !open {
				a.changes = nil
				return false
			}
		case <-calm.C:
			return true
		case <-ctx.Done():
			return true
		}
	}
}

// pause waits, and reports whether to announce anew since links changed.
func (a *Agent) pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-a.changes:
			if a.changed(ctx) {
				return true
			}
		case <-a.refresh:
			return false
		case <-timer.C:
			return false
		}
	}
}
