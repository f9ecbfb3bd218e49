package main_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/images"
	"github.com/capodekappa/capo/images/qemu"
	"github.com/capodekappa/capo/images/qemu/qemutest"
	"github.com/capodekappa/capo/init/watchdog"
	"github.com/capodekappa/capo/test/need"
)

// boot is how long a machine may take to its node under TCG on a busy computer.
const boot = 40 * time.Second

// buildTime is what qemutest.Build tells the executable.
const buildTime = 1700000000

// vminit is the test's node, see internal/vminit.
func vminit(t *testing.T) string { return qemutest.Build(t, "qemu-amd64", "./internal/vminit") }

// TestMachineWithTwoNetworks follows one machine through its life: every boot costs seconds.
func TestMachineWithTwoNetworks(t *testing.T) {
	t.Parallel()
	vm := qemutest.Boot(t, qemutest.Options{
		Init:  vminit(t),
		Image: images.Options{Cmdline: "capo.test=tour capo.name=edges"},
		Machine: qemu.Config{
			UUID: "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
			RTC:  "base=1970-01-01",
			NICs: []qemu.NIC{{MAC: qemu.MAC(1, 0), SegmentPort: qemutest.SegmentPort(t)}, {MAC: qemu.MAC(1, 1)}},
			Args: []string{"-device", "pcie-root-port,id=port1,slot=1"},
		},
	})
	phases := []string{"signals", "mounts", "board", "watchdog", "previous", "settings", "entropy", "modules", "network", "clock", "identity", "cgroups", "node"}
	for _, p := range phases {
		vm.Expect("capo: phase "+p+" at=", boot)
	}
	vm.Expect("TEST node test=tour id=f988d3b7ccaa name=edges board=qemu-amd64", boot)
	unix, _ := strconv.Atoi(vm.Expect(`TEST clock unix=(\d+) source=build`, boot)[1])
	if unix < buildTime || unix > buildTime+300 {
		t.Errorf("the clock is at %d; the real-time clock said 1970 and the build is of %d", unix, buildTime)
	}
	vm.Expect(`TEST cgroup path=/sys/fs/cgroup/cells controllers="cpu memory pids" err=<nil>`, boot)
	vm.Expect("TEST children err=<nil>", boot)
	vm.Expect("TEST store err=<nil>", boot)

	vm.Rewind()
	carrier := vm.Time(`network carrier name=eth0 carrier=true`)
	linkLocal := vm.Time(`address interface=eth0 address=169\.254\.\d+\.\d+/16`)
	if took := linkLocal - carrier; took > 1500*time.Millisecond {
		t.Errorf("the link-local address came %v after the carrier", took)
	}
	vm.Rewind()
	vm.Expect(`TEST addrs list=\S*eth0:169.254\S*eth0:fe80::5054:ff:fe00:100/64,eth1:10.0.2.15/24,\S*eth1:fe80`, boot)

	q := vm.QMP()
	if err := q.SetLink(t.Context(), 1, false); err != nil {
		t.Fatal(err)
	}
	vm.Expect(`network carrier name=eth1 carrier=false`, boot)
	vm.Expect(`TEST addrs list=eth0:169.254[^,]*,eth0:fe80[^,]*$`, boot)
	if err := q.SetLink(t.Context(), 1, true); err != nil {
		t.Fatal(err)
	}
	vm.Expect(`TEST addrs list=\S*eth1:10.0.2.15/24`, boot)

	hotplug(t, q)
	vm.Expect(`network interface name=eth2 mac=52:54:00:00:01:02`, boot)
	vm.Expect(`TEST addrs list=\S*eth2:10.0.9.15/24`, boot)
	vm.Expect(`TEST stopped`, boot)
	vm.ExpectEnd(boot)
}

// hotplug puts a third network card into a running machine.
func hotplug(t *testing.T, q *qemu.QMP) {
	t.Helper()
	commands := []struct {
		name string
		args map[string]any
	}{
		{"netdev_add", map[string]any{"type": "user", "id": "late", "restrict": true, "net": "10.0.9.0/24"}},
		{"device_add", map[string]any{"driver": "virtio-net-pci", "id": "nic2", "netdev": "late", "bus": "port1", "mac": qemu.MAC(1, 2), "romfile": ""}},
	}
	for _, c := range commands {
		if _, err := q.Execute(t.Context(), c.name, c.args); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMachineWhereEverythingFails has no random numbers, no network, no identity, a watchdog module that is rubbish, a
// command line with mistakes and a node that panics. It must say so, and reboot.
func TestMachineWhereEverythingFails(t *testing.T) {
	t.Parallel()
	vm := qemutest.Boot(t, qemutest.Options{
		Init:     vminit(t),
		Image:    images.Options{Cmdline: "capo.test=panic capo.size=many ip=1.2.3 random.trust_cpu=off random.trust_bootloader=off"},
		Machine:  qemu.Config{NoRNG: true, NoReboot: true, Args: []string{"-cpu", "qemu64"}},
		Archives: [][]byte{badModule(t)},
	})
	vm.Expect(`phase watchdog failed .*load module softdog: exec format error`, boot)
	vm.Expect(`phase settings failed .*capo.size=many.*ip=1.2.3`, boot)
	vm.Expect(`random numbers credited source=jitter`, boot)
	vm.Expect(`phase entropy at=`, boot)
	vm.Expect(`phase identity failed .*no serial number, UUID, network interface or card`, boot)
	vm.Expect(`TEST node test=panic id=unknown`, boot)
	vm.Expect(`the node ended; rebooting .*panic: as the test wants it`, boot)
	vm.Expect(`reboot at=`, boot)
	vm.ExpectEnd(boot)
}

func badModule(t *testing.T) []byte {
	t.Helper()
	release := qemutest.Release(t, "qemu-amd64")
	a, err := images.FileArchive(fmt.Sprintf("lib/modules/%s/kernel/drivers/watchdog/softdog.ko", release), []byte(strings.Repeat("rubbish", 100)), 0o444)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestTheNextBootTellsOfAPanic keeps the log in memory that a reset leaves as it is. Debian's kernel does so for panics
// only.
func TestTheNextBootTellsOfAPanic(t *testing.T) {
	t.Parallel()
	vm := qemutest.Boot(t, qemutest.Options{
		Init:    vminit(t),
		Image:   images.Options{Cmdline: "capo.test=die panic=1"},
		Machine: qemu.Config{UUID: "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
	})
	vm.Expect(`TEST node test=die`, boot)
	vm.Expect(`Kernel panic - not syncing: Attempted to kill init`, boot)
	vm.Expect(`capo: previous boot: it ended by kernel panic: Attempted to kill init`, boot)
	vm.Expect(`capo: previous boot: .*capo: TEST node test=die`, boot)
	vm.Expect(`capo: previous boot: .*Kernel panic`, boot)
	vm.Expect(`TEST previous lines=\d\d`, boot)
	vm.Expect(`capo: reboot at=`, boot)
	vm.Expect(`TEST previous lines=0`, boot)
}

// TestZynqTellsOfEveryEnd has no random number generator, and a kernel of ours, which keeps the consoles' log and
// this program's words over any reset.
func TestZynqTellsOfEveryEnd(t *testing.T) {
	t.Parallel()
	vm := qemutest.Boot(t, qemutest.Options{
		Board:   "qemu-zynq",
		Init:    qemutest.Build(t, "qemu-zynq", "./internal/vminit"),
		Image:   images.Options{Cmdline: "capo.test=die panic=1"},
		Machine: qemu.Config{NICs: []qemu.NIC{{MAC: qemu.MAC(1, 0)}}},
	})
	vm.Expect(`capo: watchdog device=watchdog\d is="Software Watchdog" .*hardware=false`, boot)
	vm.Expect(`capo: random numbers credited source=jitter`, boot)
	vm.Expect(`TEST node test=die id=525400000100`, boot)
	vm.Expect(`Kernel panic - not syncing: Attempted to kill init`, boot)
	vm.Expect(`capo: previous boot: it ended by kernel panic: Attempted to kill init`, boot)
	vm.Expect(`capo: previous boot: .*capo: TEST node test=die`, boot)
	vm.Expect(`capo: reboot at=`, boot)
	vm.Expect(`capo: previous boot: it ended by reboot`, boot)
	vm.Expect(`TEST previous lines=0`, boot)
}

// TestTwoLinkLocalNetworksWithAKernelWithoutRules has the first interface carry what has no other way: a route for answers must not stand
// before it.
func TestTwoLinkLocalNetworksWithAKernelWithoutRules(t *testing.T) {
	t.Parallel()
	vm := qemutest.Boot(t, qemutest.Options{
		Board:   "qemu-zynq",
		Init:    qemutest.Build(t, "qemu-zynq", "./internal/vminit"),
		Image:   images.Options{Cmdline: "capo.test=routes"},
		Machine: qemu.Config{NICs: []qemu.NIC{{MAC: qemu.MAC(1, 0), SegmentPort: qemutest.SegmentPort(t)}}},
	})
	vm.Expect(`TEST routes list=eth0:100\d,eth1:100\d err=<nil>`, boot)
}

// TestAnLEDFlashesInAMachine has no peer and so flashes in threes. QEMU has the LED's driver, and no lamp.
func TestAnLEDFlashesInAMachine(t *testing.T) {
	t.Parallel()
	vm := qemutest.Boot(t, qemutest.Options{
		Board:   "qemu-raspi3",
		Init:    qemutest.Build(t, "qemu-raspi3", "./internal/vminit"),
		Image:   images.Options{Cmdline: "capo.test=led"},
		Machine: qemu.Config{NICs: []qemu.NIC{{MAC: qemu.MAC(1, 0)}}},
	})
	vm.Expect(`capo: network interface name=usb0`, boot) // late, since USB takes a second
	vm.Expect(`TEST led groups=\d+,3,3$`, boot)
}

// TestAHangIsEndedByTheWatchdogLong takes the half minute that a watchdog waits.
func TestAHangIsEndedByTheWatchdogLong(t *testing.T) {
	need.Long(t)
	vm := qemutest.Boot(t, qemutest.Options{
		Board:   "qemu-arm",
		Init:    qemutest.Build(t, "qemu-arm", "./internal/vminit"),
		Image:   images.Options{Cmdline: "capo.test=freeze"},
		Machine: qemu.Config{NICs: []qemu.NIC{{MAC: qemu.MAC(1, 0)}}, Args: []string{"-device", "i6300esb", "-action", "watchdog=reset"}},
	})
	vm.Expect(`capo: watchdog device=watchdog\d is="i6300ESB timer" timeout=30s hardware=true`, boot)
	vm.Expect(`TEST node test=freeze`, boot)
	vm.Expect(`capo: previous boot: it ended by watchdog`, boot+watchdog.Timeout)
	vm.Expect(`TEST node test=freeze`, boot)
}

func TestRebootEndsTheNodeAndTheMachine(t *testing.T) {
	t.Parallel()
	vm := qemutest.Boot(t, qemutest.Options{
		Init:    vminit(t),
		Image:   images.Options{Cmdline: "capo.test=reboot"},
		Machine: qemu.Config{NoReboot: true, UUID: "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
	})
	vm.Expect("reboot: stopping the node", boot)
	vm.Expect("TEST stopped", boot)
	vm.Expect("reboot at=", boot)
	vm.ExpectEnd(boot)
}

func TestPoweroffDoesNotWaitForEverForTheNodeLong(t *testing.T) {
	need.Long(t)
	vm := qemutest.Boot(t, qemutest.Options{
		Init:    vminit(t),
		Image:   images.Options{Cmdline: "capo.test=stuck"},
		Machine: qemu.Config{UUID: "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
	})
	vm.Expect("poweroff: stopping the node", boot)
	vm.Expect("the node did not return in time", boot)
	vm.ExpectEnd(boot)
}
