package watchdog

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Dog is an open watchdog of the kernel (Linux, Documentation/watchdog/watchdog-api.rst). u-root has one too, but its
// SetTimeout hands nanoseconds to an ioctl that takes seconds.
type Dog struct {
	file *os.File
}

// Open opens /dev/watchdog. From then on it has to be fed.
func Open() (*Dog, error) {
	f, err := os.OpenFile("/dev/watchdog", os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("open the watchdog: %w", err)
	}
	return &Dog{file: f}, nil
}

// KeepAlive starts its time anew.
func (d *Dog) KeepAlive() error {
	_, err := d.file.Write([]byte{0})
	return err
}

// SetTimeout sets its time, in whole seconds. The chip may choose another one that it can do.
func (d *Dog) SetTimeout(t time.Duration) error {
	if err := unix.IoctlSetPointerInt(int(d.file.Fd()), unix.WDIOC_SETTIMEOUT, int(t/time.Second)); err != nil {
		return fmt.Errorf("set the watchdog to %v: %w", t, err)
	}
	return nil
}

// Disarm stops it, where the kernel allows that, so that it does not wake a machine that is off.
func (d *Dog) Disarm() error {
	if _, err := d.file.Write([]byte{'V'}); err != nil {
		return err
	}
	return d.file.Close()
}
