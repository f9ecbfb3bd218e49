package cmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/jsrt/job"
	"github.com/capodekappa/capo/node/api"
)

// Times of waiting for answers.
const (
	answerSlack = 15 * time.Second // beside a job's own time
	turnSlack   = 45 * time.Second // the same for a turn of a rolling run
	backWithin  = 3 * time.Minute  // for a node that reboots to be ready again
	listenFor   = 10 * time.Second // before it is looked whether the node that is listened to is still the right one
)

// collector waits for the answers to a run. The node that it listens to may be among those that go, so it turns to another one when
// it hears nothing more.
type collector struct {
	a      *app
	errand errand
	target *chosen
	seq    uint64
	nodes  map[string]string // id → boot

	answers  map[string]api.Result
	deadline time.Time
	wait     time.Duration
}

// collect waits for the answer of each node, and for those that reboot to be ready again.
func (c *collector) collect(ctx context.Context) error {
	c.wait = c.budget()
	c.deadline = time.Now().Add(c.wait)
	for len(c.answers) < len(c.nodes) && time.Now().Before(c.deadline) {
		if err := c.listen(ctx); err != nil {
			return err
		}
	}
	if c.errand.noWait {
		return nil
	}
	return c.awaitReboots(ctx)
}

// budget is how long all may take at most.
func (c *collector) budget() time.Duration {
	s := c.errand.manifest.Settings
	if s.Place.Order != job.Rolling {
		return s.Needs.Time() + answerSlack
	}
	rounds := (len(c.nodes) + s.Place.Max - 1) / max(s.Place.Max, 1)
	return time.Duration(rounds) * (s.Needs.Time() + turnSlack + backWithin)
}

// listen takes answers until all are there, time is over, or the node does not give more.
func (c *collector) listen(ctx context.Context) error {
	until := time.Now().Add(listenFor)
	if c.deadline.Before(until) {
		until = c.deadline
	}
	listening, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	err := c.target.client.Results(listening, c.seq, func(r api.Result) error {
		c.take(r)
		if len(c.answers) >= len(c.nodes) {
			return api.ErrStop
		}
		return nil
	})
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case len(c.answers) >= len(c.nodes):
		return nil
	case listening.Err() == nil && !c.maybeGone(err):
		return fmt.Errorf("wait for the results: %w", err)
	}
	return c.lookAround(ctx, err != nil && listening.Err() == nil)
}

// maybeGone tells whether an error may come from a node's going.
func (c *collector) maybeGone(err error) bool {
	var status *api.StatusError
	return err == nil || !errors.As(err, &status) || status.Problem.Status >= 500
}

func (c *collector) take(r api.Result) {
	if _, asked := c.nodes[r.Node]; !asked {
		return
	}
	c.answers[r.Node] = r
	s := c.errand.manifest.Settings
	if end := time.Now().Add(s.Needs.Time() + turnSlack); !r.OK && end.Before(c.deadline) {
		c.deadline = end // the others hear of it and answer soon
	}
}

// lookAround finds another node to listen to, where the last one does not answer any more. A log that its last server took with
// it holds no answers: what became of the nodes is seen from themselves.
func (c *collector) lookAround(ctx context.Context, lost bool) error {
	if lost {
		pause(ctx, 200*time.Millisecond)
	}
	rows, err := c.rows(ctx)
	if err != nil && exitCode(err) == exitNoFleet && c.errand.verb == verbPoweroff {
		return c.allOff(ctx)
	}
	if c.errand.verb != verbReboot {
		return nil
	}
	for _, row := range rows {
		boot, asked := c.nodes[row.ID]
		if _, answered := c.answers[row.ID]; asked && !answered && row.Boot != boot && row.State == fleet.StateReady {
			c.take(api.Result{Node: row.ID, OK: true, Then: verbReboot})
		}
	}
	return nil
}

// allOff takes it for an answer that no node of the fleet is there any more.
func (c *collector) allOff(ctx context.Context) error {
	pause(ctx, time.Second)
	if _, err := c.a.dial(ctx); err == nil || exitCode(err) != exitNoFleet {
		return nil
	}
	for id := range c.nodes {
		if _, answered := c.answers[id]; !answered {
			c.take(api.Result{Node: id, OK: true, Then: verbPoweroff})
		}
	}
	return nil
}

// awaitReboots waits until the nodes that said that they reboot are ready again.
func (c *collector) awaitReboots(ctx context.Context) error {
	started := time.Now()
	waiting := map[string]bool{}
	for id, r := range c.answers {
		if r.OK && r.Then == verbReboot {
			waiting[id] = true
		}
	}
	for len(waiting) > 0 && time.Since(started) < backWithin {
		rows, _ := c.rows(ctx) // none is there while the last one reboots
		for _, row := range rows {
			if waiting[row.ID] && row.Boot != c.nodes[row.ID] && row.State == fleet.StateReady {
				delete(waiting, row.ID)
			}
		}
		if len(waiting) > 0 {
			pause(ctx, 200*time.Millisecond)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	for id := range waiting {
		r := c.answers[id]
		r.OK, r.Error = false, &api.RunError{Message: "it was rebooted and is not ready again within " + backWithin.String(), TimedOut: true}
		c.answers[id] = r
	}
	return nil
}

// rows lists the nodes as somebody sees them who is there: the node spoken to, or another one in its place. The error is that of
// looking for one.
func (c *collector) rows(ctx context.Context) ([]api.Node, error) {
	asking, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if rows, err := c.target.client.Nodes(asking); err == nil {
		return rows, nil
	}
	target, err := c.a.dial(ctx)
	if err != nil {
		return nil, err
	}
	c.target = target
	return nil, nil
}

// results are the answers by the nodes' ids; one that is missing is a time-out.
func (c *collector) results() []api.Result {
	all := make([]api.Result, 0, len(c.nodes))
	for _, id := range slices.Sorted(maps.Keys(c.nodes)) {
		r, ok := c.answers[id]
		if !ok {
			r = api.Result{Node: id, TookMS: c.wait.Milliseconds(), Error: &api.RunError{Message: "no answer", TimedOut: true}}
		}
		if c.errand.verb != "" && r.Error != nil {
			r.Error = plainly(c.errand.verb, *r.Error)
		}
		all = append(all, r)
	}
	return all
}

// plainly is an error of a job that the user did not write: without a position in it.
func plainly(verb string, e api.RunError) *api.RunError {
	e.File, e.Line, e.Column = "", 0, 0
	e.Message = strings.TrimPrefix(e.Message, "Error: node."+verb+": ")
	return &e
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
