// Package qemu runs boards in QEMU: it makes the argument list out of a board's description, chooses
// an accelerator that is proved to work, and starts and stops machines without needing root.
package qemu

import (
	"fmt"
	"strconv"

	"github.com/capodekappa/capo/board"
)

// Accel is how QEMU runs a guest's instructions: TCG translates them, KVM lets the processor run them.
type Accel string

// The accelerators. The zero value means TCG, which works everywhere.
const (
	TCG Accel = "tcg"
	KVM Accel = "kvm"
)

// Config describes one machine.
type Config struct {
	Board *board.Board
	// Accel is what [Probe] returned.
	Accel Accel
	// Kernel and Initrd are paths; Cmdline is the whole command line of the kernel.
	Kernel  string
	Initrd  string
	Cmdline string
	// MemoryMB is 0 for the board's own size, CPUs 0 for one.
	MemoryMB int
	CPUs     int
	// UUID becomes the machine's product UUID, from which a node makes its id. Empty means none.
	UUID string
	// NICs are the network interfaces, in the order that the guest sees them.
	NICs []NIC
	// Console is the file that receives the serial console; empty discards it.
	Console string
	// QMP is the path of a Unix socket for the machine protocol; empty means none.
	QMP string
	// NoReboot makes the machine end when the guest reboots.
	NoReboot bool
	// NoRNG leaves out the random number generator that the board has.
	NoRNG bool
	// RTC is the argument of -rtc, such as base=1970-01-01; empty for the host's time.
	RTC string
	// Args are appended as they are.
	Args []string
}

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

// Args returns QEMU's arguments for a machine, without the program's name.
func Args(c Config) ([]string, error) {
	q := c.Board.QEMU
	if q == nil {
		return nil, fmt.Errorf("board %s cannot run in QEMU", c.Board.Name)
	}
	memory, cpus := c.MemoryMB, c.CPUs
	if memory == 0 {
		memory = q.MemoryMB
	}
	if cpus == 0 {
		cpus = 1
	}
	accel, cpu := "tcg,thread=multi", q.CPU
	if c.Accel == KVM {
		accel, cpu = "kvm", q.KVMCPU
	}
	args := []string{
		"-nodefaults", "-no-user-config", "-display", "none",
		"-machine", q.Machine, "-accel", accel, "-cpu", cpu,
		"-m", strconv.Itoa(memory), "-smp", strconv.Itoa(cpus),
		"-kernel", c.Kernel, "-append", c.Cmdline,
	}
	if c.Initrd != "" {
		args = append(args, "-initrd", c.Initrd)
	}
	args = append(args, console(c.Console)...)
	if c.QMP != "" {
		args = append(args, "-qmp", "unix:"+c.QMP+",server=on,wait=off")
	}
	if c.UUID != "" {
		args = append(args, "-uuid", c.UUID)
	}
	if c.NoReboot {
		args = append(args, "-no-reboot")
	}
	if c.RTC != "" {
		args = append(args, "-rtc", c.RTC)
	}
	if q.RNG != "" && !c.NoRNG {
		args = append(args, "-device", q.RNG)
	}
	for i, nic := range c.NICs {
		n, err := nic.args(q.NIC, i)
		if err != nil {
			return nil, err
		}
		args = append(args, n...)
	}
	return append(append(args, q.Args...), c.Args...), nil
}

func console(path string) []string {
	if path == "" {
		return []string{"-serial", "null"}
	}
	return []string{"-chardev", "file,id=console,path=" + path, "-serial", "chardev:console"}
}

func (n NIC) args(model string, i int) ([]string, error) {
	netdev, err := n.netdev("net" + strconv.Itoa(i))
	if err != nil {
		return nil, err
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
