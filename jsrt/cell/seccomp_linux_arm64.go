package cell

import "golang.org/x/sys/unix"

// table is what AArch64 needs.
func table(pid int) architecture {
	return architecture{
		audit:   unix.AUDIT_ARCH_AARCH64,
		allowed: common(),
		checked: commonChecks(pid, unix.SYS_MMAP),
		absent:  []uint32{unix.SYS_CLONE3},
		deadly:  commonDeadly(),
	}
}
