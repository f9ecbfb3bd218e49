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
	// Kernel, Initrd and DTB are paths; Cmdline is the whole command line of the kernel. They are empty where the
	// machine boots from its disk.
	Kernel  string
	Initrd  string
	DTB     string
	Cmdline string
	// Disk is a raw image that the board sees as its disk or card; empty for none.
	Disk string
	// Firmware starts the machine from its disk, if Kernel is empty.
	Firmware Firmware
	// MemoryMB is 0 for the board's own size, CPUs 0 for the board's own number.
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

// Args returns QEMU's arguments for a machine, without the program's name.
func Args(c Config) ([]string, error) {
	q := c.Board.QEMU
	if q == nil {
		return nil, fmt.Errorf("board %s cannot run in QEMU", c.Board.Name)
	}
	if q.NICs != 0 && len(c.NICs) > q.NICs {
		return nil, fmt.Errorf("board %s has %d network interfaces in QEMU, and %d are wanted", c.Board.Name, q.NICs, len(c.NICs))
	}
	args := append([]string{"-nodefaults", "-no-user-config", "-display", "none"}, processor(c)...)
	start, err := c.start()
	if err != nil {
		return nil, err
	}
	args = append(append(args, start...), console(q.UART, c.Console)...)
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

// processor is the machine with its processors and memory.
func processor(c Config) []string {
	q := c.Board.QEMU
	memory, cpus := c.MemoryMB, c.CPUs
	if memory == 0 || q.FixedMemory {
		memory = q.MemoryMB
	}
	if l := q.Loader; c.Kernel == "" && l != nil && l.MemoryMB > memory {
		memory = l.MemoryMB
	}
	if cpus == 0 {
		cpus = max(1, q.CPUs)
	}
	accel, cpu := "tcg,thread=multi", q.CPU
	if c.Accel == KVM {
		accel, cpu = "kvm", q.KVMCPU
	}
	args := []string{"-machine", q.Machine, "-accel", accel, "-m", strconv.Itoa(memory), "-smp", strconv.Itoa(cpus)}
	if cpu != "" {
		args = append(args, "-cpu", cpu)
	}
	return args
}

// console leads the board's serial console to a file, and the ports before it nowhere.
func console(uart int, path string) []string {
	var args []string
	for range uart {
		args = append(args, "-serial", "null")
	}
	if path == "" {
		return append(args, "-serial", "null")
	}
	return append(args, "-chardev", "file,id=console,path="+path, "-serial", "chardev:console")
}
