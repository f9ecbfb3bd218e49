package fleet

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Multicast DNS, RFC 6762.
const (
	mdnsPort   = 5353
	addrTTL    = 120     // seconds that an address may be kept
	legacyTTL  = 10      // for a resolver that does not speak multicast (section 6.7)
	topBit     = 1 << 15 // of a class: unicast wanted in a question, flush the cache in an answer
	maxMDNS    = 9000    // bytes of a message (section 17)
	maxAnswers = 16      // questions of one message that are answered
)

// responder is our own ear and mouth for mDNS, beside zeroconf's: it answers questions for the
// addresses of our host name, which zeroconf never does (so that others would lose the host after
// its 120 seconds), on each link with that link's addresses only; and it hands on every sighting
// in what others answer, which also shows a second node of our name.
type responder struct {
	host  string // fully qualified
	links map[int]link
	found func(sighting)
	log   *slog.Logger

	conn4 *ipv4.PacketConn
	conn6 *ipv6.PacketConn
	done  sync.WaitGroup
}

// startResponder listens on the links. It needs one of IPv4 and IPv6.
func startResponder(host string, links []link, found func(sighting), log *slog.Logger) (*responder, error) {
	r := &responder{host: host + "." + domain + ".", links: map[int]link{}, found: found, log: log}
	for _, l := range links {
		r.links[l.iface.Index] = l
	}
	err4, err6 := r.listen4(links), r.listen6(links)
	if r.conn4 == nil && r.conn6 == nil {
		return nil, fmt.Errorf("listen for mdns: %w", errors.Join(err4, err6))
	}
	return r, nil
}

// close stops listening and waits.
func (r *responder) close() {
	if r.conn4 != nil {
		r.conn4.Close()
	}
	if r.conn6 != nil {
		r.conn6.Close()
	}
	r.done.Wait()
}

func (r *responder) listen4(links []link) error {
	// Go opens a multicast address so that several processes may share the port.
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(224, 0, 0, 0), Port: mdnsPort})
	if err != nil {
		return err
	}
	conn := ipv4.NewPacketConn(udp)
	joined := 0
	for _, l := range links {
		if err = conn.JoinGroup(&l.iface, group(false)); err == nil {
			joined++
		}
	}
	if joined == 0 {
		udp.Close()
		return err
	}
	_ = conn.SetControlMessage(ipv4.FlagInterface, true)
	_ = conn.SetMulticastLoopback(true)
	_ = conn.SetMulticastTTL(255)
	r.conn4 = conn
	r.done.Go(func() {
		r.receive(func(b []byte) (int, int, net.Addr, error) {
			n, cm, from, err := conn.ReadFrom(b)
			if cm == nil {
				return n, 0, from, err
			}
			return n, cm.IfIndex, from, err
		})
	})
	return nil
}

func (r *responder) listen6(links []link) error {
	udp, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.ParseIP("ff02::"), Port: mdnsPort})
	if err != nil {
		return err
	}
	conn := ipv6.NewPacketConn(udp)
	joined := 0
	for _, l := range links {
		if !slices.ContainsFunc(l.addrs, netip.Addr.Is6) {
			continue
		}
		if err = conn.JoinGroup(&l.iface, group(true)); err == nil {
			joined++
		}
	}
	if joined == 0 {
		udp.Close()
		return err
	}
	_ = conn.SetControlMessage(ipv6.FlagInterface, true)
	_ = conn.SetMulticastLoopback(true)
	_ = conn.SetMulticastHopLimit(255)
	r.conn6 = conn
	r.done.Go(func() {
		r.receive(func(b []byte) (int, int, net.Addr, error) {
			n, cm, from, err := conn.ReadFrom(b)
			if cm == nil {
				return n, 0, from, err
			}
			return n, cm.IfIndex, from, err
		})
	})
	return nil
}

func group(v6 bool) *net.UDPAddr {
	if v6 {
		return &net.UDPAddr{IP: net.ParseIP("ff02::fb"), Port: mdnsPort}
	}
	return &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: mdnsPort}
}

func (r *responder) receive(read func([]byte) (n, index int, from net.Addr, err error)) {
	buf := make([]byte, maxMDNS)
	for failures := 0; failures < 100; {
		n, index, from, err := read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			failures++
			continue
		}
		failures = 0
		// A socket hears every group that anyone on this machine joined, on any interface.
		if l, ok := r.links[index]; ok {
			r.handle(buf[:n], l, from)
		}
	}
}

func (r *responder) handle(packet []byte, l link, from net.Addr) {
	defer func() {
		if p := recover(); p != nil {
			r.log.Error("an mdns packet caused a panic", "from", from, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	src, ok := from.(*net.UDPAddr)
	if !ok {
		return
	}
	reply, unicast, found := interpret(packet, r.host, l, src.Port != mdnsPort)
	for _, s := range found {
		r.found(s)
	}
	if reply != nil {
		r.send(reply, l, src, unicast)
	}
}

func (r *responder) send(reply []byte, l link, src *net.UDPAddr, unicast bool) {
	to := group(src.IP.To4() == nil)
	if unicast {
		to = src
	}
	var err error
	if to.IP.To4() != nil {
		_, err = r.conn4.WriteTo(reply, &ipv4.ControlMessage{IfIndex: l.iface.Index}, to)
	} else {
		_, err = r.conn6.WriteTo(reply, &ipv6.ControlMessage{IfIndex: l.iface.Index}, to)
	}
	if err != nil {
		r.log.Debug("mdns answer not sent", "interface", l.iface.Name, "to", to, "error", err)
	}
}

// interpret is the whole treatment of one mDNS packet: the answer to send, if any, whether to
// send it to the asker only, and the nodes that the packet tells of. Legacy askers, which do not
// ask from port 5353, get an ordinary DNS answer.
func interpret(packet []byte, host string, l link, legacy bool) (reply []byte, unicast bool, found []sighting) {
	var msg dns.Msg
	if len(packet) > maxMDNS || msg.Unpack(packet) != nil || msg.Opcode != dns.OpcodeQuery {
		return nil, false, nil
	}
	if msg.Response {
		return nil, false, packetSightings(&msg, l.iface.Name)
	}
	if len(msg.Ns) > 0 { // a probe: it asks who else claims a name
		return nil, false, nil
	}
	answer := dns.Msg{MsgHdr: dns.MsgHdr{Response: true, Authoritative: true}, Compress: true}
	unicast = true
	for _, q := range msg.Question[:min(len(msg.Question), maxAnswers)] {
		if rrs := addressRecords(q, host, l.addrs, legacy); len(rrs) > 0 {
			answer.Answer = append(answer.Answer, rrs...)
			unicast = unicast && (legacy || q.Qclass&topBit != 0)
			if legacy {
				answer.Question = append(answer.Question, q)
			}
		}
	}
	if len(answer.Answer) == 0 {
		return nil, false, nil
	}
	if legacy {
		answer.Id = msg.Id
	}
	reply, err := answer.Pack()
	if err != nil {
		return nil, false, nil
	}
	return reply, unicast, nil
}

func addressRecords(q dns.Question, host string, addrs []netip.Addr, legacy bool) []dns.RR {
	class := q.Qclass &^ topBit
	if !strings.EqualFold(q.Name, host) || class != dns.ClassINET && class != dns.ClassANY {
		return nil
	}
	hdr := dns.RR_Header{Name: host, Class: dns.ClassINET | topBit, Ttl: addrTTL}
	if legacy {
		hdr.Class, hdr.Ttl = dns.ClassINET, legacyTTL
	}
	var rrs []dns.RR
	for _, a := range addrs {
		switch {
		case a.Is4() && (q.Qtype == dns.TypeA || q.Qtype == dns.TypeANY):
			hdr.Rrtype = dns.TypeA
			rrs = append(rrs, &dns.A{Hdr: hdr, A: a.AsSlice()})
		case a.Is6() && (q.Qtype == dns.TypeAAAA || q.Qtype == dns.TypeANY):
			hdr.Rrtype = dns.TypeAAAA
			rrs = append(rrs, &dns.AAAA{Hdr: hdr, AAAA: a.AsSlice()})
		}
	}
	return rrs
}
