package watchdog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Dog is an open watchdog of the kernel (Linux, Documentation/watchdog/watchdog-api.rst). u-root has one too, but its
// SetTimeout hands nanoseconds to an ioctl that takes seconds.
type Dog struct {
	// Name is the device's, such as watchdog0, and Identity what its driver calls it.
	Name     string
	Identity string
	file     *os.File
}

// softIdentity is what the kernel's own watchdog calls itself.
const softIdentity = "Software Watchdog"

// Hardware reports whether it is a device of its own. A software watchdog cannot help when the kernel hangs.
func (d *Dog) Hardware() bool { return d.Identity != softIdentity }

// class is where Linux has its watchdogs (Linux, Documentation/ABI/testing/sysfs-class-watchdog).
const class = "/sys/class/watchdog"

// There reports whether there is any watchdog now, and HardwareThere whether there is one that says that it is a device.
func There() bool {
	_, err := os.Stat("/dev/watchdog")
	return err == nil
}

// HardwareThere is described with [There].
func HardwareThere() bool {
	d := choose(os.DirFS(class))
	return d.Identity != "" && d.Hardware()
}

// Open opens a watchdog: one in hardware if there is one. From then on it has to be fed.
func Open() (*Dog, error) {
	d := choose(os.DirFS(class))
	f, err := os.OpenFile(filepath.Join("/dev", d.Name), os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("open the watchdog: %w", err)
	}
	d.file = f
	return d, nil
}

// choose finds the device to open. The tree is /sys/class/watchdog, in which a kernel without CONFIG_WATCHDOG_SYSFS says nothing.
func choose(class fs.FS) *Dog {
	names, _ := fs.Glob(class, "watchdog*") // the pattern is valid; names are sorted
	best := &Dog{Name: "watchdog"}          // the first that the kernel found
	for _, name := range names {
		text, err := fs.ReadFile(class, name+"/identity")
		if err != nil {
			continue
		}
		d := &Dog{Name: name, Identity: strings.TrimSpace(string(text))}
		if best.Identity == "" || d.Hardware() && !best.Hardware() {
			best = d
		}
	}
	return best
}

// KeepAlive starts its time anew.
func (d *Dog) KeepAlive() error {
	_, err := d.file.Write([]byte{0})
	return err
}

// SetTimeout sets its time, in whole seconds. The chip may choose another one that it can do, which is returned.
func (d *Dog) SetTimeout(t time.Duration) (time.Duration, error) {
	fd := int(d.file.Fd())
	for ask := t; ask >= time.Second; ask /= 2 { // many can do less than half a minute
		if unix.IoctlSetPointerInt(fd, unix.WDIOC_SETTIMEOUT, int(ask/time.Second)) == nil {
			break
		}
	}
	seconds, err := unix.IoctlGetInt(fd, unix.WDIOC_GETTIMEOUT)
	if err == nil && seconds < 1 {
		err = errors.New("it says " + strconv.Itoa(seconds) + " seconds")
	}
	if err != nil {
		return t, fmt.Errorf("set the watchdog to %v: %w", t, err)
	}
	return time.Duration(seconds) * time.Second, nil
}

// Bit reports whether it ended the last boot, as far as it can tell.
func (d *Dog) Bit() bool {
	const cardReset = 0x20 // WDIOF_CARDRESET
	status, err := unix.IoctlGetInt(int(d.file.Fd()), unix.WDIOC_GETBOOTSTATUS)
	return err == nil && status&cardReset != 0
}

// Disarm stops it, where the kernel allows that, so that it does not wake a machine that is off.
func (d *Dog) Disarm() error {
	if _, err := d.file.Write([]byte{'V'}); err != nil {
		return err
	}
	return d.file.Close()
}
