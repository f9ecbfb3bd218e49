package netup

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

func ack(t *testing.T, options ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	t.Helper()
	p, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithMessageType(dhcpv4.MessageTypeAck), dhcpv4.WithYourIP(net.IPv4(10, 0, 0, 7))}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLeaseOf(t *testing.T) {
	l, err := leaseOf(ack(t,
		dhcpv4.WithNetmask(net.CIDRMask(20, 32)), dhcpv4.WithRouter(net.IPv4(10, 0, 0, 1), net.IPv4(10, 0, 0, 2)),
		dhcpv4.WithDNS(net.IPv4zero, net.IPv4(10, 0, 0, 3)), dhcpv4.WithLeaseTime(1000),
		dhcpv4.WithOption(dhcpv4.OptNTPServers(net.IPv4(10, 0, 0, 4)))))
	if err != nil {
		t.Fatal(err)
	}
	if l.address.String() != "10.0.0.7/20" || l.router.String() != "10.0.0.1" || len(l.dns) != 1 || len(l.ntp) != 1 {
		t.Errorf("lease = %+v", l)
	}
	if l.valid != 1000*time.Second || l.renew != 500*time.Second || l.rebind != 875*time.Second {
		t.Errorf("times = %v %v %v", l.valid, l.renew, l.rebind)
	}
}

func TestLeaseTimesAreInOrder(t *testing.T) {
	option := func(code dhcpv4.OptionCode, d time.Duration) dhcpv4.Modifier {
		return dhcpv4.WithOption(dhcpv4.Option{Code: code, Value: dhcpv4.Duration(d)})
	}
	for _, times := range [][3]time.Duration{{0, 0, 0}, {1, 1, 1}, {100, 100, 100}, {100, 90, 10}, {100, 0, 0}, {4294967295, 4294967295, 4294967295}} {
		l, err := leaseOf(ack(t, dhcpv4.WithLeaseTime(uint32(times[0])),
			option(dhcpv4.OptionRenewTimeValue, times[1]*time.Second), option(dhcpv4.OptionRebindingTimeValue, times[2]*time.Second)))
		if err != nil || l.renew <= 0 || l.renew >= l.rebind || l.rebind >= l.valid || l.valid < shortest {
			t.Errorf("%v became %v %v %v, %v", times, l.valid, l.renew, l.rebind, err)
		}
	}
}

func TestLeaseOfRefuses(t *testing.T) {
	tests := []struct {
		name   string
		option dhcpv4.Modifier
		want   string
	}{
		{"no address", dhcpv4.WithYourIP(net.IPv4zero), "address"},
		{"multicast", dhcpv4.WithYourIP(net.IPv4(224, 0, 0, 1)), "address"},
		{"loopback", dhcpv4.WithYourIP(net.IPv4(127, 0, 0, 1)), "address"},
		{"netmask with a hole", dhcpv4.WithNetmask(net.IPv4Mask(255, 0, 255, 0)), "netmask"},
		{"netmask of nothing", dhcpv4.WithNetmask(net.IPv4Mask(0, 0, 0, 0)), "netmask"},
	}
	for _, tt := range tests {
		if _, err := leaseOf(ack(t, tt.option)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error with %q", tt.name, err, tt.want)
		}
	}
}

func FuzzLease(f *testing.F) {
	f.Add(make([]byte, 300))
	p, _ := dhcpv4.New(dhcpv4.WithYourIP(net.IPv4(10, 0, 0, 7)), dhcpv4.WithNetmask(net.CIDRMask(8, 32)), dhcpv4.WithLeaseTime(60))
	f.Add(p.ToBytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := dhcpv4.FromBytes(b)
		if err != nil {
			return
		}
		if l, err := leaseOf(p); err == nil && (!l.address.IsValid() || l.renew >= l.valid) {
			t.Errorf("lease = %+v", l)
		}
	})
}
