package node

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/capodekappa/capo/node/api"
)

// convergeEvery is how often to look at the roster without a sign, in a small fleet.
const convergeEvery = 2 * time.Second

// converge starts and stops jobs until what runs here is what should, again after each change.
func (s *session) converge(ctx context.Context) error {
	select {
	case <-s.folded:
	case <-ctx.Done():
		return nil
	}
	tick := time.NewTimer(convergeEvery) // nodes are lost without a sign
	defer tick.Stop()
	for {
		s.convergeOnce(ctx)
		s.noteReady()
		tick.Reset(max(convergeEvery, s.beatInterval()/2))
		select {
		case <-ctx.Done():
			return nil
		case <-s.kick:
		case <-tick.C:
		}
	}
}

func (s *session) convergeOnce(ctx context.Context) {
	if s.n.admin.isDraining() && !s.isLeaving() {
		s.letGo()
		return
	}
	live := s.liveWithSelf()
	keep := map[string]bool{}
	for _, j := range s.want.snapshot() {
		if j.stopped || s.isLeaving() {
			continue
		}
		nodes, err := place(j.manifest, live)
		if err != nil || !slices.Contains(nodes, s.id) {
			continue
		}
		keep[j.manifest.Name] = true
		s.keepRunning(ctx, j, nodes)
	}
	s.stopOthers(keep)
	s.tendSecrets(ctx)
}

// liveWithSelf is the roster with this node in it, even before its own heartbeat came back.
func (s *session) liveWithSelf() []heartbeat {
	live := s.roster.live()
	if !slices.ContainsFunc(live, func(b heartbeat) bool { return b.ID == s.id }) {
		live = append(live, s.heartbeat())
		slices.SortFunc(live, func(a, b heartbeat) int {
			if a.ID < b.ID {
				return -1
			}
			return 1
		})
	}
	return live
}

// keepRunning has this generation of a job run here, in the place of an older one.
func (s *session) keepRunning(ctx context.Context, j desiredJob, nodes []string) {
	s.mu.Lock()
	old := s.runners[j.manifest.Name]
	s.mu.Unlock()
	if old != nil && old.job.generation == j.generation && maps.Equal(old.bound, s.want.secretsOf(j.manifest)) {
		old.assign(nodes)
		return
	}
	if old != nil {
		old.close()
	}
	r := startRunner(ctx, s, j, nodes)
	s.mu.Lock()
	s.runners[j.manifest.Name] = r
	s.mu.Unlock()
	s.tell()
}

func (s *session) stopOthers(keep map[string]bool) {
	var stopping sync.WaitGroup
	for name, r := range s.running() {
		if keep[name] {
			continue
		}
		stopping.Go(func() {
			r.close()
			s.mu.Lock()
			delete(s.runners, name)
			s.mu.Unlock()
			s.tell()
		})
	}
	stopping.Wait()
}

func (s *session) stopAll() { s.stopOthers(nil) }

func (s *session) running() map[string]*runner {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]*runner{}
	for name, r := range s.runners {
		all[name] = r
	}
	return all
}

// noteReady makes the node ready once the jobs that are placed on it have begun, or wait for what an operator has to do.
func (s *session) noteReady() {
	for _, r := range s.running() {
		if report := r.snapshot(); report.State == api.JobPending && report.Waits == "" {
			return
		}
	}
	s.mu.Lock()
	first := !s.ready
	if first {
		s.ready, s.readyAt = true, s.cfg.SinceBoot()
	}
	s.mu.Unlock()
	if first {
		s.n.becameReady(s)
		s.tell()
	}
}

func (s *session) isLeaving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leaving
}
