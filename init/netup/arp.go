package netup

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
)

// arpPacket is an ARP packet for IPv4 on Ethernet (RFC 826).
type arpPacket struct {
	op       uint16
	senderHW net.HardwareAddr
	senderIP netip.Addr
	targetHW net.HardwareAddr
	targetIP netip.Addr
}

const (
	arpRequest = 1
	arpReply   = 2
	arpLen     = 28
)

var errNotARP = errors.New("not an ARP packet for IPv4 on Ethernet")

// arpHead is hardware type 1, protocol IPv4, and the lengths of their addresses.
var arpHead = [6]byte{0, 1, 0x08, 0, 6, 4}

func parseARP(b []byte) (arpPacket, error) {
	if len(b) < arpLen || !bytes.Equal(b[:6], arpHead[:]) {
		return arpPacket{}, errNotARP
	}
	return arpPacket{
		op:       binary.BigEndian.Uint16(b[6:]),
		senderHW: bytes.Clone(b[8:14]),
		senderIP: netip.AddrFrom4([4]byte(b[14:18])),
		targetHW: bytes.Clone(b[18:24]),
		targetIP: netip.AddrFrom4([4]byte(b[24:28])),
	}, nil
}

func (p arpPacket) marshal() []byte {
	b := make([]byte, arpLen)
	copy(b, arpHead[:])
	binary.BigEndian.PutUint16(b[6:], p.op)
	copy(b[8:14], p.senderHW)
	copy(b[14:18], p.senderIP.AsSlice())
	copy(b[18:24], p.targetHW)
	copy(b[24:28], p.targetIP.AsSlice())
	return b
}

// claims reports whether the packet shows that another machine uses ip, or, while we only probe, that another one is
// about to (RFC 3927 section 2.2.1). Our own packets, which some segments send back, do not count.
func (p arpPacket) claims(ip netip.Addr, self net.HardwareAddr, probing bool) bool {
	if bytes.Equal(p.senderHW, self) {
		return false
	}
	if p.senderIP == ip {
		return true
	}
	return probing && p.op == arpRequest && p.senderIP.IsUnspecified() && p.targetIP == ip
}
