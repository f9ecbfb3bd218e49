package node

import (
	"fmt"
	"slices"
	"time"

	"github.com/capodekappa/capo/jsrt/job"
)

// slotClaim is what stands in the log about a job's schedule, under sched.JOB.slot: the newest slot that a node decided on, and the newest
// run. Whoever writes the one that follows it, by compare-and-set, has decided on the next slot (docs/decisions/schedule.md).
type slotClaim struct {
	Every  string   `json:"every"`             // the schedule as the job has it; one with another begins anew
	Slot   uint64   `json:"slot"`              // counted from 0, the beginning, at which nothing is called
	Time   int64    `json:"time"`              // when it was due, in milliseconds since 1970
	Known  bool     `json:"known,omitempty"`   // the node that decided knew the time
	LateMS int64    `json:"late_ms,omitempty"` // how long after it was due this was written
	Node   string   `json:"node"`              // who decided
	Boot   string   `json:"boot"`
	Run    *slotRun `json:"run,omitempty"` // the newest one
}

// slotRun is a call of a scheduled handler.
type slotRun struct {
	Slot uint64 `json:"slot"`
	Node string `json:"node"`
	Boot string `json:"boot"`
	Done bool   `json:"done,omitempty"`
}

// instant is a moment by a node's monotonic clock and by the fleet's.
type instant struct {
	mono, wall time.Time
	known      bool // wall is more than a lower bound
}

// slot is a time at which a job is due.
type slot struct {
	number uint64
	at     time.Time     // by the fleet's clock
	in     time.Duration // until then; negative: it is over
	missed uint64        // slots between the last one decided on and this one
}

// schedule is what a node knows of a job's slots.
type schedule struct {
	every job.Every
	cron  job.Cron // where every has no interval

	claim   *slotClaim // newest seen; nil: none
	seq     uint64     // of it
	seen    instant    // when this node first saw that slot
	runSeen time.Time  // when it first saw the newest run, by its monotonic clock
}

func newSchedule(every job.Every) (schedule, error) {
	p := schedule{every: every}
	if every.MS > 0 {
		return p, nil
	}
	var err error
	p.cron, err = job.ParseCron(every.Text)
	return p, err
}

// take notes a claim that stands in the log.
func (p *schedule) take(c slotClaim, seq uint64, now instant) {
	if p.claim != nil && seq <= p.seq {
		return
	}
	old := p.claim
	if old == nil || old.Slot != c.Slot || old.Every != c.Every {
		p.seen = now
	}
	if c.Run != nil && (old == nil || old.Run == nil || old.Run.Slot != c.Run.Slot) {
		p.runSeen = now.mono
	}
	p.claim, p.seq = &c, seq
}

// begun tells whether slots are counted; otherwise slot 0 is to be claimed first.
func (p *schedule) begun() bool { return p.claim != nil && p.claim.Every == p.every.Text }

// waitsForTime: a cron expression cannot be followed before somebody has told the time.
func (p *schedule) waitsForTime(now instant) bool { return p.every.MS == 0 && !now.known }

// next is the slot to decide on: the newest that is due, or else the one to come. It wants begun, and not waitsForTime.
func (p *schedule) next(now instant) slot {
	if p.every.MS == 0 {
		return p.nextCron(now)
	}
	every := p.every.Interval()
	age := p.age(now, every)
	steps := max(age/every, 1)
	in := steps*every - age
	return slot{number: p.claim.Slot + uint64(steps), at: now.wall.Add(in), in: in, missed: uint64(steps - 1)}
}

// age is how long ago the claimed slot was due. Where two clocks cannot be compared, or are too far apart, it counts from when
// this node first saw the claim.
func (p *schedule) age(now instant, every time.Duration) time.Duration {
	if p.claim.Known && now.known {
		if age := now.wall.Sub(time.UnixMilli(p.claim.Time)); age >= -every {
			return age
		}
	}
	return now.mono.Sub(p.seen.mono) + time.Duration(min(max(p.claim.LateMS, 0), every.Milliseconds()))*time.Millisecond
}

// Limits of what a claim may say about times of a cron expression.
const (
	maxAhead = 10 * time.Minute     // of this node's clock
	maxBack  = 366 * 24 * time.Hour // older slots are not counted
)

func (p *schedule) nextCron(now instant) slot {
	from := time.UnixMilli(p.claim.Time)
	if from.After(now.wall.Add(maxAhead)) {
		from = p.seen.wall
	}
	if oldest := now.wall.Add(-maxBack); from.Before(oldest) {
		from = oldest
	}
	s := slot{number: p.claim.Slot + 1, at: p.cron.Next(from)}
	for {
		later := p.cron.Next(s.at)
		if later.IsZero() || later.After(now.wall) {
			break
		}
		s.number, s.at, s.missed = s.number+1, later, s.missed+1
	}
	s.in = s.at.Sub(now.wall)
	return s
}

// Times of the race for a slot.
const (
	raceStep = 50 * time.Millisecond // between two nodes of neighbouring ranks
	raceMost = 2 * time.Second
)

// raceDelay is how long after a slot is due this node may claim it: nothing on the first node, and a little more on each that
// follows, so that as a rule one alone tries. It tells whether the job is on this node at all.
func raceDelay(name string, nodes []string, self string) (time.Duration, bool) {
	i := slices.Index(nodes, self)
	if i < 0 {
		return 0, false
	}
	first := int(score(name, "") % uint64(len(nodes))) // not the same node for every job
	rank := (i + len(nodes) - first) % len(nodes)
	return min(time.Duration(rank)*raceStep, raceMost), true
}

// String says a slot in words.
func (s slot) String() string {
	return fmt.Sprintf("slot %d (%s)", s.number, s.at.UTC().Format(time.RFC3339))
}
