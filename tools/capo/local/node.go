package local

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/images"
	"github.com/capodekappa/capo/node"
)

// NodeOptions say how this machine joins a fleet.
type NodeOptions struct {
	Name      string
	Interface string
	Address   string // listen there alone; empty: everywhere
	Labels    map[string]string
	Peers     []string
	Size      int
	Expect    int
	TTL       time.Duration
	Out       io.Writer // for the node's log
}

// RunNode runs a node in the foreground until ctx ends.
func RunNode(ctx context.Context, source *images.Source, m *fleet.Membership, o NodeOptions) error {
	exe, err := source.NodeFor(ctx, runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(tmpfs(), "capo-node-")
	if err != nil {
		return fmt.Errorf("node: folder for the log: %w", err)
	}
	defer os.RemoveAll(dir)
	raw, err := m.Marshal()
	if err != nil {
		return err
	}
	id := hostID()
	file := node.HostFile{ID: id, Name: o.Name, Board: board.Host, Labels: o.Labels, Address: o.Address, Port: node.DefaultPort, Size: o.Size, Expect: o.Expect, Peers: o.Peers,
		Fleet: filepath.Join(dir, fleetFile), Store: filepath.Join(dir, "store"), Level: "info", TTLMS: o.TTL.Milliseconds()}
	if o.Expect == 0 {
		file.Expect = min(3, o.Size)
	}
	if o.Name == "" {
		file.Name = id
	}
	if o.Interface != "" {
		file.Interfaces = []string{o.Interface}
	}
	data, err := json.Marshal(file)
	if err != nil {
		return err
	}
	config := filepath.Join(dir, "node.json")
	for path, content := range map[string][]byte{file.Fleet: raw, config: data} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return fmt.Errorf("node: %w", err)
		}
	}
	if err := os.Mkdir(file.Store, 0o700); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	cmd := exec.CommandContext(ctx, exe, "host", "--config", config)
	cmd.Stdout, cmd.Stderr = o.Out, o.Out
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("node: %w", err)
	}
	return nil
}
