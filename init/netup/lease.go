package netup

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// lease is what a DHCP server gave, checked.
type lease struct {
	address netip.Prefix
	router  netip.Addr // may be invalid
	dns     []netip.Addr
	ntp     []netip.Addr
	valid   time.Duration // the whole time
	renew   time.Duration // T1
	rebind  time.Duration // T2
}

// leaseOf checks an acknowledgement. What is missing gets the defaults of RFC 2131 section 4.4.5.
func leaseOf(ack *dhcpv4.DHCPv4) (lease, error) {
	ip, ok := netip.AddrFromSlice(ack.YourIPAddr.To4())
	if !ok || ip.IsUnspecified() || ip.IsMulticast() || ip.IsLoopback() {
		return lease{}, fmt.Errorf("the DHCP server gave the address %v", ack.YourIPAddr)
	}
	bits := 24
	if mask := ack.SubnetMask(); mask != nil {
		ones, size := mask.Size()
		if size != 32 || ones == 0 {
			return lease{}, fmt.Errorf("the DHCP server gave the netmask %v", mask)
		}
		bits = ones
	}
	l := lease{address: netip.PrefixFrom(ip, bits), dns: addrs(ack.DNS()), ntp: addrs(ack.NTPServers())}
	if routers := addrs(ack.Router()); len(routers) > 0 {
		l.router = routers[0]
	}
	l.times(ack)
	return l, nil
}

// shortest is the least lease that is taken seriously: a server's mistake must not make a node ask all the time.
const shortest = 4 * time.Second

func (l *lease) times(ack *dhcpv4.DHCPv4) {
	l.valid = max(ack.IPAddressLeaseTime(time.Hour), shortest)
	l.renew = ack.IPAddressRenewalTime(l.valid / 2)
	l.rebind = ack.IPAddressRebindingTime(l.valid * 7 / 8)
	if l.renew <= 0 || l.renew >= l.valid {
		l.renew = l.valid / 2
	}
	if l.rebind <= l.renew || l.rebind >= l.valid {
		l.rebind = l.renew + (l.valid-l.renew)*3/4
	}
}

func (l lease) equal(o lease) bool {
	return l.address == o.address && l.router == o.router && slices.Equal(l.dns, o.dns) && slices.Equal(l.ntp, o.ntp)
}

// addrs keeps what can be a server's address.
func addrs(ips []net.IP) []netip.Addr {
	var out []netip.Addr
	for _, ip := range ips {
		if a, ok := netip.AddrFromSlice(ip.To4()); ok && !a.IsUnspecified() && !a.IsMulticast() {
			out = append(out, a)
		}
	}
	return out
}
