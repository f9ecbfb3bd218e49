// Package boot tests images as boards use them: firmware starts them from a disk or a card, and the node comes to ready.
package boot

import (
	"os"
	"testing"
	"time"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/images"
	"github.com/capodekappa/capo/images/qemu"
	"github.com/capodekappa/capo/images/qemu/qemutest"
	"github.com/capodekappa/capo/test/need"
)

// limit is how long a machine may take from power to ready under TCG on a busy computer.
const limit = 90 * time.Second

// member returns the fleet's part of an image, with a join token.
func member(t *testing.T) []byte {
	t.Helper()
	store := &fleet.Store{Dir: t.TempDir()}
	f, err := store.New("boot", false)
	if err != nil {
		t.Fatal(err)
	}
	m, err := store.WithToken(f, "test")
	if err != nil {
		t.Fatal(err)
	}
	data, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// alone is an image of a fleet of one node.
func alone(t *testing.T, board, format string) images.Options {
	t.Helper()
	return images.Options{Board: board, Format: format, Fleet: member(t), Size: 1}
}

// wired is a machine with one network interface.
func wired() qemu.Config {
	return qemu.Config{NICs: []qemu.NIC{{MAC: qemu.MAC(1, 0)}}}
}

// ready waits until the machine's node is ready, and tells how long that took.
func ready(t *testing.T, vm *qemutest.VM) {
	t.Helper()
	vm.Expect(`capo: ready .*log=`, limit)
	t.Logf("ready %.1f s after QEMU was started", time.Since(vm.Started).Seconds())
}

// larger gives a disk more room than its image, as a stick or a disk has: then the copy of the partition table is not at its end.
func larger(t *testing.T, disk string) string {
	t.Helper()
	if err := os.Truncate(disk, 1<<30); err != nil {
		t.Fatal(err)
	}
	return disk
}

func TestADiskBootsByUEFI(t *testing.T) {
	for _, name := range []string{"qemu-amd64", "qemu-arm64"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := larger(t, qemutest.Image(t, alone(t, name, images.FormatEFI)))
			ready(t, qemutest.BootDisk(t, qemutest.Options{Board: name, Machine: wired()}, disk))
		})
	}
}

func TestACardBootsByUBoot(t *testing.T) {
	t.Parallel()
	card := qemutest.Image(t, alone(t, "qemu-zynq", images.FormatSD))
	ready(t, qemutest.BootDisk(t, qemutest.Options{Board: "qemu-zynq", Machine: wired()}, card))
}

// pc is the board pc as QEMU emulates one: with real network chips, and with a BIOS unless it is given UEFI.
func pc(t *testing.T, firmware qemu.Firmware) qemu.Config {
	t.Helper()
	b, err := board.Load("pc")
	if err != nil {
		t.Fatal(err)
	}
	c := wired()
	b.QEMU = &board.QEMU{System: "x86_64", Machine: "q35", CPU: "max", MemoryMB: 512, NIC: "e1000e,romfile=", RNG: "virtio-rng-pci", Disk: "virtio-blk-pci"}
	c.Board, c.Firmware = b, firmware
	return c
}

func TestAPCBootsByBIOSLong(t *testing.T) {
	need.Long(t)
	t.Parallel()
	disk := larger(t, qemutest.Image(t, alone(t, "pc", images.FormatEFI)))
	vm := qemutest.BootDisk(t, qemutest.Options{Machine: pc(t, qemu.Firmware{})}, disk)
	vm.Expect(`capo: network carrier name=eth0 carrier=true`, limit)
	vm.Rewind()
	ready(t, vm)
}
