package node

import (
	"context"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
)

// diagnosis is what node.diagnostics() gives: all that one would look at on a board that misbehaves. It may grow.
type diagnosis struct {
	Node       api.Node           `json:"node"`
	Time       time.Time          `json:"time"`
	Boot       string             `json:"boot"`
	Pid        int                `json:"pid"`
	Goroutines int                `json:"goroutines"`
	Memory     memoryUse          `json:"memory"`
	Log        logUse             `json:"log"`
	Jobs       map[string]string  `json:"jobs"` // name → state
	Streams    []queue.StreamInfo `json:"streams"`
	StreamsErr string             `json:"streams_error,omitempty"`
	Linux      string             `json:"linux"`
	Cmdline    string             `json:"cmdline"`
	Load       string             `json:"load"`
	Interfaces []networkInterface `json:"interfaces"`
	Lines      []string           `json:"lines"` // the newest of the node's own log, oldest first
	Waiting    string             `json:"waiting,omitempty"`
}

type memoryUse struct {
	Total    int64  `json:"total_bytes"`
	Free     int64  `json:"free_bytes"`
	Resident int64  `json:"resident_bytes"`
	Heap     uint64 `json:"heap_bytes"`
	Streams  int64  `json:"streams_bytes"`     // that this log server holds
	Most     int64  `json:"streams_max_bytes"` // that it may hold
}

type logUse struct {
	Name    string   `json:"name"` // the incarnation
	Role    string   `json:"role"`
	Servers []string `json:"servers"`
	Silent  bool     `json:"silent"` // it does not answer
	Server  string   `json:"connected_to"`
}

type networkInterface struct {
	Name      string   `json:"name"`
	MAC       string   `json:"mac"`
	Up        bool     `json:"up"`
	MTU       int      `json:"mtu"`
	Addresses []string `json:"addresses"`
}

// diagnoseTime bounds what is asked of the log: a diagnosis is wanted most where that does not answer.
const diagnoseTime = 2 * time.Second

func (s *session) diagnose(ctx context.Context) diagnosis {
	b := s.heartbeat()
	d := diagnosis{Node: b.Node, Time: time.Now().UTC(), Boot: s.boot, Pid: os.Getpid(), Goroutines: runtime.NumGoroutine(), Jobs: map[string]string{},
		Linux: firstLine("/proc/sys/kernel/osrelease"), Cmdline: firstLine("/proc/cmdline"), Load: firstLine("/proc/loadavg"),
		Interfaces: interfaces(), Lines: s.n.recent.all(), Waiting: s.n.agent.Waiting()}
	if d.Node.Jobs == nil {
		d.Node.Jobs = []string{}
	}
	for name, report := range b.Stats {
		d.Jobs[name] = report.State
	}
	var heap runtime.MemStats
	runtime.ReadMemStats(&heap)
	d.Memory = memoryUse{Total: b.MemTotal, Free: b.MemFree, Resident: b.Resident, Heap: heap.HeapAlloc, Most: s.cfg.MaxMemory}
	if server := s.keeper.carrier(); server != nil {
		d.Memory.Streams = server.Used()
	}
	d.Log = logUse{Name: s.inc, Role: string(s.keeper.roleNow()), Silent: s.isSilent(), Server: s.log.Server()}
	for _, o := range s.keeper.list() {
		d.Log.Servers = append(d.Log.Servers, o.ID)
	}
	ctx, cancel := context.WithTimeout(ctx, diagnoseTime)
	defer cancel()
	streams, err := s.log.Streams(ctx)
	d.Streams = streams
	if err != nil {
		d.StreamsErr = err.Error()
	}
	return d
}

// firstLine reads one of proc's files, "" where there is none.
func firstLine(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return line
}

func interfaces() []networkInterface {
	list := []networkInterface{}
	all, err := net.Interfaces()
	if err != nil {
		return list
	}
	for _, i := range all {
		row := networkInterface{Name: i.Name, MAC: i.HardwareAddr.String(), Up: i.Flags&net.FlagUp != 0, MTU: i.MTU, Addresses: []string{}}
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			row.Addresses = append(row.Addresses, a.String())
		}
		slices.Sort(row.Addresses)
		list = append(list, row)
	}
	return list
}
