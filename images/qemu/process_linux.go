package qemu

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// startOf returns the boot's id and the process's start time in clock ticks since boot: field 22 of proc(5)'s stat.
func startOf(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", ErrGone
	}
	end := strings.LastIndex(string(stat), ") ") // the name before it may hold anything
	if end < 0 {
		return "", ErrGone
	}
	fields := strings.Fields(string(stat[end+2:]))
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return "", ErrGone
	}
	return bootID() + " " + fields[19], nil
}

// bootID differs from one boot of this machine to the next.
func bootID() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // empty where /proc is restricted
	return strings.TrimSpace(string(id))
}

// processAttr makes QEMU end with this process, or live on in a session of its own.
func processAttr(detached bool) *syscall.SysProcAttr {
	if detached {
		return &syscall.SysProcAttr{Setsid: true}
	}
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
