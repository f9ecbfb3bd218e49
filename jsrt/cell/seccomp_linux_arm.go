package cell

import "golang.org/x/sys/unix"

// table is what ARMv7 needs: the calls with 64-bit times beside the older ones, and those of the
// kernel's own range that set the thread pointer and flush the cache.
func table(pid int) architecture {
	const cacheFlush, setTLS = 0x0f0002, 0x0f0005
	return architecture{
		audit:   unix.AUDIT_ARCH_ARM,
		allowed: append(common(), unix.SYS_FUTEX_TIME64, unix.SYS_CLOCK_GETTIME64, unix.SYS_SIGRETURN, cacheFlush, setTLS),
		checked: commonChecks(pid, unix.SYS_MMAP2),
		absent:  []uint32{unix.SYS_CLONE3},
		deadly:  append(commonDeadly(), unix.SYS_FORK, unix.SYS_VFORK),
	}
}
