package cell

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// plan is one way to start a cell; the first that works is taken.
type plan struct {
	name      string
	flags     uintptr
	mapTo     int // the uid outside that is root inside the user namespace; 0: no user namespace
	dropTo    int // the uid that the child changes to by itself; 0: none
	emptyRoot bool
	missing   []string
}

// processors is how many cores a cell may use at once.
const processors = "1"

const namespaces = syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS

// plans lists the ways from the strongest down.
func plans(Config) []plan {
	if os.Geteuid() == 0 {
		uid := ownUID()
		return []plan{
			{name: "user namespace", flags: namespaces | syscall.CLONE_NEWUSER, mapTo: uid, emptyRoot: true},
			{name: "namespaces as root", flags: namespaces, dropTo: uid, emptyRoot: true},
			{name: "own uid", dropTo: uid, missing: []string{"namespaces", "empty root"}},
			{name: "plain process", missing: []string{"namespaces", "empty root", "own uid"}}, // a container's root may not even change its uid
		}
	}
	return []plan{
		{name: "user namespace", flags: namespaces | syscall.CLONE_NEWUSER, mapTo: os.Geteuid(), emptyRoot: true, missing: []string{"own uid"}},
		{name: "plain process", missing: []string{"namespaces", "empty root", "own uid"}},
	}
}

// ownUID draws a uid that nobody else has, from 2^30 up.
func ownUID() int {
	var b [4]byte
	_, _ = rand.Read(b[:])
	return 1<<30 + int(binary.LittleEndian.Uint32(b[:])>>4)
}

func executable(path string) string {
	if path == "" {
		return "/proc/self/exe"
	}
	return path
}

// widen makes the pipes a megabyte; a smaller one works too.
func widen(files ...*os.File) {
	for _, f := range files {
		if raw, err := f.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, 1<<20) })
		}
	}
}

// prepare sets the command's attributes and makes its cgroup.
func (p plan) prepare(cmd *exec.Cmd, cfg Config) (limiter, error) {
	attr := &syscall.SysProcAttr{Cloneflags: p.flags, Setsid: true, Pdeathsig: syscall.SIGKILL}
	cmd.SysProcAttr = attr
	cmd.Dir = "/"
	if p.flags&syscall.CLONE_NEWUSER != 0 {
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: p.mapTo, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: p.mapTo, Size: 1}}
		if os.Geteuid() == 0 {
			attr.GidMappingsEnableSetgroups = true
			attr.Credential = &syscall.Credential{Uid: 0, Gid: 0}
		} else {
			attr.GidMappings[0].HostID = os.Getegid()
		}
	}
	return newGroup(attr, cfg)
}

// watchMemory kills the child when it holds more than it may, where no cgroup does. The function
// that it returns ends the watch.
func (c *Cell) watchMemory() func() {
	if !c.group.polled() {
		return func() {}
	}
	f, err := os.Open("/proc/" + strconv.Itoa(c.Pid()) + "/statm")
	if err != nil {
		return func() {}
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer f.Close()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-c.done:
				return
			case <-tick.C:
			}
			if anonymous(f) > c.cfg.Memory+Overhead {
				c.kill(&Error{Kind: ErrMemory, Detail: fmt.Sprintf("its limit is %d MB", c.cfg.Memory>>20)})
				return
			}
		}
	}()
	return func() { close(stop); <-ended }
}

// anonymous reads the resident bytes that are not shared with a file; 0 when that cannot be read.
func anonymous(statm *os.File) int64 {
	var b [128]byte
	n, _ := statm.ReadAt(b[:], 0)
	fields := strings.Fields(string(b[:n]))
	if len(fields) < 3 {
		return 0
	}
	resident, _ := strconv.ParseInt(fields[1], 10, 64)
	shared, _ := strconv.ParseInt(fields[2], 10, 64)
	return (resident - shared) * int64(os.Getpagesize())
}
