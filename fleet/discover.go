package fleet

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/capodekappa/capo/fleet/trust"
)

const (
	discoverQuiet = 400 * time.Millisecond // for which nothing new must have been found for Discover to be content
	discoverFirst = 250 * time.Millisecond // after which it asks again
)

// Found is a node that Discover found.
type Found struct {
	Hello *Hello
	Addr  netip.AddrPort // of its API
}

// Discover looks for the fleet's nodes on the named interfaces, or on all of them and the
// loopback, and returns those whose hello is proved, sorted by id. It ends when some were found
// and no more come, or with ctx; finding none is no error.
func Discover(ctx context.Context, authority *trust.Authority, interfaces []string) ([]Found, error) {
	links, err := allLinks(interfaces)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d := &discovery{asker: newAsker(authority, netip.Addr{}), tried: map[netip.AddrPort]bool{}, found: map[Ref]Found{}}
	defer d.asker.close()
	found := func(s sighting) { d.sighted(ctx, s) }
	alone, err := openQuestions(links, found)
	if err != nil {
		return nil, fmt.Errorf("look for nodes: %w", err)
	}
	defer alone.close()
	// Where answers to this program alone do not arrive, those to everybody may.
	together := listenTogether(links, found)
	defer together.close()
	d.wait.Go(func() { d.endWhenQuiet(ctx, cancel) })
	failed := d.askAgain(ctx, alone, together)
	d.wait.Wait()
	if len(d.found) == 0 && failed != nil {
		return nil, fmt.Errorf("look for nodes: %w", failed)
	}
	return d.list(), nil
}

// askAgain asks until ctx ends, first at ever longer intervals, and returns why it last could not.
func (d *discovery) askAgain(ctx context.Context, alone, together *questions) (failed error) {
	for pause := discoverFirst; ctx.Err() == nil; pause = min(2*pause, askEvery) {
		failed = alone.ask(nil)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
			if !d.any() {
				_ = together.ask(nil)
			}
		}
		timer.Stop()
	}
	return failed
}

// any reports whether a node was found.
func (d *discovery) any() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.found) > 0
}

func allLinks(names []string) ([]link, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	var links []link
	for _, iface := range all {
		usable := iface.Flags&(net.FlagMulticast|net.FlagLoopback) != 0
		if iface.Flags&net.FlagUp == 0 || !usable || len(names) > 0 && !slices.Contains(names, iface.Name) {
			continue
		}
		if addrs := ownAddrs(iface); len(addrs) > 0 {
			links = append(links, link{iface, addrs})
		}
	}
	if len(links) == 0 {
		return nil, fmt.Errorf("no network interface to look for nodes on (%v)", names)
	}
	return links, nil
}

// discovery is one Discover.
type discovery struct {
	asker *asker
	wait  sync.WaitGroup

	mu    sync.Mutex // guards the fields below
	tried map[netip.AddrPort]bool
	found map[Ref]Found
	newAt time.Time
}

func (d *discovery) sighted(ctx context.Context, s sighting) {
	if s.Fleet != d.asker.authority.Fleet() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, addr := range s.Addrs {
		at := netip.AddrPortFrom(addr, s.Port)
		if d.tried[at] || len(d.tried) >= maxPeers {
			continue
		}
		d.tried[at] = true
		d.wait.Go(func() { d.ask(ctx, at) })
	}
}

func (d *discovery) ask(ctx context.Context, at netip.AddrPort) {
	h, _, _, err := d.asker.ask(ctx, at.String())
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		delete(d.tried, at)
		return
	}
	ref := Ref{h.ID, h.Boot}
	if _, known := d.found[ref]; !known {
		d.newAt = time.Now()
		d.found[ref] = Found{h, at}
	}
}

func (d *discovery) endWhenQuiet(ctx context.Context, cancel context.CancelFunc) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		d.mu.Lock()
		quiet := len(d.found) > 0 && time.Since(d.newAt) > discoverQuiet
		d.mu.Unlock()
		if quiet {
			cancel()
		}
	}
}

func (d *discovery) list() []Found {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []Found
	for _, f := range d.found {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b Found) int { return compareRefs(Ref{a.Hello.ID, a.Hello.Boot}, Ref{b.Hello.ID, b.Hello.Boot}) })
	return list
}
