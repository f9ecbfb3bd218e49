package qemu

import (
	"fmt"
	"strconv"
	"strings"
)

// NIC is a network interface: of a segment that machines share, or of a user-mode network with the host; the one whose
// port is not 0.
type NIC struct {
	// MAC is the hardware address, such as 52:54:00:12:34:56. See [MAC].
	MAC string
	// SegmentPort is a UDP port of the loopback interface. Machines with the same one are on one Ethernet.
	SegmentPort int
	// HostPort is a TCP port of 127.0.0.1 that leads to GuestPort of the guest. The guest gets an address by DHCP and
	// cannot reach anything outside.
	HostPort  int
	GuestPort int
	// Down starts with the cable pulled. [QMP.SetLink] puts it in.
	Down bool
}

// segmentGroup is the multicast address that carries segments. It does not leave the loopback interface.
const segmentGroup = "230.77.0.1"

// onboard is the prefix of board.QEMU.NIC for interfaces that the machine has by itself.
const onboard = "onboard:"

func (n NIC) args(model string, i int) ([]string, error) {
	netdev, err := n.netdev("net" + strconv.Itoa(i))
	if err != nil {
		return nil, err
	}
	if model, ok := strings.CutPrefix(model, onboard); ok {
		return []string{"-nic", fmt.Sprintf("%s,model=%s,mac=%s", netdev, model, n.MAC)}, nil
	}
	device := fmt.Sprintf("%s,id=nic%d,netdev=net%d,mac=%s", model, i, i, n.MAC)
	return []string{"-netdev", netdev, "-device", device}, nil
}

func (n NIC) netdev(id string) (string, error) {
	switch {
	case n.SegmentPort != 0 && n.HostPort != 0:
		return "", fmt.Errorf("network interface %s is on a segment and on the host at once", id)
	case n.SegmentPort != 0:
		return fmt.Sprintf("socket,id=%s,mcast=%s:%d,localaddr=127.0.0.1", id, segmentGroup, n.SegmentPort), nil
	case n.HostPort != 0:
		return fmt.Sprintf("user,id=%s,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:%d-:%d", id, n.HostPort, n.GuestPort), nil
	default:
		return fmt.Sprintf("user,id=%s,restrict=on,ipv6=off", id), nil
	}
}

// MAC returns a locally administered address in QEMU's range for interface nic of a machine. The machine is a number
// that differs between all machines of one segment.
func MAC(machine uint16, nic uint8) string {
	return fmt.Sprintf("52:54:00:%02x:%02x:%02x", byte(machine>>8), byte(machine), nic)
}
