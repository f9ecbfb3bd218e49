// Package power ends the machine.
package power

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Action is a way to end.
type Action int

// The actions. The zero value is Reboot, the safe one for a machine that nobody stands beside.
const (
	Reboot Action = iota
	Off
)

// String returns the command's name.
func (a Action) String() string {
	if a == Off {
		return "poweroff"
	}
	return "reboot"
}

// Do ends the machine at once. It returns only if the kernel refuses.
func Do(a Action) error {
	unix.Sync()
	cmd := unix.LINUX_REBOOT_CMD_RESTART
	if a == Off {
		cmd = unix.LINUX_REBOOT_CMD_POWER_OFF
	}
	if err := unix.Reboot(cmd); err != nil {
		return fmt.Errorf("%s: %w", a, err)
	}
	return nil
}
