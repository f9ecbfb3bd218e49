package fleet

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// The DNS-SD service of a node.
const (
	service = "_capo._tcp"
	domain  = "local"
)

// sighting is what mDNS says about a node: where to ask it for its hello. It is never trusted.
type sighting struct {
	Fleet string
	Ref
	Port  uint16
	Addrs []netip.Addr
}

// text returns the TXT record's strings.
func (s sighting) text() []string {
	return []string{"v=1", "fleet=" + s.Fleet, "id=" + s.ID, "boot=" + s.Boot, "port=" + strconv.Itoa(int(s.Port))}
}

// parseText reads the strings of a TXT record (RFC 6763 section 6); keys it does not know are
// ignored, and of a key that stands twice the first counts.
func parseText(txt []string) (sighting, error) {
	values := map[string]string{}
	for _, t := range txt {
		key, value, _ := strings.Cut(t, "=")
		if key = strings.ToLower(key); values[key] == "" {
			values[key] = value
		}
	}
	if values["v"] != "1" {
		return sighting{}, fmt.Errorf("version %.10q, this program knows 1", values["v"])
	}
	s := sighting{Fleet: values["fleet"], Ref: Ref{ID: values["id"], Boot: values["boot"]}}
	if !hashPattern.MatchString(s.Fleet) {
		return sighting{}, fmt.Errorf("fleet %.40q is not 16 hex digits", s.Fleet)
	}
	if err := s.Ref.check(); err != nil {
		return sighting{}, err
	}
	port, err := strconv.ParseUint(values["port"], 10, 16)
	if err != nil || port == 0 {
		return sighting{}, fmt.Errorf("port %.10q", values["port"])
	}
	s.Port = uint16(port)
	return s, nil
}

// maxAddrs is how many addresses of one sighting are tried.
const maxAddrs = 8

// usable returns the addresses that one can dial, IPv4 only when there is any; a link-local IPv6
// address gets the zone.
func usable(addrs []netip.Addr, zone string) []netip.Addr {
	var good []netip.Addr
	for _, a := range addrs {
		if a = a.Unmap(); !a.IsValid() || a.IsUnspecified() || a.IsMulticast() {
			continue
		}
		if a.Is6() && a.IsLinkLocalUnicast() {
			a = a.WithZone(zone)
		}
		good = append(good, a)
	}
	slices.SortFunc(good, compareAddrs)
	if len(good) > 0 && good[0].Is4() {
		good = slices.DeleteFunc(good, netip.Addr.Is6)
	}
	good = slices.Compact(good)
	return good[:min(len(good), maxAddrs)]
}

func fromIPs(ips []net.IP) []netip.Addr {
	var addrs []netip.Addr
	for _, ip := range ips {
		if a, ok := netip.AddrFromSlice(ip); ok {
			addrs = append(addrs, a.Unmap())
		}
	}
	return addrs
}

// packetSightings returns the nodes that an mDNS response tells of.
func packetSightings(msg *dns.Msg, zone string) []sighting {
	var found []sighting
	records := slices.Concat(msg.Answer, msg.Extra)
	for _, rr := range records {
		txt, ok := rr.(*dns.TXT)
		if !ok || rr.Header().Ttl == 0 || !strings.HasSuffix(strings.ToLower(rr.Header().Name), "."+serviceName) {
			continue
		}
		s, err := parseText(txt.Txt)
		if err != nil {
			continue
		}
		if s.Addrs = usable(hostAddrs(records, txt.Hdr.Name), zone); len(s.Addrs) > 0 {
			found = append(found, s)
		}
	}
	return found
}

// hostAddrs returns the addresses of the host that the instance's SRV record names.
func hostAddrs(records []dns.RR, instance string) []netip.Addr {
	host := ""
	for _, rr := range records {
		if srv, ok := rr.(*dns.SRV); ok && strings.EqualFold(srv.Hdr.Name, instance) {
			host = srv.Target
		}
	}
	var ips []net.IP
	for _, rr := range records {
		switch rr := rr.(type) {
		case *dns.A:
			if strings.EqualFold(rr.Hdr.Name, host) {
				ips = append(ips, rr.A)
			}
		case *dns.AAAA:
			if strings.EqualFold(rr.Hdr.Name, host) {
				ips = append(ips, rr.AAAA)
			}
		}
	}
	return fromIPs(ips)
}
