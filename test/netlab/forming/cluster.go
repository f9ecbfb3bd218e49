// Package forming holds the scenarios of nodes that find each other and form a log, for any
// program that behaves like a node: they are told how to start one (Starter) and where (Place),
// and look at nothing but the nodes' hellos.
package forming

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
)

// Spec is what a node is started with.
type Spec struct {
	Dir       string // a folder for its files, which the node's user can read
	FleetFile string // path of fleet.json
	ID        string
	Boot      string // "": the node's choice
	Listen    string // its fixed address; "": those of its links
	Port      int
	Size      int // 0: unset
	Expect    int // 0: unset
}

// Starter returns the command line and the extra environment that start a node.
type Starter func(t testing.TB, s Spec) (argv, env []string)

// Place is where nodes run.
type Place interface {
	Command(ctx context.Context, i int, name string, args ...string) *exec.Cmd
	Dialer(i int) fleet.Dialer // to reach node i; nil: the usual one
	Addr(i int) string         // of node i
	Listen(i int) string       // what its Spec says
}

// Cluster is the nodes of one test.
type Cluster struct {
	T     testing.TB
	Place Place
	Start Starter
	Dir   string
	Rules fleet.Rules // size and expect for nodes started from here on

	mu     sync.Mutex // guards what follows
	nodes  map[int]*running
	fleets map[string]*fleet.Fleet // by id
}

// running is a node that was started.
type running struct {
	spec       Spec
	membership *fleet.Membership
	started    time.Time
	cmd        *exec.Cmd
	output     *output
	done       chan struct{}
}

// output is what a node printed; it may be read while the node runs.
type output struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

// Write takes what the node prints.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

// String returns all that was printed.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// Port is where every node serves its hello.
const Port = 8470

// NewCluster prepares a test whose nodes run at place. Their output is shown when the test fails.
func NewCluster(t testing.TB, place Place, start Starter) *Cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "capo-forming-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c := &Cluster{T: t, Place: place, Start: start, Dir: dir, nodes: map[int]*running{}, fleets: map[string]*fleet.Fleet{}}
	t.Cleanup(func() {
		c.stopAll()
		os.RemoveAll(dir)
	})
	return c
}

// Fleet makes a fleet.
func (c *Cluster) Fleet(name string) *fleet.Membership {
	c.T.Helper()
	return c.Found(name).Membership
}

// Found is Fleet, with the operator's key. Its membership has a join token.
func (c *Cluster) Found(name string) *fleet.Fleet {
	c.T.Helper()
	f, err := fleet.New(name)
	if err != nil {
		c.T.Fatal(err)
	}
	if f.Membership, err = f.WithToken("lab"); err != nil {
		c.T.Fatal(err)
	}
	c.mu.Lock()
	c.fleets[f.ID()] = f
	c.mu.Unlock()
	return f
}

// Run starts node i as id in the fleet.
func (c *Cluster) Run(i int, id string, m *fleet.Membership) {
	c.T.Helper()
	dir, err := os.MkdirTemp(c.Dir, "node-")
	if err != nil {
		c.T.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		c.T.Fatal(err)
	}
	raw, err := m.Marshal()
	if err != nil {
		c.T.Fatal(err)
	}
	file := filepath.Join(dir, "fleet.json")
	if err := os.WriteFile(file, raw, 0o644); err != nil {
		c.T.Fatal(err)
	}
	spec := Spec{
		Dir: dir, FleetFile: file, ID: id, Listen: c.Place.Listen(i), Port: Port,
		Size: c.Rules.Size, Expect: c.Rules.Expect,
	}
	argv, env := c.Start(c.T, spec)
	cmd := c.Place.Command(context.Background(), i, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	n := &running{spec: spec, membership: m, started: time.Now(), cmd: cmd, output: &output{}, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = n.output, n.output
	if err := cmd.Start(); err != nil {
		c.T.Fatalf("start node %d: %v", i, err)
	}
	go func() {
		_ = cmd.Wait()
		close(n.done)
	}()
	c.mu.Lock()
	c.nodes[i] = n
	c.mu.Unlock()
}

// Kill ends node i without a warning, as a power cut does.
func (c *Cluster) Kill(i int) { c.end(i, syscall.SIGKILL) }

// Stop ends node i as an operator does.
func (c *Cluster) Stop(i int) { c.end(i, syscall.SIGTERM) }

func (c *Cluster) end(i int, signal syscall.Signal) {
	c.mu.Lock()
	n := c.nodes[i]
	delete(c.nodes, i)
	c.mu.Unlock()
	_ = n.cmd.Process.Signal(signal)
	select {
	case <-n.done:
	case <-time.After(5 * time.Second):
		c.T.Errorf("node %d did not end on %v", i, signal)
		_ = n.cmd.Process.Signal(syscall.SIGQUIT) // it prints what its goroutines do
		select {
		case <-n.done:
		case <-time.After(time.Second):
			_ = n.cmd.Process.Kill()
			<-n.done
		}
	}
	if c.T.Failed() {
		c.T.Logf("output of node %d:\n%s", i, tail(n.output.String()))
	}
}

func (c *Cluster) stopAll() {
	c.mu.Lock()
	var all []int
	for i := range c.nodes {
		all = append(all, i)
	}
	c.mu.Unlock()
	for _, i := range all {
		c.end(i, syscall.SIGTERM)
	}
}

func tail(s string) string {
	const most = 20000
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}

func (c *Cluster) node(i int) *running {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nodes[i]
}

// Output returns what node i has printed.
func (c *Cluster) Output(i int) string { return c.node(i).output.String() }

// Membership returns what node i was given of its fleet.
func (c *Cluster) Membership(i int) *fleet.Membership { return c.node(i).membership }

// Operator is the view and the voice of the operator of node i's fleet.
func (c *Cluster) Operator(i int) (*trust.Authority, error) {
	id := c.Membership(i).ID()
	c.mu.Lock()
	f := c.fleets[id]
	c.mu.Unlock()
	return f.Authority()
}

// Hello asks node i.
func (c *Cluster) Hello(i int) (*fleet.Hello, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	authority, err := c.Operator(i)
	if err != nil {
		return nil, err
	}
	return fleet.Ask(ctx, c.Place.Dialer(i), authority, net.JoinHostPort(c.Place.Addr(i), fmt.Sprint(Port)))
}

// Eventually waits until check returns nil, and fails the test with its last error otherwise.
func (c *Cluster) Eventually(limit time.Duration, what string, check func() error) {
	c.T.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			c.T.Fatalf("%s: not within %v: %v", what, limit, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Always checks for the whole time that check returns nil.
func (c *Cluster) Always(during time.Duration, what string, check func() error) {
	c.T.Helper()
	for deadline := time.Now().Add(during); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if err := check(); err != nil {
			c.T.Fatalf("%s: %v", what, err)
		}
	}
}

// Log returns the one log that the nodes are in.
func (c *Cluster) Log(nodes ...int) (*fleet.LogInfo, error) {
	var log *fleet.LogInfo
	servers := 0
	for _, i := range nodes {
		h, err := c.Hello(i)
		if err != nil {
			return nil, fmt.Errorf("node %d: %w", i, err)
		}
		if h.Log == nil {
			return nil, fmt.Errorf("node %d is in no log: waits %s", i, h.Waiting)
		}
		if log != nil && log.Incarnation != h.Log.Incarnation {
			return nil, fmt.Errorf("node %d is in the log %s, node %d in %s", nodes[0], log.Incarnation, i, h.Log.Incarnation)
		}
		if log = h.Log; h.Log.Role == fleet.RoleServer {
			servers++
		}
	}
	if servers > len(log.Servers) {
		return nil, fmt.Errorf("%d servers in a log of %d", servers, len(log.Servers))
	}
	return log, nil
}

// OneLog waits until all the nodes are in one log and returns it.
func (c *Cluster) OneLog(limit time.Duration, nodes ...int) *fleet.LogInfo {
	c.T.Helper()
	var log *fleet.LogInfo
	begun := time.Now()
	c.Eventually(limit, "one log", func() (err error) {
		log, err = c.Log(nodes...)
		return err
	})
	c.T.Logf("one log on %v after %v", nodes, time.Since(begun).Round(10*time.Millisecond))
	return log
}

// Waits waits until node i says that it waits for something whose text has all the parts.
func (c *Cluster) Waits(limit time.Duration, i int, parts ...string) {
	c.T.Helper()
	c.Eventually(limit, "waiting", func() error {
		h, err := c.Hello(i)
		if err != nil {
			return err
		}
		for _, part := range parts {
			if !strings.Contains(h.Waiting, part) {
				return fmt.Errorf("node %d waits %q, which does not say %q", i, h.Waiting, part)
			}
		}
		return nil
	})
}

// Outside checks that none of the nodes is in a log, other than the one given.
func (c *Cluster) Outside(during time.Duration, allowed string, nodes ...int) {
	c.T.Helper()
	c.Always(during, "no log", func() error {
		for _, i := range nodes {
			h, err := c.Hello(i)
			if err != nil {
				return err
			}
			if h.Log != nil && h.Log.Incarnation != allowed {
				return fmt.Errorf("node %d is in the log %s", i, h.Log.Incarnation)
			}
			if allowed != "" && h.Proposal != nil {
				return fmt.Errorf("node %d was in a log and proposes %v", i, h.Proposal)
			}
		}
		return nil
	})
}

// Copy copies a file, so that another user can run it.
func Copy(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
