package netup

import (
	"hash/fnv"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"
)

// linkLocalTimes are the times of RFC 3927 section 9, shortened: see docs/decisions/link-local.md.
type linkLocalTimes struct {
	probes   int
	interval time.Duration // between probes, and between announcements
	announce int
	defend   time.Duration // a second conflict within it gives the address up
	conflict int           // after so many conflicts...
	pause    time.Duration // ...this is waited before each further attempt
}

func defaultLinkLocalTimes() linkLocalTimes {
	return linkLocalTimes{
		probes: 3, interval: 200 * time.Millisecond, announce: 2,
		defend: 10 * time.Second, conflict: 10, pause: 60 * time.Second,
	}
}

// candidates returns an endless sequence of addresses from 169.254.1.0 to 169.254.254.255 that depends only on the
// hardware address: a machine takes the same one at every boot (RFC 3927 section 2.1).
func candidates(mac net.HardwareAddr) func() netip.Addr {
	h := fnv.New64a()
	h.Write(mac)
	r := rand.New(rand.NewPCG(h.Sum64(), 3927))
	return func() netip.Addr {
		n := 256 + r.IntN(65536-512)
		return netip.AddrFrom4([4]byte{169, 254, byte(n >> 8), byte(n)})
	}
}

// linkLocal6 is the IPv6 link-local address of a 48-bit hardware address (RFC 4291 appendix A).
func linkLocal6(mac net.HardwareAddr) netip.Addr {
	return netip.AddrFrom16([16]byte{0xfe, 0x80, 8: mac[0] ^ 2, 9: mac[1], 10: mac[2], 11: 0xff, 12: 0xfe, 13: mac[3], 14: mac[4], 15: mac[5]})
}
