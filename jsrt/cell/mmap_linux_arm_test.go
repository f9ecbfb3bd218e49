package cell

import "golang.org/x/sys/unix"

// sysMmap maps memory. 32-bit ARM has no mmap.
const sysMmap = unix.SYS_MMAP2
