// Package clock sets the system's clock without trusting it: it never goes below the time of the build.
package clock

import (
	"fmt"
	"time"

	"github.com/u-root/u-root/pkg/rtc"
	"golang.org/x/sys/unix"
)

// The sources of a clock, as `capo nodes` prints them.
const (
	// Build is a clock that is not below the build's time; that is all that is known of it.
	Build = "build"
	// NTP is a clock that was set from a server.
	NTP = "ntp"
)

// MaxAhead is how far past the build a server's time may be.
const MaxAhead = 20 * 365 * 24 * time.Hour

// Boottime returns the time since the kernel started (CLOCK_BOOTTIME).
func Boottime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// Floor raises the system's clock to that of the battery-backed clock if it is later, and to the build's time if it is
// below that. It returns how far the clock was moved.
func Floor(build time.Time) (time.Duration, error) {
	now := time.Now()
	want := Choose(now, hardware(), build)
	if !want.After(now) {
		return 0, nil
	}
	if err := Set(want); err != nil {
		return 0, err
	}
	return want.Sub(now), nil
}

// Choose returns the time to set: that of the hardware if it is not before the system's (most kernels have read it
// themselves) and not absurd, and never one below the build's.
func Choose(system, hardware, build time.Time) time.Time {
	t := system
	if hardware.After(t) && hardware.Before(build.Add(MaxAhead)) {
		t = hardware
	}
	if t.Before(build) {
		t = build
	}
	return t
}

// Set sets the system's clock.
func Set(t time.Time) error {
	ts := unix.NsecToTimespec(t.UnixNano())
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &ts); err != nil {
		return fmt.Errorf("set the clock to %s: %w", t.UTC().Format(time.RFC3339), err)
	}
	return nil
}

// hardware reads the battery-backed clock; the zero time where there is none.
func hardware() time.Time {
	c, err := rtc.OpenRTC()
	if err != nil {
		return time.Time{}
	}
	defer c.Close()
	t, err := c.Read()
	if err != nil {
		return time.Time{}
	}
	return t
}
