package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/grandcat/zeroconf"
)

// announcement is our node's presence in mDNS on a set of links.
type announcement struct {
	server    *zeroconf.Server
	responder *responder
}

// announce makes the node visible on the links and hands on what is heard there.
func announce(self sighting, links []link, found func(sighting), log *slog.Logger) (*announcement, error) {
	a := &announcement{}
	var err error
	if a.responder, err = startResponder(self.ID, links, found, log); err != nil {
		return nil, err
	}
	if err := a.register(self, links); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// register announces the node. zeroconf answers a question on the interface that it came by, even
// one that was not named, since Linux gives a socket what any other has joined: so that nobody is
// told an address of another segment, it is given no addresses and looks those of that interface
// up. Only loopback addresses, which it would skip, are named to it.
func (a *announcement) register(self sighting, links []link) error {
	var ifaces []net.Interface
	var ips []string
	for _, l := range links {
		ifaces = append(ifaces, l.iface)
		for _, addr := range l.addrs {
			if addr.IsLoopback() {
				ips = append(ips, addr.String())
			}
		}
	}
	server, err := zeroconf.RegisterProxy(self.ID, service, domain, int(self.Port), self.ID, ips, self.text(), ifaces)
	if err != nil {
		return fmt.Errorf("announce %s: %w", self.ID, err)
	}
	a.server = server
	return nil
}

// close says good-bye and stops.
func (a *announcement) close() {
	if a.server != nil {
		a.server.Shutdown()
	}
	if a.responder != nil {
		a.responder.close()
	}
}

// browse asks on every link, with resolvers of its own since zeroconf's never forget, until ctx
// ends, and hands on what answers.
func browse(ctx context.Context, links []link, found func(sighting)) error {
	var (
		wait sync.WaitGroup
		errs []error
	)
	for _, l := range links {
		entries := make(chan *zeroconf.ServiceEntry)
		resolver, err := newResolver(l)
		if err == nil {
			err = resolver.Browse(ctx, service, domain, entries)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("browse on %s: %w", l.iface.Name, err))
			continue
		}
		wait.Go(func() {
			for e := range entries {
				if s, err := entrySighting(e, l.iface.Name); err == nil && len(s.Addrs) > 0 {
					found(s)
				}
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

func newResolver(l link) (*zeroconf.Resolver, error) {
	only := zeroconf.SelectIfaces([]net.Interface{l.iface})
	if slices.ContainsFunc(l.addrs, netip.Addr.Is6) {
		if r, err := zeroconf.NewResolver(only); err == nil {
			return r, nil
		}
	}
	return zeroconf.NewResolver(only, zeroconf.SelectIPTraffic(zeroconf.IPv4))
}
