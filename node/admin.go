package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/node/api"
)

// admin is what admin jobs did to a node. It lives as long as the node's process: a reboot ends it.
type admin struct {
	mu       sync.Mutex // guards what follows
	draining bool       // no job is placed here, and those that are here leave
	leaving  bool       // the node is about to end
	labels   map[string]*string
}

// builtIn are labels that nobody may set: they say what a node is.
var builtIn = []string{"id", "name", "board", "arch", "part", "log"}

// relabel changes a node's labels for the rest of its life; a nil value removes one. base are those that it was given.
func (a *admin) relabel(base map[string]string, change map[string]*string) (map[string]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := map[string]*string{}
	maps.Copy(next, a.labels)
	for k, v := range change {
		if slices.Contains(builtIn, k) {
			return nil, fmt.Errorf("label %s: it says what the node is and cannot be set", k)
		}
		next[k] = v
	}
	all := overlay(base, next)
	for k := range change { // CheckLabels sees what is there; what is removed must be a label too
		if err := fleet.CheckLabels(map[string]string{k: all[k]}); err != nil {
			return nil, err
		}
	}
	if err := fleet.CheckLabels(all); err != nil {
		return nil, err
	}
	a.labels = next
	return all, nil
}

// over are the labels of a node that was given base.
func (a *admin) over(base map[string]string) map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return overlay(base, a.labels)
}

func overlay(base map[string]string, change map[string]*string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, base)
	for k, v := range change {
		if v == nil {
			delete(all, k)
		} else {
			all[k] = *v
		}
	}
	return all
}

// set changes a switch and tells whether it was another one before.
func (a *admin) set(flag *bool, on bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	changed := *flag != on
	*flag = on
	return changed
}

func (a *admin) is(flag *bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return *flag
}

func (a *admin) isDraining() bool { return a.is(&a.draining) }
func (a *admin) isLeaving() bool  { return a.is(&a.leaving) }

// state is a node's state in a log that answers.
func (n *Node) state(ready bool) string {
	switch {
	case !ready:
		return fleet.StateJoining
	case n.admin.isDraining():
		return fleet.StateDraining
	}
	return fleet.StateReady
}

// setDraining changes what the node takes on, and shows it.
func (s *session) setDraining(ctx context.Context, on bool) error {
	if s.n.admin.set(&s.n.admin.draining, on) {
		s.slog.Info("draining", "on", on)
	}
	s.mu.Lock()
	ready := s.ready
	s.mu.Unlock()
	s.n.agent.SetState(s.n.state(ready))
	s.poke()
	return s.show(ctx)
}

// show has the fleet know at once how this node is.
func (s *session) show(ctx context.Context) error {
	if err := s.beatOnce(ctx); err != nil {
		return fmt.Errorf("tell the fleet: %w", err)
	}
	return nil
}

// drain has the jobs leave this node: each finishes the batch in hand and then goes to another node, as far as one fits it.
func (s *session) drain(ctx context.Context, timeout time.Duration) error {
	if err := s.setDraining(ctx, true); err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		left := s.running()
		if len(left) == 0 {
			return s.show(ctx)
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("drain: after %s still here: %s (the node stays draining; node.drain({ undo: true }) takes jobs again)",
					timeout, strings.Join(slices.Sorted(maps.Keys(left)), ", "))
			}
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// letGo ends the runners of a node that drains, each after its batch, however long that takes. It does not wait.
func (s *session) letGo() {
	for name, r := range s.running() {
		if !r.drain() {
			continue
		}
		if r.snapshot().State == api.JobPending {
			r.stop() // it has no batch in hand
		}
		s.runs.Go(func() {
			<-r.done
			s.mu.Lock()
			if s.runners[name] == r {
				delete(s.runners, name)
			}
			s.mu.Unlock()
			s.tell()
			s.poke()
		})
	}
}

// depart readies this node for its end: its jobs have left, and if it carries the log, the log goes on without it. What fails
// leaves the node as it was.
func (s *session) depart(ctx context.Context, timeout time.Duration, force bool) (err error) {
	was := s.n.admin.isDraining()
	s.n.admin.set(&s.n.admin.leaving, true)
	defer func() {
		if err != nil {
			s.stay(context.WithoutCancel(ctx), was)
		}
	}()
	if err := s.drain(ctx, timeout); err != nil && !force {
		return err
	}
	if force {
		return nil
	}
	if err := s.handOver(ctx); err != nil {
		return fmt.Errorf("%w (force: true ends the node all the same)", err)
	}
	return nil
}

// stay undoes a depart; drained says whether the node was draining before.
func (s *session) stay(ctx context.Context, drained bool) {
	s.n.admin.set(&s.n.admin.leaving, false)
	s.stayOn(ctx)
	if drained {
		return
	}
	if err := s.setDraining(ctx, false); err != nil {
		s.slog.Warn("a departure was undone, which the fleet does not know yet", "err", err)
	}
}
