package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/jsrt/cell"
)

// scheduledSlack is what a run may take beside its handler: its cell starts, and its records are appended.
const scheduledSlack = 20 * time.Second

// keepSchedule takes part in the job's schedule for as long as the job is on this node.
func (r *runner) keepSchedule(ctx context.Context, p program) {
	m := r.job.manifest
	plan, err := newSchedule(m.Settings.Every)
	if err != nil { // the record was checked by another version of Capo
		r.fail(err, 0)
		r.s.lines.put(m.Name, "error", err.Error())
		return
	}
	for _, outcome := range slotOutcomes { // so that a rate shows the first one
		r.s.n.slots.add(m.Name, outcome, 0)
	}
	for ctx.Err() == nil {
		err := recovered(ctx, func(ctx context.Context) error { r.scheduler(plan, p).run(ctx); return nil })
		if err == nil {
			return
		}
		r.s.slog.Warn("part of the node begins again", "part", "schedule of "+m.Name, "err", err)
		pause(ctx, time.Second)
	}
}

func (r *runner) scheduler(plan schedule, p program) *scheduler {
	s, m := r.s, r.job.manifest
	return &scheduler{
		job: m.Name, self: s.id, boot: s.boot, schedule: plan, limit: m.Settings.Needs.Time() + scheduledSlack, state: s.log,
		now: func() instant {
			wall, known := s.n.authority.Clock().Now()
			return instant{mono: time.Now(), wall: wall.Round(0), known: known}
		},
		nodes: func() []string { return *r.placed.Load() },
		lost:  s.roster.went,
		call:  func(ctx context.Context, due slot) error { return r.callScheduled(ctx, p, due) },
		say:   func(level, text string) { s.lines.put(m.Name, level, text) },
		count: func(outcome string) { s.n.slots.add(m.Name, outcome, 1) },

		draining: r.draining,
	}
}

// went tells whether a node has gone, or has begun anew since it had this boot. One that no heartbeat was seen of may be there.
func (r *roster) went(node, boot string) bool {
	for _, b := range r.all() {
		if b.ID == node {
			return b.State == fleet.StateLost || b.Boot != boot
		}
	}
	return false
}

// callScheduled calls the handler in a cell of its own and appends what it sent. What it throws is counted as any handler's error.
func (r *runner) callScheduled(ctx context.Context, p program, due slot) error {
	s, settings := r.s, r.job.manifest.Settings
	if settings.Out != "" {
		if _, err := s.log.EnsureStream(ctx, settings.Out, s.log.Patience()); err != nil {
			return err
		}
	}
	started := time.Now()
	sent, err := r.scheduled(ctx, p, due)
	switch {
	case err == nil:
		r.called(sent, time.Since(started))
	case !errors.Is(err, context.Canceled):
		r.fail(err, 0)
	}
	return err
}

func (r *runner) scheduled(ctx context.Context, p program, due slot) (sent int, err error) {
	s, m := r.s, r.job.manifest
	c, err := s.startCell(ctx, m, p)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	sends, err := c.Scheduled(ctx, cell.Scheduled{
		AttemptID: fmt.Sprintf("%s/scheduled/%d", r.job.version, due.number), Limit: m.Settings.Needs.Time(),
		Time: due.at.UnixMilli(), Cron: m.Settings.Every.Text,
	})
	if err != nil {
		return 0, err
	}
	return len(sends), s.send(ctx, m.Settings.Out, sends, "")
}
