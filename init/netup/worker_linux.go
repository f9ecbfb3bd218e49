package netup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/capodekappa/capo/init/cmdline"
)

// worker configures IPv4 on one interface while it has a carrier.
type worker struct {
	log    *slog.Logger
	name   string
	index  int
	mac    net.HardwareAddr
	static cmdline.IP // Address is valid if this interface has the address of ip=
	off    bool
	times  linkLocalTimes
	lease  func(lease) // tells the manager of the servers
	kept   *kept

	mu     sync.Mutex   // guards what follows
	leased bool         // there is a lease or a static address
	local  netip.Prefix // the link-local address
}

// kept is what an interface keeps while it has no carrier: a cable that is in again after a moment changes nothing.
type kept struct {
	lease     lease        // of the goroutine that runs DHCP
	linkLocal netip.Prefix // of the goroutine that runs link-local
}

// worker decides what ip= means for a link.
func (m *Manager) worker(l *link) *worker {
	w := &worker{
		log: m.log.With("interface", l.name), name: l.name, index: l.index, mac: l.mac,
		off: m.ip.Off, times: defaultLinkLocalTimes(), kept: &l.kept,
		lease: func(le lease) { m.setServers(l.index, le) },
	}
	if m.ip.Device != "" && m.ip.Device != l.name {
		w.off = true
	}
	if m.ip.Address.IsValid() && !w.off && (m.static == 0 || m.static == l.index) {
		m.static = l.index
		w.static = m.ip
	}
	return w
}

func (w *worker) run(ctx context.Context) {
	switch {
	case w.off:
	case w.static.Address.IsValid():
		l := lease{address: w.static.Address, router: w.static.Gateway, dns: w.static.DNS, ntp: w.static.NTP}
		if err := w.apply(lease{}, l); err != nil {
			w.log.Error("set the address of ip=", "err", err)
		}
	default:
		w.dynamic(ctx)
	}
}

// dynamic runs DHCP and, beside it, link-local.
func (w *worker) dynamic(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	leased := newFlag()
	d := &dhcp{log: w.log, name: w.name, apply: w.apply, leased: leased, current: &w.kept.lease}
	wg.Go(func() { d.run(ctx) })
	conn, err := openARP(w.index, w.mac)
	if err != nil {
		w.log.Error("no link-local address", "err", err)
		return
	}
	defer conn.Close()
	l := &linkLocal{log: w.log, conn: conn, times: w.times, add: w.addLocal, remove: w.removeLocal, held: &w.kept.linkLocal, leased: leased}
	l.run(ctx)
}

// apply replaces one lease by another on the interface.
func (w *worker) apply(old, new lease) error {
	if old.address.IsValid() && old.address != new.address {
		w.remove(old.address)
	}
	w.lease(new)
	w.mu.Lock()
	w.leased = new.address.IsValid()
	err := w.routeLocal()
	w.mu.Unlock()
	if err != nil {
		return err
	}
	if !new.address.IsValid() {
		return nil
	}
	if err := w.add(new.address); err != nil {
		return err
	}
	if !new.router.IsValid() || (new.router == old.router && new.address == old.address) {
		return nil
	}
	route := netlink.Route{
		LinkIndex: w.index, Gw: new.router.AsSlice(), Priority: 100 + w.index,
		Flags: int(netlink.FLAG_ONLINK), Protocol: unix.RTPROT_DHCP,
	}
	if err := netlink.RouteReplace(&route); err != nil {
		return fmt.Errorf("add the default route by %s on %s: %w", new.router, w.name, err)
	}
	return nil
}

// addLocal puts the link-local address on the interface.
func (w *worker) addLocal(p netip.Prefix) error {
	a := w.addr(p)
	a.Flags = unix.IFA_F_NOPREFIXROUTE // see routeLocal
	if err := netlink.AddrReplace(w.link(), a); err != nil {
		return fmt.Errorf("add %s to %s: %w", p, w.name, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.local = p
	return w.routeLocal()
}

func (w *worker) removeLocal(p netip.Prefix) {
	w.remove(p) // its routes go with it
	w.mu.Lock()
	defer w.mu.Unlock()
	w.local = netip.Prefix{}
	_ = netlink.RuleDel(w.rule(p.Addr())) // there is none where the kernel has no rules
}

// The metrics of the routes to 169.254.0.0/16.
const (
	localAlone      = 1000
	localBesideDHCP = 100000
	localTables     = 1000 // the first of the tables for answers
)

// routeLocal routes the link-local network. Two interfaces can have such an address, and then it is the one without DHCP
// whose neighbours have no other either. What is sent from an address goes out of the interface that has it. The
// caller holds w.mu.
func (w *worker) routeLocal() error {
	if !w.local.IsValid() {
		return nil
	}
	metric, stale := localAlone, localBesideDHCP
	if w.leased {
		metric, stale = stale, metric
	}
	if err := netlink.RouteReplace(w.localRoute(metric, 0)); err != nil {
		return fmt.Errorf("route the link-local network to %s: %w", w.name, err)
	}
	_ = netlink.RouteDel(w.localRoute(stale, 0)) // mostly there is none
	rule := w.rule(w.local.Addr())
	_ = netlink.RuleDel(rule)
	switch err := netlink.RuleAdd(rule); {
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EAFNOSUPPORT):
		return nil // a kernel without rules has but one table, and a route for answers would stand in it before all others
	case err != nil:
		return fmt.Errorf("route answers to %s: %w", w.name, err)
	}
	if err := netlink.RouteReplace(w.localRoute(0, rule.Table)); err != nil {
		return fmt.Errorf("route answers to %s: %w", w.name, err)
	}
	return nil
}

func (w *worker) localRoute(metric, table int) *netlink.Route {
	r := &netlink.Route{
		LinkIndex: w.index, Dst: &net.IPNet{IP: net.IPv4(169, 254, 0, 0).To4(), Mask: net.CIDRMask(16, 32)},
		Src: w.local.Addr().AsSlice(), Scope: netlink.SCOPE_LINK, Table: table, Protocol: unix.RTPROT_STATIC,
	}
	if metric != 0 {
		r.Priority = metric + w.index
	}
	return r
}

// rule sends what comes from an address to a table of the interface's own.
func (w *worker) rule(from netip.Addr) *netlink.Rule {
	r := netlink.NewRule()
	r.Family = unix.AF_INET
	r.Src = &net.IPNet{IP: from.AsSlice(), Mask: net.CIDRMask(32, 32)}
	r.Table = localTables + w.index
	r.Priority = localTables
	return r
}

func (w *worker) add(p netip.Prefix) error {
	if err := netlink.AddrReplace(w.link(), w.addr(p)); err != nil {
		return fmt.Errorf("add %s to %s: %w", p, w.name, err)
	}
	return nil
}

func (w *worker) remove(p netip.Prefix) {
	if err := netlink.AddrDel(w.link(), w.addr(p)); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) && !errors.Is(err, unix.ENODEV) {
		w.log.Warn("remove address", "address", p, "err", err)
	}
}

func (w *worker) link() netlink.Link {
	return &netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: w.index, Name: w.name}}
}

func (w *worker) addr(p netip.Prefix) *netlink.Addr {
	a := &netlink.Addr{IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}}
	if p.Addr().IsLinkLocalUnicast() {
		a.Scope = int(netlink.SCOPE_LINK)
	}
	return a
}

// bringUp switches an interface on, with its IPv6 link-local address usable at once.
func bringUp(l netlink.Link) error {
	ipv6(l.Attrs().Name)
	if err := netlink.LinkSetUp(l); err != nil {
		return err
	}
	// The kernel adds this address itself, but acts on a new carrier only once a second (net/core/link_watch.c).
	_ = netlink.AddrAdd(l, &netlink.Addr{
		IPNet: &net.IPNet{IP: linkLocal6(l.Attrs().HardwareAddr).AsSlice(), Mask: net.CIDRMask(64, 128)},
		Scope: int(netlink.SCOPE_LINK), Flags: unix.IFA_F_NODAD,
	})
	return nil
}

// ipv6 makes the link-local address usable at once. Looking whether another machine has it takes a second, and it is
// made of the hardware address: where two machines have the same one of those, nothing works anyway. A kernel without
// IPv6 has no such file.
func ipv6(name string) {
	_ = os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/accept_dad", []byte("0"), 0)
}

func loopback() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find the loopback interface: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil { // the kernel adds 127.0.0.1 and ::1
		return fmt.Errorf("bring up the loopback interface: %w", err)
	}
	return nil
}
