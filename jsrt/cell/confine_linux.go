package cell

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// confine takes everything from this process that a program does not need, and says what it could
// not take. The system call filter comes last; what needs executable memory is done by prepare just before.
func confine(s setup, prepare func() error) ([]string, error) {
	var missing []string
	try := func(what string, err error) {
		if err != nil {
			missing = append(missing, what+": "+err.Error())
		}
	}
	data := dataSize()
	closeFiles()
	if s.Root {
		try("empty root", emptyRoot())
	}
	try("limits", setLimits(s, data))
	if s.UID != 0 {
		if err := changeUser(s.UID); err != nil {
			return nil, err
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := noNewPrivileges(); err != nil {
		return nil, err
	}
	try("capabilities", dropCapabilities())
	if err := prepare(); err != nil {
		return nil, err
	}
	try("seccomp", filterSystemCalls())
	return missing, nil
}

// dataSize is what RLIMIT_DATA counts already.
func dataSize() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(b))
	if err != nil || len(fields) < 6 {
		return 128 << 20
	}
	pages, _ := strconv.ParseInt(fields[5], 10, 64)
	return pages * int64(os.Getpagesize())
}

// closeFiles closes what was inherited by mistake; the runtime's own poller stays.
func closeFiles() {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd <= 2 {
			continue
		}
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err == nil && !strings.HasPrefix(target, "anon_inode:") {
			_ = unix.Close(fd)
		}
	}
}

// emptyRoot makes an empty read-only tmpfs the root and unmounts everything else.
func emptyRoot() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_RDONLY
	if err := unix.Mount("tmpfs", "/proc", "tmpfs", flags, "size=4k,nr_inodes=2,mode=555"); err != nil {
		return fmt.Errorf("mount an empty root: %w", err)
	}
	if err := unix.Chdir("/proc"); err != nil {
		return fmt.Errorf("enter the empty root: %w", err)
	}
	if err := unix.PivotRoot(".", "."); err == nil {
		if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount the old root: %w", err)
		}
		return unix.Chdir("/")
	}
	// The root of an initramfs cannot be pivoted away: it is covered, as switch_root does it.
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move the empty root: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("change to the empty root: %w", err)
	}
	return unix.Chdir("/")
}

// dataSlack is what RLIMIT_DATA allows on top of the memory: the collector and arenas of 64 MB.
const dataSlack = 32 << 20

func setLimits(s setup, data int64) error {
	set := func(resource int, n int64) error {
		return unix.Setrlimit(resource, &unix.Rlimit{Cur: uint64(n), Max: uint64(n)})
	}
	err := errors.Join(
		set(unix.RLIMIT_DATA, data+s.Memory+dataSlack),
		set(unix.RLIMIT_CORE, 0),
		set(unix.RLIMIT_FSIZE, 0),
		set(unix.RLIMIT_NOFILE, 16),
		set(unix.RLIMIT_MEMLOCK, 0),
		set(unix.RLIMIT_MSGQUEUE, 0),
	)
	return err
}

func changeUser(uid int) error {
	if err := syscall.Setgroups(nil); err != nil {
		return fmt.Errorf("drop groups: %w", err)
	}
	if err := syscall.Setresgid(uid, uid, uid); err != nil {
		return fmt.Errorf("set gid %d: %w", uid, err)
	}
	if err := syscall.Setresuid(uid, uid, uid); err != nil {
		return fmt.Errorf("set uid %d: %w", uid, err)
	}
	return nil
}

// dropCapabilities empties the sets of every thread.
func dropCapabilities() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	err := allThreads(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none[0])))
	runtime.KeepAlive(&header)
	runtime.KeepAlive(&none)
	return err
}

// allThreads makes a system call on every thread of the process. A binary that was built with cgo
// cannot do that.
func allThreads(call, a, b uintptr) error {
	if _, _, errno := syscall.AllThreadsSyscall(call, a, b, 0); errno != 0 {
		return errno
	}
	return nil
}

// noNewPrivileges sets no_new_privs; the filter's installation spreads it over all threads.
func noNewPrivileges() error {
	err := allThreads(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
	if errors.Is(err, syscall.ENOTSUP) {
		err = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	}
	if err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	return nil
}

// input is standard input by way of the poller: with one processor, a goroutine that waits inside
// read(2) would hold it until the runtime's monitor takes it away, milliseconds later.
func input() *os.File {
	if err := unix.SetNonblock(0, true); err != nil {
		return os.Stdin
	}
	return os.NewFile(0, "stdin")
}
