package main_test

import (
	"testing"
	"time"

	"github.com/capodekappa/capo/images/qemu"
	"github.com/capodekappa/capo/images/qemu/qemutest"
)

func TestMachineReachesTheNode(t *testing.T) {
	vm := qemutest.Boot(t, qemutest.Options{Init: qemutest.Build(t, "./internal/vminit"),
		Machine: qemu.Config{UUID: "6ba7b810-9dad-11d1-80b4-00c04fd430c8", NICs: []qemu.NIC{{MAC: qemu.MAC(1, 0), SegmentPort: 12399}, {MAC: qemu.MAC(1, 1)}}}})
	vm.Expect("capo: TEST up", 12*time.Second)
	time.Sleep(3 * time.Second)
	t.Logf("%v\n%s", time.Since(vm.Started), vm.Console())
}
