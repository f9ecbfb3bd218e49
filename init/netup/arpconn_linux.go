package netup

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// arpConn sends and receives ARP on one interface.
type arpConn struct {
	file  *os.File
	index int
	mac   net.HardwareAddr
}

func openARP(index int, mac net.HardwareAddr) (*arpConn, error) {
	proto := htons(unix.ETH_P_ARP)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(proto))
	if err != nil {
		return nil, fmt.Errorf("open an ARP socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: index}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("bind an ARP socket: %w", err)
	}
	return &arpConn{file: os.NewFile(uintptr(fd), "arp"), index: index, mac: mac}, nil
}

func (c *arpConn) Close() error { return c.file.Close() }

// ask broadcasts a request: a probe if sender is 0.0.0.0, an announcement if sender and target are the same.
func (c *arpConn) ask(sender, target netip.Addr) error {
	p := arpPacket{op: arpRequest, senderHW: c.mac, senderIP: sender, targetHW: make([]byte, 6), targetIP: target}
	to := &unix.SockaddrLinklayer{
		Protocol: htons(unix.ETH_P_ARP), Ifindex: c.index, Halen: 6,
		Addr: [8]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	}
	raw, err := c.file.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	err = raw.Control(func(fd uintptr) { sent = unix.Sendto(int(fd), p.marshal(), 0, to) })
	if err := errors.Join(err, sent); err != nil {
		return fmt.Errorf("send ARP for %s: %w", target, err)
	}
	return nil
}

// heard waits until the deadline for a packet that claims ip. A zero deadline waits for ever.
func (c *arpConn) heard(ip netip.Addr, probing bool, deadline time.Time) (arpPacket, bool, error) {
	if err := c.file.SetReadDeadline(deadline); err != nil {
		return arpPacket{}, false, err
	}
	buf := make([]byte, 128)
	for {
		n, err := c.file.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return arpPacket{}, false, nil
		}
		if err != nil {
			return arpPacket{}, false, fmt.Errorf("read ARP: %w", err)
		}
		if p, err := parseARP(buf[:n]); err == nil && p.claims(ip, c.mac, probing) {
			return p, true, nil
		}
	}
}

func htons(v uint16) uint16 { return v<<8 | v>>8 } // every architecture of ours is little-endian
