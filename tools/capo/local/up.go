package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/images"
	"github.com/capodekappa/capo/node/api"
)

// Options say what fleet to start.
type Options struct {
	Fleet     *fleet.Fleet
	Member    func() (*fleet.Membership, error) // makes what new nodes get, with a join token
	Nodes     int
	Boards    []string      // one for all, or one for each node
	Size      int           // of the fleet, for the majority; set by Up and Grow
	MemoryMB  int           // of a QEMU machine; 0 is its board's
	Format    string        // of the image that machines boot through their firmware; empty or qemu: QEMU starts the kernel
	Interface string        // of host nodes; empty is the loopback
	Wait      time.Duration // at most, until started nodes are ready; 0 is for ever
	TTL       time.Duration
	Level     string // of host nodes' logs
	Source    *images.Source
	Log       *slog.Logger
	// Progress is told of each step; may be nil.
	Progress func(string)
}

func (o Options) say(format string, args ...any) {
	if o.Progress != nil {
		o.Progress(fmt.Sprintf(format, args...))
	}
}

// boardOf is the board of the i-th node.
func (o Options) boardOf(i int) string { return o.Boards[i%len(o.Boards)] }

// fromDisk tells whether a board's machine boots an image of a disk.
func (o Options) fromDisk(b *board.Board) bool {
	return (o.Format == "sd" || o.Format == "efi") && slices.Contains(b.Formats, o.Format)
}

// expect is how many nodes form the log.
func (o Options) expect() int { return min(3, o.Size) }

// ErrRunning: the fleet runs already.
var ErrRunning = errors.New("runs on this machine already")

// Up starts a fleet's nodes and returns when each of them is ready, with their rows. When that fails or ctx
// ends, what was started is stopped.
func Up(ctx context.Context, o Options) (*Running, []api.Node, error) {
	name := o.Fleet.Name
	if old, err := Load(name); err == nil {
		if old.Alive() {
			return nil, nil, fmt.Errorf("fleet %s %w; capo down %s stops it", name, ErrRunning, name)
		}
		if err := old.Down(); err != nil {
			return nil, nil, err
		}
	}
	dir, err := Dir(name)
	if err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("fleet %s: %w", name, err)
	}
	r := &Running{Name: name, Since: time.Now().UTC()}
	rows, err := r.start(ctx, o, dir)
	if r.hold != nil {
		r.hold.Close()
	}
	if err != nil {
		return nil, nil, errors.Join(err, r.Down())
	}
	return r, rows, nil
}

// UpOrKeep is [Up], but for a fleet of that name that runs already: then it is left as it is.
func UpOrKeep(ctx context.Context, o Options) (*Running, []api.Node, error) {
	r, err := Load(o.Fleet.Name)
	if err != nil || !r.Alive() {
		return Up(ctx, o)
	}
	o.say("fleet %s runs already", o.Fleet.Name)
	o.Nodes = len(r.Nodes)
	rows, err := r.awaitReady(ctx, o)
	return r, rows, err
}

// Grow adds nodes to a fleet that runs already, like its first one unless o.Boards says otherwise. The fleet's size, for the
// majority, stays what it was.
func Grow(ctx context.Context, o Options) (*Running, []api.Node, error) {
	r, err := Load(o.Fleet.Name)
	if err != nil {
		return nil, nil, err
	}
	dir, err := Dir(r.Name)
	if err != nil {
		return nil, nil, err
	}
	added := o.Nodes
	o.Size = r.Size
	if len(o.Boards) == 0 {
		o.Boards = []string{r.Nodes[0].Board}
	}
	if err := r.startNodes(ctx, o, dir, len(r.Nodes), added); err != nil {
		return nil, nil, err
	}
	o.Nodes = len(r.Nodes)
	rows, err := r.awaitReady(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	return r, rows, r.save()
}

func (r *Running) start(ctx context.Context, o Options, dir string) ([]api.Node, error) {
	m, err := o.Member()
	if err != nil {
		return nil, err
	}
	member, err := m.Marshal()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, fleetFile), member, 0o600); err != nil {
		return nil, fmt.Errorf("fleet %s: %w", r.Name, err)
	}
	o.Size, r.Size = o.Nodes, o.Nodes
	if err := r.startNodes(ctx, o, dir, 0, o.Nodes); err != nil {
		return nil, err
	}
	o.say("waiting for %d nodes to find each other", o.Nodes)
	rows, err := r.awaitReady(ctx, o)
	if err != nil {
		return nil, err
	}
	return rows, r.save()
}

// fleetFile is the name of the nodes' part of the fleet in its folder.
const fleetFile = "fleet.json"

// startNodes starts nodes number first to first+count-1.
func (r *Running) startNodes(ctx context.Context, o Options, dir string, first, count int) error {
	if err := o.prepare(ctx, first, count); err != nil {
		return err
	}
	var machines *machines
	exe := "" // of host nodes: to look whether it is up to date takes longer than to start one
	for i := first; i < first+count; i++ {
		var err error
		if o.boardOf(i) == board.Host {
			if exe == "" {
				if exe, err = o.Source.NodeFor(ctx, runtime.GOOS, runtime.GOARCH); err != nil {
					return err
				}
			}
			err = r.startHost(o, exe, dir, i)
		} else {
			if machines == nil {
				machines = newMachines(o, dir, r.Segment)
			}
			err = r.startMachine(ctx, machines, i)
		}
		if err != nil {
			return err
		}
		if err := r.save(); err != nil {
			return err
		}
	}
	return nil
}

// prepare fetches and builds what the nodes' boards boot, so that none of them waits for another's Linux.
func (o Options) prepare(ctx context.Context, first, count int) error {
	for i := first; i < first+count; i++ {
		b, err := board.Load(o.boardOf(i))
		if err != nil {
			return err
		}
		if b.Linux == nil {
			continue
		}
		if _, err := o.Source.Linux(ctx, b); err != nil {
			return err
		}
		if l := b.QEMU.Loader; o.fromDisk(b) && l != nil && l.Recipe != "" {
			if _, err := o.Source.Recipe(ctx, l.Recipe); err != nil {
				return err
			}
		}
	}
	return nil
}

// awaitReady waits until all nodes are ready in one log.
func (r *Running) awaitReady(ctx context.Context, o Options) ([]api.Node, error) {
	if o.Wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Wait)
		defer cancel()
	}
	authority, err := o.Fleet.Authority()
	if err != nil {
		return nil, err
	}
	client := api.New(r.Nodes[0].Address, authority.Client(nil))
	last := ""
	for {
		rows, err := client.Nodes(ctx)
		if err == nil && readyCount(rows) == o.Nodes && tried(rows) {
			return rows, r.learnIDs(ctx, o, rows)
		}
		state := fmt.Sprintf("%d of %d nodes are ready", readyCount(rows), o.Nodes)
		if err != nil {
			state = err.Error()
		}
		if dead := r.dead(); dead != nil {
			return nil, fmt.Errorf("a node of fleet %s has ended; its console is %s:\n%s", r.Name, dead.Console, tail(dead.Console))
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("fleet %s did not become ready (%s): %w; a console is %s:\n%s", r.Name, state, context.Cause(ctx), r.Nodes[0].Console, tail(r.Nodes[0].Console))
		case <-time.After(20*time.Millisecond + time.Duration(o.Nodes)*time.Millisecond):
		}
		if state != last {
			o.Log.Debug("waiting for the fleet", "state", state)
			last = state
		}
	}
}

// learnIDs notes who each node is, so that addresses can be told to the caller. Machines, whose addresses are others
// on their own segment, are asked.
func (r *Running) learnIDs(ctx context.Context, o Options, rows []api.Node) error {
	authority, err := o.Fleet.Authority()
	if err != nil {
		return err
	}
	ids := map[string]string{}
	for _, row := range rows {
		ids[row.Address] = row.ID
	}
	for i := range r.Nodes {
		if r.Nodes[i].Board == board.Host && ids[r.Nodes[i].Address] != "" {
			r.Nodes[i].ID = ids[r.Nodes[i].Address]
			continue
		}
		h, err := fleet.Ask(ctx, nil, authority, r.Nodes[i].Address)
		if err != nil {
			return fmt.Errorf("node at %s: %w", r.Nodes[i].Address, err)
		}
		r.Nodes[i].ID = h.ID
	}
	return nil
}

func readyCount(rows []api.Node) int {
	n := 0
	for _, row := range rows {
		if row.State == fleet.StateReady {
			n++
		}
	}
	return n
}

// tried tells whether every node knows how well it confines cells. Some try that just after they have become ready.
func tried(rows []api.Node) bool {
	return !slices.ContainsFunc(rows, func(n api.Node) bool { return slices.Contains(n.CellsLack, api.CellsUntried) })
}

func (r *Running) dead() *Node {
	for i := range r.Nodes {
		if !r.Nodes[i].Process.Alive() {
			return &r.Nodes[i]
		}
	}
	return nil
}

// tail reads the end of a console.
func tail(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-2000):])
}
