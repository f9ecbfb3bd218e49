// Package mounts makes the file systems that a node needs, and the cgroups under which it runs its cells.
package mounts

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Mount is a line of the table.
type Mount struct {
	// Source and Type are as in mount(2).
	Source string
	Type   string
	// Target is where it goes; the folder is made if it is not there.
	Target string
	Flags  uintptr
	Data   string
}

const safe = unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV

// Table is what a node mounts, in order.
func Table() []Mount {
	return []Mount{
		{Source: "proc", Type: "proc", Target: "/proc", Flags: safe},
		{Source: "sysfs", Type: "sysfs", Target: "/sys", Flags: safe},
		{Source: "dev", Type: "devtmpfs", Target: "/dev", Flags: unix.MS_NOSUID, Data: "mode=0755"},
		{Source: "cgroup2", Type: "cgroup2", Target: CgroupRoot, Flags: safe, Data: "nsdelegate"},
		{Source: "run", Type: "tmpfs", Target: "/run", Flags: unix.MS_NOSUID | unix.MS_NODEV, Data: "mode=0755"},
		{Source: "tmp", Type: "tmpfs", Target: "/tmp", Flags: unix.MS_NOSUID | unix.MS_NODEV, Data: "mode=1777"},
		{Source: "shm", Type: "tmpfs", Target: "/dev/shm", Flags: safe, Data: "mode=1777"},
	}
}

// Pstore is the file system of what the kernel kept of the previous boot. It is not in the table: most kernels have none.
func Pstore(target string) Mount {
	return Mount{Source: "pstore", Type: "pstore", Target: target, Flags: safe}
}

// All mounts the table, going on after a failure. What is mounted already (EBUSY) is fine.
func All(table []Mount) error {
	var errs []error
	for _, m := range table {
		if err := os.MkdirAll(m.Target, 0o755); err != nil {
			errs = append(errs, fmt.Errorf("make %s: %w", m.Target, err))
			continue
		}
		err := unix.Mount(m.Source, m.Target, m.Type, m.Flags, m.Data)
		if err != nil && !errors.Is(err, unix.EBUSY) {
			errs = append(errs, fmt.Errorf("mount %s on %s: %w", m.Type, m.Target, err))
		}
	}
	return errors.Join(errs...)
}

// UnmountAll unmounts the table in reverse and the root read-only, as far as it goes; what is busy is detached.
func UnmountAll(table []Mount) {
	for i := len(table) - 1; i >= 0; i-- {
		// /dev and /proc are in use by this process until the end.
		_ = unix.Unmount(table[i].Target, unix.MNT_DETACH)
	}
	_ = unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
}

// CgroupRoot is where cgroup v2 is mounted.
const CgroupRoot = "/sys/fs/cgroup"

// controllers are those that cells are limited with.
var controllers = []string{"cpu", "memory", "pids"}

// Cgroups moves this process into a leaf of its own below root and makes root/cells, in which cgroups with limits can be
// made. It returns the path of root/cells. A kernel without one of the controllers is an error, but the others are
// usable all the same.
func Cgroups(root string) (cells string, err error) {
	self, cells := filepath.Join(root, "node"), filepath.Join(root, "cells")
	for _, dir := range []string{self, cells} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", fmt.Errorf("make cgroup: %w", err)
		}
	}
	// Controllers can be enabled only below a cgroup that holds no process.
	if err := os.WriteFile(filepath.Join(self, "cgroup.procs"), []byte("0"), 0o644); err != nil {
		return "", fmt.Errorf("move to cgroup %s: %w", self, err)
	}
	var errs []error
	for _, dir := range []string{root, cells} {
		errs = append(errs, enable(dir))
	}
	return cells, errors.Join(errs...)
}

func enable(dir string) error {
	have, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return fmt.Errorf("read cgroup controllers: %w", err)
	}
	var errs []error
	available := " " + strings.Join(strings.Fields(string(have)), " ") + " "
	for _, c := range controllers {
		if !strings.Contains(available, " "+c+" ") {
			errs = append(errs, fmt.Errorf("cgroup controller %s is missing in %s", c, dir))
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+c), 0o644); err != nil {
			errs = append(errs, fmt.Errorf("enable cgroup controller %s in %s: %w", c, dir, err))
		}
	}
	return errors.Join(errs...)
}
