// Package look browses for a fleet of which nothing is here yet but its id, with an ordinary mDNS browser. Nodes find each other otherwise, see
// package fleet.
package look

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/grandcat/zeroconf"
)

// The service that nodes announce, the most of them that are found, and for how long nothing new must have come for that to be all.
const (
	service  = "_capo._tcp"
	maxNodes = 4096
	quiet    = 400 * time.Millisecond
)

// For browses for the nodes that say they are of the fleet with that id, on the named interfaces or on all, and returns where they
// say they are, as HOST:PORT. Nothing of it is proved. It ends a moment after the first were found, or with ctx.
func For(ctx context.Context, fleetID string, interfaces []string) ([]string, error) {
	links, err := usable(interfaces)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	found := make(chan string, maxNodes)
	errs := make(chan error, len(links))
	for _, l := range links {
		go func() { errs <- on(ctx, l, fleetID, found) }()
	}
	list, failed := []string{}, 0
	for ctx.Err() == nil && failed < len(links) {
		select {
		case <-ctx.Done():
		case addr := <-found:
			if len(list) == 0 {
				time.AfterFunc(quiet, cancel)
			}
			if !slices.Contains(list, addr) {
				list = append(list, addr)
			}
		case err = <-errs:
			failed++
		}
	}
	if len(list) == 0 && failed == len(links) {
		return nil, fmt.Errorf("look for nodes: %w", err)
	}
	return list, nil
}

// on browses one interface with a resolver of its own until ctx ends, and again each second, since a resolver drops what it finds
// when it is busy. Without IPv6 it looks by IPv4 alone.
func on(ctx context.Context, iface net.Interface, fleetID string, found chan<- string) error {
	for ctx.Err() == nil {
		resolver, err := zeroconf.NewResolver(zeroconf.SelectIfaces([]net.Interface{iface}))
		if err != nil {
			resolver, err = zeroconf.NewResolver(zeroconf.SelectIfaces([]net.Interface{iface}), zeroconf.SelectIPTraffic(zeroconf.IPv4))
		}
		if err != nil {
			return fmt.Errorf("mdns on %s: %w", iface.Name, err)
		}
		try, cancel := context.WithTimeout(ctx, time.Second)
		entries := make(chan *zeroconf.ServiceEntry, 64)
		if err := resolver.Browse(try, service, "local.", entries); err != nil {
			cancel()
			return fmt.Errorf("mdns on %s: %w", iface.Name, err)
		}
		for e := range entries { // to its end, or its goroutine stays
			for _, addr := range lookedUp(e, iface, fleetID) {
				select {
				case found <- addr:
				default:
				}
			}
		}
		cancel()
	}
	return errors.Join(context.Cause(ctx))
}

// lookedUp is where an entry says that a node of the fleet is.
func lookedUp(e *zeroconf.ServiceEntry, iface net.Interface, fleetID string) []string {
	if !slices.Contains(e.Text, "fleet="+fleetID) || e.Port < 1 || e.Port > 65535 {
		return nil
	}
	var list []string
	for _, ip := range append(slices.Clone(e.AddrIPv4), e.AddrIPv6...) {
		addr, ok := netip.AddrFromSlice(ip)
		if !ok {
			continue
		}
		if addr = addr.Unmap(); addr.IsLinkLocalUnicast() && addr.Is6() {
			addr = addr.WithZone(iface.Name)
		}
		list = append(list, strings.ReplaceAll(netip.AddrPortFrom(addr, uint16(e.Port)).String(), "%", "%25"))
	}
	return list
}

// usable are the interfaces to look on.
func usable(names []string) ([]net.Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	list := slices.DeleteFunc(all, func(i net.Interface) bool {
		return i.Flags&net.FlagUp == 0 || i.Flags&(net.FlagMulticast|net.FlagLoopback) == 0 || len(names) > 0 && !slices.Contains(names, i.Name)
	})
	if len(list) == 0 {
		return nil, fmt.Errorf("no network interface to look for nodes on (%v)", names)
	}
	return list, nil
}
