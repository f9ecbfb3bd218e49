package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/tools/capo/local"
)

// The large fleet.
const (
	fleetNodes = 50
	fleetRuns  = 3                // at most: each takes most of a minute
	fleetCalm  = 15 * time.Second // until what follows from starting is over
	fleetIdle  = 20 * time.Second // that the CPU time of doing nothing is taken over
)

// fleetPart: fifty host nodes from cold until each of them is ready in one log, and what they use together when idle.
func fleetPart(ctx context.Context, l *lab) error {
	for range min(l.cfg.Runs, fleetRuns) {
		err := l.up(ctx, func(rows []api.Node, _ time.Duration) error {
			l.note("ready_ms", "ms", 10_000, sinceFirstProcess(rows))
			percent, err := l.idle(ctx)
			if err == nil {
				l.note("idle_cpu_percent", "%", 10, percent)
			}
			return err
		}, "--board", "host", "--nodes", fmt.Sprint(fleetNodes))
		if err != nil {
			return err
		}
	}
	return nil
}

// sinceFirstProcess is how long the oldest node's process had run when all were seen ready, in milliseconds.
func sinceFirstProcess(rows []api.Node) float64 {
	var most int64
	for _, r := range rows {
		most = max(most, r.UptimeMS)
	}
	return float64(most)
}

// idle is the CPU time of the running fleet's processes over a while in which nobody asks anything of
// it, in percent of one core.
func (l *lab) idle(ctx context.Context) (float64, error) {
	pids, err := l.processes()
	if err != nil {
		return 0, err
	}
	if err := sleep(ctx, fleetCalm); err != nil {
		return 0, err
	}
	before, err := cpuTime(pids)
	if err != nil {
		return 0, err
	}
	started := time.Now()
	if err := sleep(ctx, fleetIdle); err != nil {
		return 0, err
	}
	after, err := cpuTime(pids)
	return 100 * float64(after-before) / float64(time.Since(started)), err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// processes are the process ids of the fleet that the command runs now.
func (l *lab) processes() ([]int, error) {
	running, err := l.running()
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, n := range running.Nodes {
		pids = append(pids, n.Process.PID)
	}
	return pids, nil
}

// running is what the command remembers of the fleet that it runs now.
func (l *lab) running() (*local.Running, error) {
	files, err := filepath.Glob(filepath.Join(l.dir, "state", "capo", "up", "*", "state.json"))
	if err != nil || len(files) != 1 {
		return nil, fmt.Errorf("find the running fleet: %d states in %s", len(files), l.dir)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		return nil, fmt.Errorf("find the running fleet: %w", err)
	}
	running := &local.Running{}
	if err := json.Unmarshal(data, running); err != nil || len(running.Nodes) == 0 {
		return nil, fmt.Errorf("find the running fleet: %d nodes in its state, %w", len(running.Nodes), err)
	}
	return running, nil
}

// userHZ is how many ticks of /proc/PID/stat a second has, on every processor that Linux runs these nodes on.
const userHZ = 100

// cpuTime is the time that processes have run on a CPU together. Only Linux tells.
func cpuTime(pids []int) (time.Duration, error) {
	var ticks uint64
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, fmt.Errorf("CPU time of a node: %w", err)
		}
		t, err := statTicks(stat)
		if err != nil {
			return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
		}
		ticks += t
	}
	return time.Duration(ticks) * time.Second / userHZ, nil
}

// statTicks is utime and stime of /proc/PID/stat (proc_pid_stat(5)). The name before them may hold anything.
func statTicks(stat []byte) (uint64, error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("%d fields after the name, want 13", len(fields))
	}
	var sum uint64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseUint(string(f), 10, 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}
