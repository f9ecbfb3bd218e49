package node

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/jsrt/job"
	"github.com/capodekappa/capo/node/api"
)

// Times of a rolling run.
const (
	answerSlack = 30 * time.Second // beside the time that its program may take, for a node to answer
	backWithin  = 3 * time.Minute  // for a node that rebooted to be ready again
	bootGrace   = 5 * time.Second  // for the answer of a node that is there with another boot
)

// rolling is a node's view of a run that goes through its nodes a few at a time, in the order of their ids. Nobody leads
// it: each node finds from the log whether its turn has come (docs/decisions/rolling.md).
type rolling struct {
	order []string          // ids, in turn
	boots map[string]string // of the nodes when they were asked
	max   int
	self  string
	limit time.Duration // for a node to answer, once its turn has come

	since map[string]time.Time // when this node first saw that it waits for something
}

func newRolling(run *api.Run, self string) *rolling {
	return &rolling{order: slices.Sorted(maps.Keys(run.Nodes)), boots: run.Nodes, max: max(run.Manifest.Settings.Place.Max, 1), self: self,
		limit: run.Manifest.Settings.Needs.Time() + answerSlack, since: map[string]time.Time{}}
}

// step tells from the answers and heartbeats so far whether this node may begin, or why it never will.
func (r *rolling) step(now time.Time, answers map[string]api.Result, beats []heartbeat) (begin bool, stop string) {
	if stop := r.failed(answers); stop != "" {
		return false, stop
	}
	there := map[string]heartbeat{}
	for _, b := range beats {
		there[b.ID] = b
	}
	open := 0
	for _, id := range r.order[:slices.Index(r.order, r.self)] {
		answer, answered := answers[id]
		b, known := there[id]
		anew := known && b.Boot != r.boots[id]
		switch {
		case answered && (answer.Then != thenReboot || anew && b.State == fleet.StateReady):
			continue
		case answered && r.over(now, id+" back", backWithin):
			return false, fmt.Sprintf("not run: %s was rebooted and was not ready again within %s", id, backWithin)
		case !answered && anew && r.over(now, id+" anew", bootGrace):
			return false, fmt.Sprintf("not run: %s began anew without an answer", id)
		case !answered && open < r.max && r.over(now, id+" answer", r.limit):
			return false, fmt.Sprintf("not run: %s did not answer within %s", id, r.limit)
		}
		open++
	}
	return open < r.max, ""
}

// failed names the first node in the order whose answer ends the run; one that was not run itself does not count unless
// there is no other.
func (r *rolling) failed(answers map[string]api.Result) string {
	skipped := ""
	for _, id := range r.order {
		answer, ok := answers[id]
		switch {
		case !ok || answer.OK:
		case answer.NotRun && answer.Error != nil:
			skipped = answer.Error.Message
		default:
			return "not run: " + id + " failed"
		}
	}
	return skipped
}

// over tells whether something that is waited for takes longer than a limit.
func (r *rolling) over(now time.Time, what string, limit time.Duration) bool {
	since, waiting := r.since[what]
	if !waiting {
		r.since[what] = now
		return false
	}
	return now.Sub(since) > limit
}

// awaitTurn waits until this node may begin with a run. It says why the run ended before that, or "".
func (s *session) awaitTurn(ctx context.Context, seq uint64, run *api.Run) (notRun string) {
	if run.Manifest.Settings.Place.Order != job.Rolling {
		return ""
	}
	ctx, cancel := context.WithCancel(ctx)
	arrived := make(chan api.Result)
	var following sync.WaitGroup
	defer func() { cancel(); following.Wait() }()
	following.Go(func() {
		_ = guarded(ctx, s.slog, "answers to a rolling run", func(ctx context.Context) error { return s.answers(ctx, seq, arrived) })
	})
	r := newRolling(run, s.id)
	answers := map[string]api.Result{}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		changed := s.roster.wait()
		begin, stop := r.step(time.Now(), answers, s.roster.all())
		if begin || stop != "" {
			return stop
		}
		select {
		case <-ctx.Done():
			return ""
		case a := <-arrived:
			answers[a.Node] = a
		case <-changed:
		case <-tick.C:
		}
	}
}

// answers hands on the answers to a run as they come.
func (s *session) answers(ctx context.Context, seq uint64, to chan<- api.Result) error {
	return s.core.FollowResults(ctx, seq, func(node string, data []byte) error {
		var r api.Result
		if err := decodeJSON(data, &r); err != nil || r.Node != node {
			return nil // none that a node of ours wrote
		}
		select {
		case to <- r:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}
