package bench

import (
	"time"

	"golang.org/x/sys/unix"
)

// ownTime is what this process has used of processors.
func ownTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
