package local

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/images/qemu"
	"github.com/capodekappa/capo/node"
)

// startHost starts node i, the program exe, as a plain process that outlives this one.
func (r *Running) startHost(o Options, exe, dir string, i int) error {
	var err error
	if r.Store == "" {
		if r.Store, err = os.MkdirTemp(tmpfs(), "capo-"+r.Name+"-"); err != nil {
			return fmt.Errorf("fleet %s: folder for the log: %w", r.Name, err)
		}
	}
	subnet, err := r.subnet()
	if err != nil {
		return err
	}
	address := fmt.Sprintf("127.77.%d.%d", subnet, i+1)
	id := fmt.Sprintf("%s-%d", hostID(), i+1)
	file := node.HostFile{ID: id, Name: id, Board: board.Host, Address: address, Port: node.DefaultPort, Interfaces: []string{loopback()},
		Size: o.Size, Expect: o.expect(), Fleet: filepath.Join(dir, fleetFile), Store: filepath.Join(r.Store, id),
		MaxMemory: 512 << 20, Log: filepath.Join(dir, id+".log"), Level: o.Level, TTLMS: o.TTL.Milliseconds()}
	data, err := json.MarshalIndent(file, "", "\t")
	if err != nil {
		return err
	}
	config := filepath.Join(dir, id+".json")
	if err := os.WriteFile(config, data, 0o600); err != nil {
		return fmt.Errorf("node %s: %w", id, err)
	}
	if err := os.MkdirAll(file.Store, 0o700); err != nil {
		return fmt.Errorf("node %s: %w", id, err)
	}
	if err := os.Remove(file.Log); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("node %s: %w", id, err)
	}
	cmd := exec.Command(exe, "host", "--config", config)
	cmd.Dir = "/"
	cmd.SysProcAttr = detached()
	out, err := os.OpenFile(file.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("node %s: %w", id, err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("node %s: %w", id, err)
	}
	process, err := qemu.Identify(cmd.Process.Pid)
	if err != nil {
		return fmt.Errorf("node %s: %w: %s", id, err, tail(file.Log))
	}
	go func() { _ = cmd.Wait() }() // reaped, should it end while this process lives
	r.Nodes = append(r.Nodes, Node{ID: id, Board: board.Host, Address: net.JoinHostPort(address, fmt.Sprint(node.DefaultPort)), Console: file.Log, Process: process})
	return nil
}

// subnet is K of the fleet's addresses 127.77.K.N: that of the nodes already started, else the first that
// nobody listens in. A port of its first address is held until the fleet is up, so that
// fleets which start at the same time choose different ones.
func (r *Running) subnet() (int, error) {
	for _, n := range r.Nodes {
		var k, i, port int
		if _, err := fmt.Sscanf(n.Address, "127.77.%d.%d:%d", &k, &i, &port); err == nil {
			return k, nil
		}
	}
	for k := range 256 {
		hold, err := net.Listen("tcp", fmt.Sprintf("127.77.%d.1:%d", k, holdPort))
		if err != nil {
			continue
		}
		if free(k) {
			r.hold = hold
			return k, nil
		}
		hold.Close()
	}
	return 0, fmt.Errorf("fleet %s: all of 127.77.0.0/16 is taken", r.Name)
}

// holdPort is the port whose holder may use a subnet.
const holdPort = node.DefaultPort - 1

func free(k int) bool {
	for i := 1; i <= 3; i++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.77.%d.%d:%d", k, i, node.DefaultPort))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}

// hostID is the part of an id that this machine gives.
func hostID() string {
	name, err := os.Hostname()
	if err != nil {
		return "host"
	}
	name, _, _ = strings.Cut(strings.ToLower(name), ".")
	name = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' {
			return c
		}
		return '-'
	}, name)
	name = strings.Trim(name[:min(len(name), 24)], "-")
	if name == "" {
		return "host"
	}
	return name
}

func loopback() string {
	ifs, err := net.Interfaces()
	if err == nil {
		for _, i := range ifs {
			if i.Flags&net.FlagLoopback != 0 {
				return i.Name
			}
		}
	}
	return "lo"
}

// tmpfs is a folder whose files stay in memory, where there is one.
func tmpfs() string {
	for _, dir := range []string{os.Getenv("XDG_RUNTIME_DIR"), "/dev/shm"} {
		if dir == "" {
			continue
		}
		if f, err := os.CreateTemp(dir, ".capo-"); err == nil {
			f.Close()
			os.Remove(f.Name())
			return dir
		}
	}
	return os.TempDir()
}
