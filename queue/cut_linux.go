package queue

import (
	"net/netip"
	"os"
	"strconv"

	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/sys/unix"
)

// cutRoutes ends the connections with servers that do not count any more. The server has no call for it, and a server that
// was revoked will not hang up by itself: so the sockets to its address are shut down.
func (a *access) cutRoutes(ids []string) {
	if len(ids) == 0 {
		return
	}
	info, err := a.nats.Routez(&server.RoutezOptions{})
	if err != nil {
		return
	}
	for _, r := range info.Routes {
		for _, id := range ids {
			addr, err := netip.ParseAddr(r.IP)
			if (Peer{Name: r.RemoteName}).id() == id && err == nil {
				shutSockets(netip.AddrPortFrom(addr.Unmap().WithZone(""), uint16(r.Port)))
			}
		}
	}
}

// shutSockets shuts down this process's TCP connections to an address, whatever its zone.
func shutSockets(peer netip.AddrPort) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		name, err := unix.Getpeername(fd)
		if err == nil && addrOf(name) == peer {
			_ = unix.Shutdown(fd, unix.SHUT_RDWR) // closed already, or is now
		}
	}
}

func addrOf(name unix.Sockaddr) netip.AddrPort {
	switch s := name.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(s.Addr), uint16(s.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(s.Addr).Unmap(), uint16(s.Port))
	}
	return netip.AddrPort{}
}
