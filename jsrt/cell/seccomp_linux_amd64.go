package cell

import "golang.org/x/sys/unix"

// table is what x86-64 needs; arch_prctl sets the thread pointer of a new thread, and calls from
// 2^30 up are the x32 table.
func table(pid int) architecture {
	const archSetFS = 0x1002
	return architecture{
		audit:   unix.AUDIT_ARCH_X86_64,
		highest: 1 << 30,
		allowed: common(),
		checked: append(commonChecks(pid, unix.SYS_MMAP), check{unix.SYS_ARCH_PRCTL, 0, 0xffffffff, archSetFS}),
		absent:  []uint32{unix.SYS_CLONE3},
		deadly:  append(commonDeadly(), unix.SYS_FORK, unix.SYS_VFORK),
	}
}
