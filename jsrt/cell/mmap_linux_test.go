//go:build !arm

package cell

import "golang.org/x/sys/unix"

// sysMmap maps memory.
const sysMmap = unix.SYS_MMAP
