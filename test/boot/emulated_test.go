package boot

import (
	"testing"
	"time"

	"github.com/capodekappa/capo/images/qemu/qemutest"
)

// TestEmulatedBoardsComeToReady boots each board whose Linux QEMU starts itself, and says how the time went.
func TestEmulatedBoardsComeToReady(t *testing.T) {
	for _, name := range []string{"qemu-arm", "qemu-arm64", "qemu-zynq", "qemu-raspi3"} {
		t.Run(name, func(t *testing.T) {
			vm := qemutest.Boot(t, qemutest.Options{Board: name, Machine: wired(), Image: alone(t, name, "qemu")})
			vm.Expect(`phase watchdog at=`, limit)
			vm.Rewind()
			line := vm.Expect(`capo: (ready .*)$`, limit)[1]
			t.Logf("%.1f s after QEMU was started: %s", time.Since(vm.Started).Seconds(), line)
		})
	}
}
