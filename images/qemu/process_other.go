//go:build !linux

package qemu

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// startOf asks ps for the time at which a process began.
func startOf(pid int) (string, error) {
	out, err := exec.Command("ps", "-o", "lstart=", "-p", strconv.Itoa(pid)).Output()
	started := strings.TrimSpace(string(out))
	if err != nil || started == "" {
		return "", ErrGone
	}
	return started, nil
}

func bootID() string { return "" }

func processAttr(bool) *syscall.SysProcAttr { return nil }
