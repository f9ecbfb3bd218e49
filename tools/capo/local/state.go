// Package local starts and stops the nodes of a fleet on this machine, as QEMU machines or as
// plain processes, and remembers them in a state file, so that a later command finds them.
package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/capodekappa/capo/images/qemu"
)

// ErrNotRunning: no fleet of that name runs on this machine.
var ErrNotRunning = errors.New("is not running on this machine")

// Running is a fleet that runs on this machine: the content of its state file.
type Running struct {
	Name    string    `json:"name"`
	Since   time.Time `json:"since"`
	Store   string    `json:"store"` // folder of the nodes' own, removed with the fleet
	Size    int       `json:"size"`
	Nodes   []Node    `json:"nodes"`
	Segment int       `json:"segment,omitempty"` // UDP port of the QEMU machines' Ethernet

	hold net.Listener // held while host nodes start
}

// Node is one of its nodes.
type Node struct {
	ID      string       `json:"id"` // "" until the node has said it
	Board   string       `json:"board"`
	Address string       `json:"address"` // host:port that this machine can dial
	Console string       `json:"console"` // file that the node's console or log goes to
	Process qemu.Process `json:"process"`
	Began   time.Time    `json:"began,omitzero"` // when QEMU was started
}

// Alive tells whether a node of the fleet still runs.
func (r *Running) Alive() bool {
	for _, n := range r.Nodes {
		if n.Process.Alive() {
			return true
		}
	}
	return false
}

// Dir is the folder of a running fleet's state: $XDG_STATE_HOME/capo/up/NAME.
func Dir(name string) (string, error) {
	base := os.Getenv("XDG_STATE_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find the folder for state: %w", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "capo", "up", name), nil
}

// Load reads a running fleet's state; [ErrNotRunning] where there is none or all its nodes have
// ended.
func Load(name string) (*Running, error) {
	dir, err := Dir(name)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(dir, "state.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("fleet %s %w", name, ErrNotRunning)
	}
	if err != nil {
		return nil, fmt.Errorf("fleet %s: state: %w", name, err)
	}
	r := &Running{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("fleet %s: state: %w", name, err)
	}
	return r, nil
}

func (r *Running) save() error {
	dir, err := Dir(r.Name)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	tmp := filepath.Join(dir, "state.json.new")
	if err := os.WriteFile(tmp, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("fleet %s: state: %w", r.Name, err)
	}
	return os.Rename(tmp, filepath.Join(dir, "state.json"))
}

// Down stops the fleet's nodes and removes its state.
func (r *Running) Down() error {
	errs := make(chan error, len(r.Nodes))
	for _, n := range r.Nodes {
		go func() { errs <- n.Process.Stop(3 * time.Second) }()
	}
	var err error
	for range r.Nodes {
		err = errors.Join(err, <-errs)
	}
	if err != nil {
		return fmt.Errorf("stop fleet %s: %w", r.Name, err)
	}
	if r.Store != "" {
		err = os.RemoveAll(r.Store)
	}
	dir, derr := Dir(r.Name)
	if derr != nil {
		return errors.Join(err, derr)
	}
	return errors.Join(err, removeAll(dir, "node*.img", "node*.vars", "state.json"))
}

// removeAll removes the files of a folder that match any of the patterns.
func removeAll(dir string, patterns ...string) error {
	var errs []error
	for _, p := range patterns {
		paths, _ := filepath.Glob(filepath.Join(dir, p)) // the patterns are constants and valid
		for _, path := range paths {
			errs = append(errs, os.Remove(path))
		}
	}
	return errors.Join(errs...)
}
