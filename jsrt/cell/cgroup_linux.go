package cell

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// groupPrefix begins the name of a cell's cgroup; the process id of its node and a random part follow.
const groupPrefix = "capo-cell-"

// newGroup makes the strongest memory limit that there is: cgroup v2 in the folder given, else
// cgroup v1 where it can be written, else none.
func newGroup(attr *syscall.SysProcAttr, cfg Config) (limiter, error) {
	name := fmt.Sprintf("%s%d-%s", groupPrefix, os.Getpid(), rand.Text()[:10])
	if cfg.CgroupParent != "" {
		sweep(cfg.CgroupParent)
		g, err := newGroupV2(filepath.Join(cfg.CgroupParent, name), cfg)
		if err == nil {
			attr.UseCgroupFD, attr.CgroupFD = true, int(g.dir.Fd())
			return g, nil
		}
		cfg.Logger.Warn("no cgroup v2 for this cell", "job", cfg.Name, "error", err)
	}
	if g, err := newGroupV1(name, cfg); err == nil {
		return g, nil
	}
	return noGroup{}, nil
}

// groupV2 is a leaf of the unified hierarchy, which the kernel puts the child into as it is made.
type groupV2 struct {
	path    string
	dir     *os.File
	missing []string
}

func newGroupV2(path string, cfg Config) (*groupV2, error) {
	for _, controller := range []string{"+memory", "+pids", "+cpu"} {
		_ = os.WriteFile(filepath.Join(filepath.Dir(path), "cgroup.subtree_control"), []byte(controller), 0)
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		return nil, fmt.Errorf("make a cgroup: %w", err)
	}
	g := &groupV2{path: path}
	limit := strconv.FormatInt(cfg.Memory+Overhead, 10)
	if err := g.write("memory.max", limit); err != nil {
		g.remove()
		return nil, err
	}
	_ = g.write("memory.swap.max", "0") // absent without swap accounting
	_ = g.write("memory.oom.group", "1")
	if err := g.write("pids.max", strconv.FormatInt(cfg.Pids, 10)); err != nil {
		g.missing = append(g.missing, "limit of processes")
	}
	if cfg.CPU > 0 {
		if err := g.write("cpu.max", fmt.Sprintf("%d 100000", cfg.CPU*100)); err != nil {
			g.missing = append(g.missing, "limit of CPU")
		}
	}
	var err error
	if g.dir, err = os.Open(path); err != nil {
		g.remove()
		return nil, fmt.Errorf("open the cgroup: %w", err)
	}
	return g, nil
}

func (g *groupV2) write(file, value string) error {
	if err := os.WriteFile(filepath.Join(g.path, file), []byte(value), 0); err != nil {
		return fmt.Errorf("set %s to %s: %w", file, value, err)
	}
	return nil
}

func (g *groupV2) enter(int) ([]string, error) { return g.missing, nil }
func (g *groupV2) polled() bool                { return false }

func (g *groupV2) ranOut() bool {
	return counter(filepath.Join(g.path, "memory.events"), "oom_kill") > 0
}

func (g *groupV2) remove() {
	if g.dir != nil {
		_ = g.dir.Close()
	}
	removeGroup(g.path)
}

// groupV1 is a group in the memory hierarchy, and in pids and cpu where these can be written.
type groupV1 struct {
	memory  string
	others  []string
	missing []string
}

func newGroupV1(name string, cfg Config) (*groupV1, error) {
	at := func(controller string) (string, error) {
		parent, err := ownGroupV1(controller)
		if err != nil {
			return "", err
		}
		sweep(parent)
		path := filepath.Join(parent, name)
		return path, os.Mkdir(path, 0o755)
	}
	write := func(path, file string, v int64) error {
		return os.WriteFile(filepath.Join(path, file), []byte(strconv.FormatInt(v, 10)), 0)
	}
	memory, err := at("memory")
	if err != nil {
		return nil, err
	}
	g := &groupV1{memory: memory}
	if err := write(memory, "memory.limit_in_bytes", cfg.Memory+Overhead); err != nil {
		g.remove()
		return nil, err
	}
	_ = write(memory, "memory.memsw.limit_in_bytes", cfg.Memory+Overhead) // absent without swap accounting
	if pids, err := at("pids"); err == nil {
		g.others = append(g.others, pids)
		if write(pids, "pids.max", cfg.Pids) != nil {
			g.missing = append(g.missing, "limit of processes")
		}
	}
	if cfg.CPU > 0 {
		if cpu, err := at("cpu"); err != nil || write(cpu, "cpu.cfs_quota_us", cfg.CPU*100) != nil {
			g.missing = append(g.missing, "limit of CPU")
		} else {
			g.others = append(g.others, cpu)
		}
	}
	return g, nil
}

func (g *groupV1) enter(pid int) ([]string, error) {
	for _, path := range append([]string{g.memory}, g.others...) {
		if err := os.WriteFile(filepath.Join(path, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0); err != nil {
			return nil, fmt.Errorf("put the cell into its cgroup: %w", err)
		}
	}
	return g.missing, nil
}

func (g *groupV1) polled() bool { return false }

func (g *groupV1) ranOut() bool {
	return counter(filepath.Join(g.memory, "memory.oom_control"), "oom_kill") > 0
}

func (g *groupV1) remove() {
	for _, path := range append([]string{g.memory}, g.others...) {
		removeGroup(path)
	}
}

// noGroup leaves the limit to RLIMIT_DATA and to the parent's watch.
type noGroup struct{}

func (noGroup) enter(int) ([]string, error) {
	return []string{"memory cgroup (RLIMIT_DATA and a watch instead)"}, nil
}
func (noGroup) ranOut() bool { return false }
func (noGroup) remove()      {}
func (noGroup) polled() bool { return true }

// counter reads the number after a key in a file of "key value" lines.
func counter(path, key string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, key+" "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			return n
		}
	}
	return 0
}

// removeGroup removes an empty cgroup; its last process may take a moment to leave.
func removeGroup(path string) {
	for wait := time.Millisecond; wait < 300*time.Millisecond; wait *= 2 {
		if err := os.Remove(path); err == nil || os.IsNotExist(err) {
			return
		}
		time.Sleep(wait)
	}
}

// sweep removes the groups that a node left behind when it was killed. Linux refuses to remove
// one that holds a process.
func sweep(parent string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), groupPrefix)
		if !ok {
			continue
		}
		pid, _, _ := strings.Cut(rest, "-")
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > time.Minute && !exists("/proc/"+pid) {
			_ = os.Remove(filepath.Join(parent, e.Name()))
		}
	}
}

// ownGroupV1 is the folder of the group that this process is in.
func ownGroupV1(controller string) (string, error) {
	f, err := os.Open("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		parts := strings.SplitN(lines.Text(), ":", 3)
		if len(parts) != 3 || !strings.Contains(","+parts[1]+",", ","+controller+",") {
			continue
		}
		for _, mount := range []string{"/sys/fs/cgroup/" + controller, "/sys/fs/cgroup/" + parts[1]} {
			if path := filepath.Join(mount, parts[2]); exists(filepath.Join(path, "cgroup.procs")) {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("cgroup v1 controller %s: %w", controller, os.ErrNotExist)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
