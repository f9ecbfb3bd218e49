package fleet

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// link is a network interface on which a node is announced, with the addresses that peers on
// that segment reach it by.
type link struct {
	iface net.Interface
	addrs []netip.Addr // sorted, IPv4 first; link-local ones carry the zone
}

// findLinks returns the interfaces to use: those that are named, else the one that has the fixed
// address, else every one that is up, multicasts and is not the loopback. A fixed address is the
// only one announced.
func findLinks(names []string, fixed netip.Addr) ([]link, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	var links []link
	for _, iface := range all {
		if iface.Flags&net.FlagUp == 0 || len(names) > 0 && !slices.Contains(names, iface.Name) {
			continue
		}
		loopback := iface.Flags&net.FlagLoopback != 0
		if len(names) == 0 && !fixed.IsValid() && (loopback || iface.Flags&net.FlagMulticast == 0) {
			continue
		}
		if addrs := linkAddrs(iface, fixed, loopback); len(addrs) > 0 {
			links = append(links, link{iface, addrs})
		}
	}
	return links, nil
}

func linkAddrs(iface net.Interface, fixed netip.Addr, loopback bool) []netip.Addr {
	list, err := iface.Addrs()
	if err != nil {
		return nil
	}
	var addrs []netip.Addr
	for _, a := range list {
		ipnet, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		prefix, ok := prefixOf(ipnet)
		if !ok {
			continue
		}
		switch addr := prefix.Addr(); {
		case fixed.IsValid():
			// All of 127.0.0.0/8 is on the loopback interface, though only 127.0.0.1 is listed.
			if addr == fixed || loopback && prefix.Contains(fixed) {
				return []netip.Addr{fixed}
			}
		case addr.Is6() && addr.IsLinkLocalUnicast():
			addrs = append(addrs, addr.WithZone(iface.Name))
		case !addr.IsLoopback():
			addrs = append(addrs, addr)
		}
	}
	slices.SortFunc(addrs, compareAddrs)
	return addrs
}

// ownAddrs returns an interface's addresses, those of the loopback included.
func ownAddrs(iface net.Interface) []netip.Addr {
	list, err := iface.Addrs()
	if err != nil {
		return nil
	}
	var addrs []netip.Addr
	for _, a := range list {
		ipnet, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		prefix, ok := prefixOf(ipnet)
		if addr := prefix.Addr(); ok && addr.Is6() && addr.IsLinkLocalUnicast() {
			addrs = append(addrs, addr.WithZone(iface.Name))
		} else if ok {
			addrs = append(addrs, addr)
		}
	}
	slices.SortFunc(addrs, compareAddrs)
	return addrs
}

func prefixOf(n *net.IPNet) (netip.Prefix, bool) {
	addr, ok := netip.AddrFromSlice(n.IP)
	if !ok {
		return netip.Prefix{}, false
	}
	ones, _ := n.Mask.Size()
	return netip.PrefixFrom(addr.Unmap(), ones), true
}

// compareAddrs puts IPv4 before IPv6, and addresses that were given before link-local ones.
func compareAddrs(a, b netip.Addr) int {
	if a.Is4() != b.Is4() {
		if a.Is4() {
			return -1
		}
		return 1
	}
	if a.IsLinkLocalUnicast() != b.IsLinkLocalUnicast() {
		if b.IsLinkLocalUnicast() {
			return -1
		}
		return 1
	}
	return a.Compare(b)
}

// fingerprint changes when the links or their addresses do.
func fingerprint(links []link) string {
	text := ""
	for _, l := range links {
		text += fmt.Sprintf("%d %s %v;", l.iface.Index, l.iface.Name, l.addrs)
	}
	return text
}
