package cell

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// The filter is an allow list: what the Go runtime and two pipes need. Any other call gives EPERM,
// since it may be harmless (the library looks for a time zone); those in deadly kill the process,
// since only somebody who has broken out of the VM makes them. A call of another architecture's
// table kills too. clone makes threads only; memory is never executable; tgkill reaches only this
// process.

// architecture is one system call table.
type architecture struct {
	audit   uint32   // AUDIT_ARCH_…, as seccomp_data says it
	highest uint32   // calls from here up are of another table and kill; 0: none
	allowed []uint32 // with any arguments; the frequent ones first
	checked []check
	absent  []uint32 // ENOSYS, so that a caller takes the older call
	deadly  []uint32
}

// check allows a call when an argument, masked, has one value; anything else gives EPERM.
type check struct {
	call, argument, mask, value uint32
}

// What seccomp(2) and the filter's verdicts are called with.
const (
	setModeFilter = 1
	flagTSync     = 1
	retKill       = 0x80000000
	retErrno      = 0x00050000
	retAllow      = 0x7fff0000
)

// Offsets in struct seccomp_data on little-endian machines.
const (
	offsetCall = 0
	offsetArch = 4
	offsetArgs = 16
)

// filterSystemCalls installs the filter on every thread.
func filterSystemCalls() error {
	if len(table(os.Getpid()).allowed) == 0 {
		return errors.New("there is no list of system calls for " + runtime.GOARCH)
	}
	program, err := bpf.Assemble(filter(table(os.Getpid())))
	if err != nil {
		return fmt.Errorf("assemble the filter: %w", err)
	}
	raw := make([]unix.SockFilter, len(program))
	for i, p := range program {
		raw[i] = unix.SockFilter{Code: p.Op, Jt: p.Jt, Jf: p.Jf, K: p.K}
	}
	prog := unix.SockFprog{Len: uint16(len(raw)), Filter: &raw[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	tid, _, errno := syscall.RawSyscall(unix.SYS_SECCOMP, setModeFilter, flagTSync, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(raw)
	if errno != 0 {
		return errno
	}
	if tid != 0 {
		return fmt.Errorf("thread %d did not take the filter", tid)
	}
	return nil
}

// filter writes the program for a table.
func filter(a architecture) []bpf.Instruction {
	word := func(offset uint32) bpf.Instruction { return bpf.LoadAbsolute{Off: offset, Size: 4} }
	verdict := func(v uint32) bpf.Instruction { return bpf.RetConstant{Val: v} }
	out := []bpf.Instruction{
		word(offsetArch), bpf.JumpIf{Cond: bpf.JumpEqual, Val: a.audit, SkipTrue: 1}, verdict(retKill),
		word(offsetCall),
	}
	if a.highest != 0 {
		out = append(out, bpf.JumpIf{Cond: bpf.JumpLessThan, Val: a.highest, SkipTrue: 1}, verdict(retKill))
	}
	one := func(call, v uint32) {
		out = append(out, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: call, SkipTrue: 1}, verdict(v))
	}
	for _, call := range a.allowed {
		one(call, retAllow)
	}
	for _, c := range a.checked {
		out = append(out,
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: c.call, SkipTrue: 5},
			word(offsetArgs+8*c.argument),
			bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: c.mask},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: c.value, SkipTrue: 1},
			verdict(retAllow),
			verdict(retErrno|uint32(unix.EPERM)))
	}
	for _, call := range a.absent {
		one(call, retErrno|uint32(unix.ENOSYS))
	}
	for _, call := range a.deadly {
		one(call, retKill)
	}
	return append(out, verdict(retErrno|uint32(unix.EPERM)))
}

// common are the calls that every architecture has under the same name.
func common() []uint32 {
	return []uint32{
		unix.SYS_READ, unix.SYS_WRITE, unix.SYS_FUTEX, unix.SYS_EPOLL_PWAIT, unix.SYS_NANOSLEEP, unix.SYS_MADVISE,
		unix.SYS_MUNMAP, unix.SYS_SCHED_YIELD, unix.SYS_CLOCK_GETTIME, unix.SYS_GETTIMEOFDAY, unix.SYS_RT_SIGRETURN,
		unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGACTION, unix.SYS_SIGALTSTACK, unix.SYS_RESTART_SYSCALL,
		unix.SYS_GETPID, unix.SYS_GETTID, unix.SYS_GETRANDOM, unix.SYS_CLOSE, unix.SYS_EPOLL_CREATE1,
		unix.SYS_EPOLL_CTL, unix.SYS_EVENTFD2, unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
	}
}

// commonChecks are the calls whose arguments matter. mmap is the architecture's call for it.
func commonChecks(pid int, mmap uint32) []check {
	const foreign = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER |
		unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_PTRACE | unix.CLONE_VFORK
	const thread = unix.CLONE_VM | unix.CLONE_THREAD | unix.CLONE_SIGHAND
	return []check{
		{mmap, 2, unix.PROT_EXEC, 0},
		{unix.SYS_MPROTECT, 2, unix.PROT_EXEC, 0},
		{unix.SYS_CLONE, 0, foreign | thread, thread},
		{unix.SYS_TGKILL, 0, 0xffffffff, uint32(pid)},
		{unix.SYS_PRCTL, 0, 0xffffffff, unix.PR_SET_VMA},
		{unix.SYS_FCNTL, 1, 0xffffffff, unix.F_GETFL},
	}
}

// commonDeadly are the calls that end the process.
func commonDeadly() []uint32 {
	return []uint32{
		unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV,
		unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_SETNS, unix.SYS_UNSHARE,
		unix.SYS_BPF, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE,
		unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
		unix.SYS_IO_URING_SETUP, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_SECCOMP,
	}
}
