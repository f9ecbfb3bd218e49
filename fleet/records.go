package fleet

import (
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// Names of DNS-SD (RFC 6763), fully qualified.
const (
	serviceName = service + "." + domain + "."
	metaName    = metaLabel + "._dns-sd._udp." + domain + "." // who asks for it wants to know what services there are
)

// The first labels of these names.
const (
	serviceLabel = "_capo"
	metaLabel    = "_services"
)

// Lifetimes of records in seconds (RFC 6762 section 10).
const (
	hostTTL   = 120  // of what names the host: SRV, A, AAAA
	otherTTL  = 4500 // of PTR and TXT
	legacyTTL = 10   // of anything for a resolver that does not speak multicast (section 6.7)
)

// topBit of a class: unicast wanted in a question, flush the cache in an answer.
const topBit = 1 << 15

// presence is what one node says of itself on one link: an instance of the service and its host, of
// one name.
type presence struct {
	sighting
	addrs []netip.Addr // of the link
}

func (p presence) instance() string { return p.ID + "." + serviceName }

func (p presence) host() string { return p.ID + "." + domain + "." }

// all returns what announces the node, or with ttl 0 takes it back.
func (p presence) all(gone bool) []dns.RR {
	records := append([]dns.RR{p.pointer()}, p.details()...)
	if gone {
		for _, rr := range records {
			rr.Header().Ttl = 0
		}
	}
	return records
}

func (p presence) pointer() dns.RR {
	return &dns.PTR{Hdr: dns.RR_Header{Name: serviceName, Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: otherTTL}, Ptr: p.instance()}
}

// details are the records that are this node's alone.
func (p presence) details() []dns.RR {
	return append([]dns.RR{p.srv(), p.txt()}, p.addresses(dns.TypeANY)...)
}

func (p presence) srv() dns.RR {
	return &dns.SRV{Hdr: dns.RR_Header{Name: p.instance(), Rrtype: dns.TypeSRV, Class: dns.ClassINET | topBit, Ttl: hostTTL}, Port: p.Port, Target: p.host()}
}

func (p presence) txt() dns.RR {
	return &dns.TXT{Hdr: dns.RR_Header{Name: p.instance(), Rrtype: dns.TypeTXT, Class: dns.ClassINET | topBit, Ttl: otherTTL}, Txt: p.text()}
}

// addresses returns the host's A and AAAA records of the kind that was asked for.
func (p presence) addresses(kind uint16) []dns.RR {
	hdr := dns.RR_Header{Name: p.host(), Class: dns.ClassINET | topBit, Ttl: hostTTL}
	var rrs []dns.RR
	for _, a := range p.addrs {
		switch {
		case a.Is4() && (kind == dns.TypeA || kind == dns.TypeANY):
			hdr.Rrtype = dns.TypeA
			rrs = append(rrs, &dns.A{Hdr: hdr, A: a.AsSlice()})
		case a.Is6() && (kind == dns.TypeAAAA || kind == dns.TypeANY):
			hdr.Rrtype = dns.TypeAAAA
			rrs = append(rrs, &dns.AAAA{Hdr: hdr, AAAA: a.AsSlice()})
		}
	}
	return rrs
}

// answer returns the records that answer one question, and those that the asker will want to know
// besides. Known are the answers that it has already (RFC 6762 section 7.1).
func (p presence) answer(q dns.Question, known []dns.RR) (answers, extra []dns.RR) {
	if class := q.Qclass &^ topBit; class != dns.ClassINET && class != dns.ClassANY {
		return nil, nil
	}
	asks := func(kind uint16) bool { return q.Qtype == kind || q.Qtype == dns.TypeANY }
	switch {
	case strings.EqualFold(q.Name, serviceName):
		if asks(dns.TypePTR) && !p.isKnown(known) {
			return []dns.RR{p.pointer()}, p.details()
		}
	case strings.EqualFold(q.Name, metaName):
		if asks(dns.TypePTR) {
			return []dns.RR{&dns.PTR{Hdr: dns.RR_Header{Name: metaName, Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: otherTTL}, Ptr: serviceName}}, nil
		}
	case strings.EqualFold(q.Name, p.instance()):
		if asks(dns.TypeSRV) {
			answers, extra = append(answers, p.srv()), p.addresses(dns.TypeANY)
		}
		if asks(dns.TypeTXT) {
			answers = append(answers, p.txt())
		}
	case strings.EqualFold(q.Name, p.host()):
		return p.addresses(q.Qtype), nil
	}
	return answers, extra
}

// isKnown reports whether the asker knows of this node, and will for some time.
func (p presence) isKnown(known []dns.RR) bool {
	for _, rr := range known {
		ptr, ok := rr.(*dns.PTR)
		if ok && strings.EqualFold(ptr.Hdr.Name, serviceName) && strings.EqualFold(ptr.Ptr, p.instance()) && ptr.Hdr.Ttl >= otherTTL/2 {
			return true
		}
	}
	return false
}

// maxKnown bounds the nodes that a question names as known, so that it fits into one packet of an Ethernet.
const maxKnown = 32

// browseQuestion is the question who is there, from one that knows some.
func browseQuestion(known []string) *dns.Msg {
	q := &dns.Msg{Question: []dns.Question{{Name: serviceName, Qtype: dns.TypePTR, Qclass: dns.ClassINET}}, Compress: true}
	for _, id := range known[:min(len(known), maxKnown)] {
		q.Answer = append(q.Answer, presence{sighting: sighting{Ref: Ref{ID: id}}}.pointer())
	}
	return q
}
