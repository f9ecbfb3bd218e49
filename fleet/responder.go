package fleet

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Multicast DNS, RFC 6762.
const (
	mdnsPort   = 5353
	maxMDNS    = 9000        // bytes of a message (section 17)
	maxAnswers = 16          // questions of one message that are answered
	sayAgain   = time.Second // between two multicasts of the same records (section 6)
)

// responder is a node's ear and mouth for mDNS: on each link it answers questions for the node and its
// host, with that link's addresses only, and hands on every sighting in what others say, which
// also shows a second node of our name.
type responder struct {
	self  sighting
	links map[int]link
	found func(sighting)
	log   *slog.Logger

	conn4 *ipv4.PacketConn
	conn6 *ipv6.PacketConn
	done  sync.WaitGroup

	mu   sync.Mutex // guards what follows
	said map[utterance]time.Time
}

// utterance is records that were multicast on a link.
type utterance struct {
	link    int
	v6      bool
	records string // their names and types
}

// startResponder listens on the links. It needs one of IPv4 and IPv6.
func startResponder(self sighting, links []link, found func(sighting), log *slog.Logger) (*responder, error) {
	r := &responder{self: self, links: map[int]link{}, found: found, log: log, said: map[utterance]time.Time{}}
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
	links = slices.DeleteFunc(slices.Clone(links), func(l link) bool { return !slices.ContainsFunc(l.addrs, netip.Addr.Is6) })
	if len(links) == 0 {
		return errors.New("no IPv6 address")
	}
	udp, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.ParseIP("ff02::"), Port: mdnsPort})
	if err != nil {
		return err
	}
	conn := ipv6.NewPacketConn(udp)
	joined := 0
	for _, l := range links {
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
	if !r.self.concerns(packet) {
		return
	}
	reply, unicast, found := interpret(packet, r.self, l, src.Port != mdnsPort)
	for _, s := range found {
		r.found(s)
	}
	if reply != nil {
		r.reply(reply, l, src, unicast)
	}
}

// reply answers a question: to the asker alone, or to all unless they have just heard the same.
func (r *responder) reply(reply *dns.Msg, l link, src *net.UDPAddr, unicast bool) {
	to := group(src.IP.To4() == nil)
	if unicast {
		to = src
	} else if !r.mayRepeat(reply, l, src.IP.To4() == nil) {
		return
	}
	r.send(reply, l, to)
}

// mayRepeat reports whether these records were not multicast within the last second, and notes
// that they are now.
func (r *responder) mayRepeat(msg *dns.Msg, l link, v6 bool) bool {
	what := utterance{link: l.iface.Index, v6: v6}
	for _, rr := range msg.Answer {
		what.records += rr.Header().Name + dns.Type(rr.Header().Rrtype).String() + " "
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for old, at := range r.said {
		if now.Sub(at) >= sayAgain {
			delete(r.said, old)
		}
	}
	if _, said := r.said[what]; said {
		return false
	}
	r.said[what] = now
	return true
}

// announce says on every link, unasked, that the node is there, or with gone that it goes.
func (r *responder) announce(gone bool) {
	for _, l := range r.links {
		msg := &dns.Msg{MsgHdr: dns.MsgHdr{Response: true, Authoritative: true}, Compress: true, Answer: presence{r.self, l.addrs}.all(gone)}
		r.sendAll(msg, l)
	}
}

// ask asks everybody on every link who is there. All hear the answers.
func (r *responder) ask(known []string) {
	for _, l := range r.links {
		r.sendAll(browseQuestion(known), l)
	}
}

func (r *responder) sendAll(msg *dns.Msg, l link) {
	if r.conn4 != nil && slices.ContainsFunc(l.addrs, netip.Addr.Is4) {
		r.send(msg, l, group(false))
	}
	if r.conn6 != nil && slices.ContainsFunc(l.addrs, netip.Addr.Is6) {
		r.send(msg, l, group(true))
	}
}

func (r *responder) send(msg *dns.Msg, l link, to *net.UDPAddr) {
	raw, err := msg.Pack()
	switch {
	case err != nil:
	case to.IP.To4() != nil:
		_, err = r.conn4.WriteTo(raw, &ipv4.ControlMessage{IfIndex: l.iface.Index}, to)
	default:
		_, err = r.conn6.WriteTo(raw, &ipv6.ControlMessage{IfIndex: l.iface.Index}, to)
	}
	if err != nil && !errors.Is(err, net.ErrClosed) {
		r.log.Debug("mdns message not sent", "interface", l.iface.Name, "to", to, "error", err)
	}
}

// concerns reports whether a packet may be about nodes, or asks for this host or for all services, by the
// labels that it must hold. Most of what is said on a network is not, and need not be unpacked.
func (s sighting) concerns(packet []byte) bool {
	lower := bytes.ToLower(packet[:min(len(packet), maxMDNS)])
	for _, label := range []string{serviceLabel, metaLabel, s.ID} {
		if bytes.Contains(lower, append([]byte{byte(len(label))}, label...)) {
			return true
		}
	}
	return false
}

// interpret is the whole treatment of one mDNS packet: the answer to send, if any, whether to
// send it to the asker only, and the nodes that the packet tells of. Legacy askers, which do not
// ask from port 5353, get an ordinary DNS answer.
func interpret(packet []byte, self sighting, l link, legacy bool) (reply *dns.Msg, unicast bool, found []sighting) {
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
	answer := &dns.Msg{MsgHdr: dns.MsgHdr{Response: true, Authoritative: true}, Compress: true}
	unicast = true
	for _, q := range msg.Question[:min(len(msg.Question), maxAnswers)] {
		rrs, extra := presence{self, l.addrs}.answer(q, msg.Answer)
		if len(rrs) == 0 {
			continue
		}
		answer.Answer = append(answer.Answer, rrs...)
		answer.Extra = append(answer.Extra, extra...)
		unicast = unicast && (legacy || q.Qclass&topBit != 0)
		if legacy {
			answer.Question = append(answer.Question, q)
		}
	}
	if len(answer.Answer) == 0 {
		return nil, false, nil
	}
	answer.Answer = dns.Dedup(answer.Answer, nil)
	answer.Extra = without(dns.Dedup(answer.Extra, nil), answer.Answer)
	if legacy {
		answer.Id = msg.Id
		plain(answer.Answer)
		plain(answer.Extra)
	}
	return answer, unicast, nil
}

// without returns the records that are not among those.
func without(records, those []dns.RR) []dns.RR {
	return slices.DeleteFunc(records, func(rr dns.RR) bool {
		return slices.ContainsFunc(those, func(other dns.RR) bool { return dns.IsDuplicate(rr, other) })
	})
}

// plain makes records such as ordinary DNS has.
func plain(records []dns.RR) {
	for _, rr := range records {
		rr.Header().Class &^= topBit
		rr.Header().Ttl = legacyTTL
	}
}
