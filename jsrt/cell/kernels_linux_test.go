package cell

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestKernelsLeaveNoWayToExecutableMemory: what compiled them had some, before the filter.
func TestKernelsLeaveNoWayToExecutableMemory(t *testing.T) {
	cfg := kernelConfig(attacker)
	c := start(t, cfg)
	for _, call := range []string{
		callJSON(sysMmap, 0, 4096, unix.PROT_EXEC|unix.PROT_READ, unix.MAP_ANON|unix.MAP_PRIVATE, -1, 0),
		callJSON(unix.SYS_OPENAT, -100, "/", 0),
	} {
		if got, err := rawIn(t, c, call); err != nil || got != "EPERM" {
			t.Errorf("%s: %s, %v", call, got, err)
		}
	}
}
