// Package early makes the kernel's random numbers ready before the rest of the program is initialised.
//
// It breaks the rule that the initialisation of a package does nothing outside of it, for a reason: a library draws random numbers while it is
// initialised, and on a board without a generator the kernel would let all of PID 1 wait for about a second until it has
// gathered enough itself. Go initialises packages by their dependencies and then by their paths, so that this one comes
// first; a test in a machine without a generator sees to that.
package early

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/capodekappa/capo/init/entropy"
)

// source is set once, here.
var source = credit()

// Source says where the randomness came from that this package credited; empty if the kernel was ready, or this is not PID 1.
func Source() string { return source }

// credit credits the kernel's pool, if this is a machine's first process and the kernel is not ready.
func credit() string {
	if os.Getpid() != 1 || entropy.Ready() {
		return ""
	}
	// Nothing is mounted yet, and an initramfs has no such file; later it is hidden by that of the kernel.
	const random = 1<<8 | 8
	_ = unix.Mknod(entropy.Device, unix.S_IFCHR|0o666, random) // it may be there
	if entropy.CreditJitter() != nil {
		return "" // the phase will try again, and say why not
	}
	return entropy.Jitter
}
