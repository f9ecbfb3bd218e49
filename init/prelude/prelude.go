// Package prelude finds out how long a machine took before this program ran: its firmware, as far as anything tells, and
// Linux. What is not known is not guessed.
package prelude

import (
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// Moment is what the processor's counter showed at a time since the kernel started.
type Moment struct {
	At time.Duration
	// Ticks have been counted since the machine was reset; 0 on a processor without such a counter.
	Ticks uint64
}

// Now takes a moment; the clock gives the time since the kernel started.
func Now(clock func() time.Duration) Moment { return Moment{At: clock(), Ticks: counter()} }

// longest is more than any firmware takes. A counter that says more was not reset with the machine.
const longest = 10 * time.Minute

// Firmware returns how long it took from reset until the kernel's clock began, by what the firmware itself recorded (ACPI
// 6.4, section 5.2.23, Firmware Performance Data Table), else by the processor's counter. first and last are two
// moments from which the counter's speed follows. It returns 0 where neither tells.
func Firmware(root fs.FS, first, last Moment) time.Duration {
	if d := recorded(root); d > 0 {
		return d
	}
	if d := counted(first, last); d > 0 && d < longest {
		return d
	}
	return 0
}

// recorded is when the firmware handed the machine over.
func recorded(root fs.FS) time.Duration {
	text, err := fs.ReadFile(root, "sys/firmware/acpi/fpdt/boot/exitbootservice_end_ns")
	if err != nil {
		return 0
	}
	ns, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || ns < 0 || ns > int64(longest) {
		return 0
	}
	return time.Duration(ns)
}

// counted is how long the counter ran before the kernel's clock did.
func counted(first, last Moment) time.Duration {
	if last.At-first.At < 50*time.Millisecond || first.Ticks == 0 || last.Ticks <= first.Ticks {
		return 0
	}
	perNanosecond := float64(last.Ticks-first.Ticks) / float64(last.At-first.At)
	since := float64(first.Ticks) / perNanosecond
	if since > float64(longest) {
		return 0
	}
	return time.Duration(since) - first.At
}

// ran is what the kernel says right before it runs PID 1 (init/main.c).
const ran = ";Run /init as init process"

// RanInit finds in records of /dev/kmsg when the kernel ran this program; 0 if they do not say (Linux,
// Documentation/ABI/testing/dev-kmsg).
func RanInit(records []string) time.Duration {
	for _, r := range records {
		head, _, ok := strings.Cut(r, ran)
		if !ok {
			continue
		}
		fields := strings.Split(head, ",") // priority, number, microseconds, flags
		if len(fields) < 3 {
			continue
		}
		us, err := strconv.ParseInt(fields[2], 10, 64)
		if err != nil || us < 0 || us > longest.Microseconds() {
			continue
		}
		return time.Duration(us) * time.Microsecond
	}
	return 0
}
