package fleet

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/miekg/dns"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// announcement is our node's presence in mDNS on a set of links.
type announcement struct {
	responder *responder
	questions *questions
}

// announce makes the node visible on the links and hands on what is heard there.
func announce(self sighting, links []link, found func(sighting), log *slog.Logger) (*announcement, error) {
	r, err := startResponder(self, links, found, log)
	if err != nil {
		return nil, fmt.Errorf("announce %s: %w", self.ID, err)
	}
	q, err := openQuestions(links, found)
	if err != nil { // it still asks by multicast
		log.Debug("no socket to ask questions from", "error", err)
	}
	r.announce(false)
	return &announcement{r, q}, nil
}

// close says good-bye and stops.
func (a *announcement) close() {
	a.responder.announce(true)
	a.questions.close()
	a.responder.close()
}

// questions are sockets of our own, one for each link and family. Who asks from there is answered
// alone (RFC 6762 section 6.7), so that the answers of a fleet to each of its nodes are not
// heard, and read, by all the others.
type questions struct {
	found func(sighting)
	conns []questioner
	done  sync.WaitGroup
}

type questioner struct {
	*net.UDPConn
	link link
	v6   bool
}

// openQuestions fails when there is no socket at all.
func openQuestions(links []link, found func(sighting)) (*questions, error) {
	qs := &questions{found: found}
	var errs []error
	for _, l := range links {
		for _, v6 := range []bool{false, true} {
			i := slices.IndexFunc(l.addrs, func(a netip.Addr) bool { return a.Is6() == v6 })
			if i < 0 {
				continue
			}
			q, err := openQuestion(l, l.addrs[i])
			if err != nil {
				errs = append(errs, err)
				continue
			}
			qs.conns = append(qs.conns, q)
			qs.done.Go(func() { qs.listen(q) })
		}
	}
	if len(qs.conns) == 0 {
		return qs, fmt.Errorf("ask by mdns: %w", errors.Join(errs...))
	}
	return qs, nil
}

func openQuestion(l link, from netip.Addr) (questioner, error) {
	udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0)))
	if err != nil {
		return questioner{}, fmt.Errorf("on %s: %w", l.iface.Name, err)
	}
	if err := sendsOn(udp, l, from.Is6()); err != nil {
		udp.Close()
		return questioner{}, fmt.Errorf("on %s: %w", l.iface.Name, err)
	}
	return questioner{udp, l, from.Is6()}, nil
}

// sendsOn has a socket send its multicasts on the link, also to programs on this machine.
func sendsOn(udp *net.UDPConn, l link, v6 bool) error {
	if v6 {
		conn := ipv6.NewPacketConn(udp)
		_ = conn.SetMulticastLoopback(true)
		_ = conn.SetMulticastHopLimit(255)
		return conn.SetMulticastInterface(&l.iface)
	}
	conn := ipv4.NewPacketConn(udp)
	_ = conn.SetMulticastLoopback(true)
	_ = conn.SetMulticastTTL(255)
	return conn.SetMulticastInterface(&l.iface)
}

// listenTogether returns questions from the port of mDNS, whose answers all hear. It has no sockets where it
// cannot be shared.
func listenTogether(links []link, found func(sighting)) *questions {
	qs := &questions{found: found}
	for _, l := range links {
		for _, v6 := range []bool{false, true} {
			if !slices.ContainsFunc(l.addrs, func(a netip.Addr) bool { return a.Is6() == v6 }) {
				continue
			}
			network := "udp4"
			if v6 {
				network = "udp6"
			}
			udp, err := net.ListenMulticastUDP(network, &l.iface, group(v6))
			if err != nil {
				continue
			}
			q := questioner{udp, l, v6}
			if sendsOn(udp, l, v6) != nil {
				udp.Close()
				continue
			}
			qs.conns = append(qs.conns, q)
			qs.done.Go(func() { qs.listen(q) })
		}
	}
	return qs
}

// ask asks who is there besides those that are known.
func (qs *questions) ask(known []string) error {
	raw, err := browseQuestion(known).Pack()
	if err != nil {
		return fmt.Errorf("ask by mdns: %w", err)
	}
	var errs []error
	for _, q := range qs.conns {
		if _, err := q.WriteToUDP(raw, group(q.v6)); err != nil {
			errs = append(errs, fmt.Errorf("ask by mdns on %s: %w", q.link.iface.Name, err))
		}
	}
	return errors.Join(errs...)
}

func (qs *questions) listen(q questioner) {
	buf := make([]byte, maxMDNS)
	for failures := 0; failures < 100; {
		n, _, err := q.ReadFromUDP(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			failures++
			continue
		}
		failures = 0
		for _, s := range answered(buf[:n], q.link.iface.Name) {
			qs.found(s)
		}
	}
}

// answered returns the nodes that a packet tells of, none if it is no answer. It survives what the
// DNS library does not.
func answered(packet []byte, zone string) (found []sighting) {
	defer func() {
		if recover() != nil {
			found = nil
		}
	}()
	var msg dns.Msg
	if msg.Unpack(packet) != nil || msg.Opcode != dns.OpcodeQuery || !msg.Response {
		return nil
	}
	return packetSightings(&msg, zone)
}

func (qs *questions) close() {
	for _, q := range qs.conns {
		q.Close()
	}
	qs.done.Wait()
}
