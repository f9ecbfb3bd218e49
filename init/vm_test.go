package main_test

import (
	"testing"
	"time"

	"github.com/capodekappa/capo/images/qemu/qemutest"
)

func TestMachineReachesTheNode(t *testing.T) {
	vm := qemutest.Boot(t, qemutest.Options{Init: qemutest.Build(t, "./internal/vminit")})
	vm.Expect("capo: TEST up", 30*time.Second)
	t.Logf("%v\n%s", time.Since(vm.Started), vm.Console())
}
