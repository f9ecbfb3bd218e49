// Package netup configures every network interface that has a carrier, and keeps doing so: links and addresses come and
// go.
//
// Each interface gets an IPv6 link-local address from the kernel, and an IPv4 address by DHCP; while no server answers,
// it has an IPv4 link-local address (RFC 3927). The kernel's parameter ip= can say otherwise. Nothing here needs a
// router, a name server or the internet.
package netup

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/capodekappa/capo/init/cmdline"
)

// Addr is an address that can be used: its link has a carrier.
type Addr struct {
	// Interface and Index name the interface.
	Interface string
	Index     int
	// Prefix is the address with the size of its network.
	Prefix netip.Prefix
}

// Options say how to configure interfaces.
type Options struct {
	// IP is the kernel's parameter ip=. The zero value means DHCP, then link-local, everywhere.
	IP cmdline.IP
	// ResolvConf is the file to write name servers to; empty writes none.
	ResolvConf string
}

// Manager knows the interfaces and their addresses.
type Manager struct {
	log    *slog.Logger
	ip     cmdline.IP
	resolv string
	done   chan struct{}

	mu       sync.Mutex // guards what follows
	addrs    []Addr
	servers  map[int]lease // by interface
	watchers map[chan struct{}]bool

	// Of the goroutine that runs follow.
	links  map[int]*link
	kernel map[int]map[netip.Prefix]bool // addresses by interface
	static int                           // the interface that has the address of ip=, or 0
	raise  func(netlink.Link) error      // switches an interface on
	again  chan int                      // interfaces to switch on once more
}

// link is an interface that is configured.
type link struct {
	name    string
	index   int
	mac     net.HardwareAddr
	carrier bool
	kept    kept
	tries   int    // that it could not be switched on
	stop    func() // ends the goroutines of this link and waits for them; nil without carrier
}

// Start brings up the loopback interface and every other one, now and whenever one appears, until ctx ends. An error
// says what could not be done; the manager works as far as it can.
func Start(ctx context.Context, log *slog.Logger, o Options) (*Manager, error) {
	m := newManager(log, o)
	ipv6("default") // for interfaces that do not exist yet
	err := errors.Join(loopback(), m.writeResolvConf())
	events, subscribeErr := subscribe()
	if subscribeErr != nil {
		close(m.done)
		return m, errors.Join(err, subscribeErr)
	}
	go m.follow(ctx, events)
	return m, err
}

func newManager(log *slog.Logger, o Options) *Manager {
	return &Manager{
		log: log, ip: o.IP, resolv: o.ResolvConf, done: make(chan struct{}),
		servers: map[int]lease{}, watchers: map[chan struct{}]bool{},
		links: map[int]*link{}, kernel: map[int]map[netip.Prefix]bool{}, raise: bringUp, again: make(chan int),
	}
}

// Done is closed when ctx has ended and nothing is configured any more.
func (m *Manager) Done() <-chan struct{} { return m.done }

// Addrs returns the addresses that can be used now, sorted by interface; loopback is left out.
func (m *Manager) Addrs() []Addr {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.addrs)
}

// NTP returns the time servers that DHCP or ip= named.
func (m *Manager) NTP() []netip.Addr {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.Clone(m.ip.NTP)
	for _, l := range m.servers {
		out = append(out, l.ntp...)
	}
	return out
}

// Watch returns a channel that gets a value after every change of [Manager.Addrs]; several changes may give one value.
// It is never closed.
func (m *Manager) Watch(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	m.mu.Lock()
	m.watchers[ch] = true
	m.mu.Unlock()
	context.AfterFunc(ctx, func() {
		m.mu.Lock()
		delete(m.watchers, ch)
		m.mu.Unlock()
	})
	return ch
}

// follow reacts to the kernel's announcements. If some were lost, it asks for the whole state again.
func (m *Manager) follow(ctx context.Context, e *events) {
	defer close(m.done)
	defer func() {
		e.close()
		for _, l := range m.links {
			l.halt()
		}
	}()
	for {
		lost := false
		select {
		case <-ctx.Done():
			return
		case u, ok := <-e.links:
			if lost = !ok; ok {
				m.onLink(ctx, u)
			}
		case u, ok := <-e.addrs:
			if lost = !ok; ok {
				m.onAddr(u)
			}
		case index := <-m.again:
			m.switchOn(ctx, index)
		}
		if lost && ctx.Err() == nil {
			e.close()
			e = m.resubscribe(ctx)
		}
		m.publish()
	}
}

// resubscribe subscribes anew after announcements were lost.
func (m *Manager) resubscribe(ctx context.Context) *events {
	for {
		e, err := subscribe()
		if err == nil {
			m.forget()
			return e
		}
		m.log.Error("watch the network", "err", err)
		if sleep(ctx, time.Second) != nil {
			return &events{} // nil channels; follow sees that ctx has ended
		}
	}
}

// forget drops the links that have gone unnoticed, and all addresses: the subscription begins with those that there are.
func (m *Manager) forget() {
	m.kernel = map[int]map[netip.Prefix]bool{}
	there := map[int]bool{}
	all, err := netlink.LinkList()
	if err != nil {
		return
	}
	for _, l := range all {
		there[l.Attrs().Index] = true
	}
	for index := range m.links {
		if !there[index] {
			m.dropLink(index)
		}
	}
}

func (m *Manager) onLink(ctx context.Context, u netlink.LinkUpdate) {
	a := u.Link.Attrs()
	if u.Header.Type == unix.RTM_DELLINK {
		m.dropLink(a.Index)
		return
	}
	l := m.links[a.Index]
	if l == nil {
		if !wanted(u.Link) {
			return
		}
		l = &link{index: a.Index, name: a.Name, mac: slices.Clone(a.HardwareAddr)}
		m.links[a.Index] = l
		m.log.Info("network interface", "name", l.name, "mac", l.mac.String())
		m.switchOn(ctx, l.index)
	}
	l.name = a.Name
	m.setCarrier(ctx, l, a.RawFlags&unix.IFF_UP != 0 && a.RawFlags&unix.IFF_LOWER_UP != 0)
}

// wanted reports whether an interface is for us to configure: Ethernet that belongs to nothing else.
func wanted(l netlink.Link) bool {
	a := l.Attrs()
	return a.Flags&net.FlagLoopback == 0 && a.EncapType == "ether" && len(a.HardwareAddr) == 6 && a.MasterIndex == 0 &&
		(l.Type() == "device" || l.Type() == "veth")
}

func (m *Manager) setCarrier(ctx context.Context, l *link, carrier bool) {
	if carrier == l.carrier {
		return
	}
	l.carrier = carrier
	m.log.Info("network carrier", "name", l.name, "carrier", carrier)
	if !carrier {
		l.halt()
		return
	}
	w := m.worker(l)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.run(ctx)
	}()
	l.stop = func() { cancel(); <-done }
}

func (l *link) halt() {
	if l.stop != nil {
		l.stop()
		l.stop = nil
	}
}

func (m *Manager) dropLink(index int) {
	l := m.links[index]
	if l == nil {
		return
	}
	m.log.Info("network interface gone", "name", l.name)
	l.halt()
	delete(m.links, index)
	delete(m.kernel, index)
	if m.static == index {
		m.static = 0
	}
	m.setServers(index, lease{})
}

func (m *Manager) onAddr(u netlink.AddrUpdate) {
	ip, ok := netip.AddrFromSlice(u.LinkAddress.IP)
	if !ok {
		return
	}
	ones, _ := u.LinkAddress.Mask.Size()
	p := netip.PrefixFrom(ip.Unmap(), ones)
	if !u.NewAddr || u.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) != 0 {
		delete(m.kernel[u.LinkIndex], p)
		return
	}
	if m.kernel[u.LinkIndex] == nil {
		m.kernel[u.LinkIndex] = map[netip.Prefix]bool{}
	}
	m.kernel[u.LinkIndex][p] = true
}

// publish makes the list of addresses and tells the watchers if it has changed.
func (m *Manager) publish() {
	var list []Addr
	for index, l := range m.links {
		for p := range m.kernel[index] {
			if l.carrier {
				list = append(list, Addr{Interface: l.name, Index: index, Prefix: p})
			}
		}
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].Index != list[j].Index {
			return list[i].Index < list[j].Index
		}
		return list[i].Prefix.Addr().Less(list[j].Prefix.Addr())
	})
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.Equal(list, m.addrs) {
		return
	}
	for _, a := range list {
		if !slices.Contains(m.addrs, a) {
			m.log.Info("address", "interface", a.Interface, "address", a.Prefix.String())
		}
	}
	m.addrs = list
	for ch := range m.watchers {
		select {
		case ch <- struct{}{}:
		default: // it has not looked since the last change
		}
	}
}
