package node

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/capodekappa/capo/fleet"
)

// HostFile is what a node as a plain process is given, as JSON: `init host --config FILE`.
type HostFile struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Board      string            `json:"board"`
	Labels     map[string]string `json:"labels"`
	Address    string            `json:"address"` // listen there alone; empty: on all
	Port       int               `json:"port"`
	Interfaces []string          `json:"interfaces"`
	Size       int               `json:"size"`
	Expect     int               `json:"expect"`
	Servers    int               `json:"servers"`
	Peers      []string          `json:"peers"`
	Fleet      string            `json:"fleet"` // path of fleet.json
	Store      string            `json:"store"` // a folder of the node's own, best on tmpfs
	Cgroup     string            `json:"cgroup"`
	MaxMemory  int64             `json:"max_memory_bytes"`
	Log        string            `json:"log"`    // file to append to; empty: standard error
	Level      string            `json:"level"`  // debug, info, warn, error
	Logs       string            `json:"logs"`   // URL to ship them to, and what jobs print; empty: nowhere
	TTLMS      int64             `json:"ttl_ms"` // the process ends by itself after it; 0: never
}

// ReadHostFile reads a host node's file.
func ReadHostFile(path string) (HostFile, error) {
	var f HostFile
	data, err := os.ReadFile(path)
	if err != nil {
		return f, fmt.Errorf("host node: %w", err)
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return f, fmt.Errorf("host node: %s: %w", path, err)
	}
	return f, nil
}

// TTL is how long the process may live; 0 is for ever.
func (f HostFile) TTL() time.Duration { return time.Duration(f.TTLMS) * time.Millisecond }

// Config turns the file into a node's configuration.
func (f HostFile) Config() (Config, error) {
	raw, err := os.ReadFile(f.Fleet)
	if err != nil {
		return Config{}, fmt.Errorf("host node %s: fleet: %w", f.ID, err)
	}
	member, err := fleet.ParseMembership(raw)
	if err != nil {
		return Config{}, fmt.Errorf("host node %s: %s: %w", f.ID, f.Fleet, err)
	}
	cfg := Config{ID: f.ID, Name: f.Name, Board: f.Board, Membership: member, Labels: f.Labels, Port: f.Port, Interfaces: f.Interfaces,
		Size: f.Size, Expect: f.Expect, Servers: f.Servers, Peers: f.Peers, StoreDir: f.Store, ClockKnown: true, CgroupParent: f.Cgroup, Logs: f.Logs, MaxMemory: f.MaxMemory}
	if cfg.Board == "" {
		cfg.Board = "host"
	}
	if f.Address != "" {
		if cfg.Address, err = netip.ParseAddr(f.Address); err != nil {
			return Config{}, fmt.Errorf("host node %s: address: %w", f.ID, err)
		}
	}
	return cfg, nil
}
