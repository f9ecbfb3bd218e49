// Package reap collects the processes that PID 1 inherits, without taking those that this program started itself:
// os/exec waits for those, and would lose their exit status.
package reap

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// again is how long after a signal all processes are looked through, if a child of ours stood before others.
const again = 500 * time.Millisecond

// Loop reaps until ctx ends: at every SIGCHLD, a moment later what stood behind a child of ours, and now and then whatever is left.
func Loop(ctx context.Context) {
	children := make(chan os.Signal, 1)
	signal.Notify(children, unix.SIGCHLD)
	defer signal.Stop(children)
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	var later <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-children:
			if first("/proc") && later == nil {
				later = time.After(again)
			}
		case <-later:
			later = nil
			Once("/proc")
		case <-tick.C:
			Once("/proc")
		}
	}
}

// first reaps zombies for as long as the first one is not ours, and reports whether one is. What stands behind that is left to a later
// round: looking through all processes costs much, and can wait.
func first(proc string) (ours bool) {
	for {
		pid := firstZombie()
		if pid == 0 {
			return false
		}
		if pidfds(proc)[pid] {
			return true
		}
		if got, err := unix.Wait4(pid, nil, unix.WNOHANG, nil); err != nil || got != pid {
			return true
		}
	}
}

// Once reaps every zombie that is not ours and returns how many there were.
func Once(proc string) int {
	if firstZombie() == 0 {
		return 0
	}
	// A child of os/exec has a pidfd in this process from its first moment until it was waited for (Go 1.23 and newer on
	// Linux 5.4 and newer), so no list of our own children has to be kept.
	zombies := zombiesOf(proc, os.Getpid())
	ours := pidfds(proc)
	n := 0
	for _, pid := range zombies {
		if ours[pid] {
			continue
		}
		// It is 0 for one whose first thread has ended and others have not.
		if got, err := unix.Wait4(pid, nil, unix.WNOHANG, nil); err == nil && got == pid {
			n++
		}
	}
	return n
}

// childInfo is the part of siginfo_t that tells of a child: the union in it is aligned as a pointer is.
type childInfo struct {
	signo, errno, code int32
	_                  [unsafe.Sizeof(uintptr(0)) - 4]byte
	pid                int32
}

// firstZombie peeks at an ended child without reaping it; 0 if there is none.
func firstZombie() int {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	if err != nil || info.Signo == 0 {
		return 0
	}
	return int((*childInfo)(unsafe.Pointer(&info)).pid)
}

// zombiesOf lists the ended children of a process.
func zombiesOf(proc string, parent int) []int {
	dir, err := os.ReadDir(proc)
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range dir {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(fmt.Sprintf("%s/%d/stat", proc, pid))
		if err == nil && isZombieOf(string(stat), parent) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// isZombieOf reads proc(5)'s stat. The name in parentheses may hold anything, so the fields are counted from its end.
func isZombieOf(stat string, parent int) bool {
	end := strings.LastIndex(stat, ")")
	if end < 0 {
		return false
	}
	f := strings.Fields(stat[end+1:])
	return len(f) > 1 && f[0] == "Z" && f[1] == strconv.Itoa(parent)
}

// pidfds returns the processes of which this process holds a pidfd.
func pidfds(proc string) map[int]bool {
	out := map[int]bool{}
	dir := proc + "/self/fdinfo"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return out
	}
	for _, e := range entries {
		text, err := os.ReadFile(dir + "/" + e.Name())
		if err != nil {
			continue // closed meanwhile
		}
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, "Pid:"); ok {
				if pid, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
					out[pid] = true
				}
			}
		}
	}
	return out
}
