package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/capodekappa/capo/queue"
)

// slotState is the part of the log in which nodes agree on slots.
type slotState interface {
	State(ctx context.Context, key string) (queue.StateEntry, error)
	SwapState(ctx context.Context, key string, value []byte, last uint64) (uint64, error)
	FollowState(ctx context.Context, prefix string, atEnd func(), fn func(queue.StateEntry) error) error
}

// scheduler has one node take part in the race for a job's slots, and call what it wins.
type scheduler struct {
	job, self, boot string
	schedule        schedule
	limit           time.Duration // of a run with all that belongs to it

	state    slotState
	now      func() instant
	nodes    func() []string                         // those that the job is on
	lost     func(node, boot string) bool            // a node that runs no more
	call     func(ctx context.Context, s slot) error // one run
	say      func(level, text string)
	count    func(outcome string)
	draining <-chan struct{}

	since   time.Time // when it first could have begun to count
	waiting bool      // it said that it waits for the time
	running *slot     // its own run
	ended   chan error
}

// Outcomes of slots, as they are counted.
const (
	slotOK      = "ok"
	slotFailed  = "error"
	slotSkipped = "skipped" // the run before was still under way
	slotMissed  = "missed"  // no node was there
	slotCutOff  = "cut_off" // the node went, or the job was stopped there
)

var slotOutcomes = [...]string{slotOK, slotFailed, slotSkipped, slotMissed, slotCutOff}

// swapWithin is how long the log may take for a claim.
const swapWithin = 5 * time.Second

func (s *scheduler) key() string { return queue.StateKey("sched", s.job, "slot") }

// run takes part until ctx ends, or until draining and its run in hand is over.
func (s *scheduler) run(ctx context.Context) {
	following, stop := context.WithCancel(ctx)
	entries, told := make(chan queue.StateEntry), make(chan struct{})
	var follower sync.WaitGroup
	defer func() { stop(); follower.Wait() }()
	follower.Go(func() { s.follow(following, entries, told) })
	s.ended = make(chan error, 1)
	heard := false
	timer := time.NewTimer(0)
	defer timer.Stop()
	draining := s.draining
	for {
		wait := time.Minute
		if heard && draining != nil {
			wait = s.step(ctx)
		}
		if draining == nil && s.running == nil {
			return
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			if s.running != nil {
				s.finish(context.WithoutCancel(ctx), <-s.ended)
			}
			return
		case <-draining:
			draining = nil
		case e := <-entries:
			s.take(e)
		case <-told:
			heard, told, s.since = true, nil, s.now().mono
		case err := <-s.ended:
			s.finish(ctx, err)
		case <-timer.C:
		}
	}
}

// follow hands on the claims of all nodes as they come.
func (s *scheduler) follow(ctx context.Context, entries chan<- queue.StateEntry, told chan struct{}) {
	atEnd := sync.OnceFunc(func() { close(told) })
	for ctx.Err() == nil {
		_ = s.state.FollowState(ctx, queue.StateKey("sched", s.job), atEnd, func(e queue.StateEntry) error {
			select {
			case entries <- e:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		pause(ctx, 300*time.Millisecond) // the log goes on soon, or the session ends
	}
}

func (s *scheduler) take(e queue.StateEntry) {
	var c slotClaim
	if err := decodeJSON(e.Value, &c); err != nil {
		c = slotClaim{} // not one of ours: begin anew after it
	}
	s.schedule.take(c, e.Seq, s.now())
}

// step does what is due, and returns for how long nothing else is.
func (s *scheduler) step(ctx context.Context) time.Duration {
	now := s.now()
	delay, here := raceDelay(s.job, s.nodes(), s.self)
	if !here {
		return time.Second
	}
	if s.schedule.waitsForTime(now) {
		if !s.waiting {
			s.waiting = true
			s.say("warn", fmt.Sprintf("schedule %q waits: this node does not know the time yet; any command of an operator tells it", s.schedule.every.Text))
		}
		return time.Second
	}
	s.waiting = false
	if !s.schedule.begun() {
		if wait := delay - now.mono.Sub(s.since); wait > 0 {
			return wait
		}
		return s.begin(ctx, now)
	}
	next := s.schedule.next(now)
	if wait := next.in + delay; wait > 0 {
		return min(wait, 10*time.Second) // the fleet's clock may be told meanwhile
	}
	return s.decide(ctx, now, next)
}

// begin claims slot 0, from which the slots are counted.
func (s *scheduler) begin(ctx context.Context, now instant) time.Duration {
	c := s.claim(now, slot{at: now.wall})
	if old := s.schedule.claim; old != nil {
		c.Slot, c.Run = old.Slot+1, old.Run
	}
	_, wait := s.swap(ctx, now, c)
	return wait
}

func (s *scheduler) claim(now instant, at slot) slotClaim {
	return slotClaim{Every: s.schedule.every.Text, Slot: at.number, Time: at.at.UnixMilli(), Known: now.known, LateMS: max(-at.in, 0).Milliseconds(), Node: s.self, Boot: s.boot}
}

// decide claims a slot that is due, to call the handler or, while the run before is under way, to skip it.
func (s *scheduler) decide(ctx context.Context, now instant, due slot) time.Duration {
	c, before := s.claim(now, due), s.schedule.claim.Run
	busy := s.underWay(now, before)
	c.Run = &slotRun{Slot: due.number, Node: s.self, Boot: s.boot}
	if busy {
		c.Run = before
	}
	won, wait := s.swap(ctx, now, c)
	if !won {
		return wait
	}
	s.note(due, before, busy)
	if !busy {
		s.running = &due
		go func() { s.ended <- s.called(ctx, due) }()
	}
	return 0
}

// note says what a decision leaves out.
func (s *scheduler) note(due slot, before *slotRun, busy bool) {
	if due.missed > 0 {
		for range min(due.missed, 1000) {
			s.count(slotMissed)
		}
		s.say("warn", fmt.Sprintf("%d slots before %s were missed, since no node was there for them; they are not made up for", due.missed, due))
	}
	switch {
	case busy:
		s.count(slotSkipped)
		s.say("warn", fmt.Sprintf("%s is skipped: the run of slot %d on %s is still under way", due, before.Slot, before.Node))
	case before != nil && !before.Done:
		s.count(slotCutOff)
		s.say("error", fmt.Sprintf("the run of slot %d on %s was cut off, since the node went or did not end it in time; it is not done again", before.Slot, before.Node))
	}
	if late := -due.in; !busy && late > raceMost+time.Second {
		s.say("warn", fmt.Sprintf("%s is called %s late", due, late.Round(time.Second)))
	}
}

// underWay tells whether a run may still be going on somewhere.
func (s *scheduler) underWay(now instant, run *slotRun) bool {
	switch {
	case run == nil || run.Done:
		return false
	case run.Node == s.self && run.Boot == s.boot:
		return s.running != nil
	}
	return !s.lost(run.Node, run.Boot) && now.mono.Sub(s.schedule.runSeen) < s.limit
}

// swap writes a claim after the newest that this node knows of, and tells whether it stands. Where another node was faster, its claim
// comes soon.
func (s *scheduler) swap(ctx context.Context, now instant, c slotClaim) (won bool, wait time.Duration) {
	data, err := encodeJSON(c)
	if err != nil {
		return false, time.Second
	}
	try, cancel := context.WithTimeout(ctx, swapWithin)
	defer cancel()
	seq, err := s.state.SwapState(try, s.key(), data, s.schedule.seq)
	switch {
	case err == nil:
		s.schedule.take(c, seq, now)
		return true, 0
	case errors.Is(err, queue.ErrConflict):
		return false, time.Second
	}
	return s.standing(ctx, now, c)
}

// standing finds out what became of a claim that was not answered: if it stands, it was won.
func (s *scheduler) standing(ctx context.Context, now instant, c slotClaim) (won bool, wait time.Duration) {
	try, cancel := context.WithTimeout(ctx, swapWithin)
	defer cancel()
	e, err := s.state.State(try, s.key())
	if err != nil {
		return false, time.Second
	}
	var there slotClaim
	if decodeJSON(e.Value, &there) != nil || there.Node != c.Node || there.Boot != c.Boot || there.Slot != c.Slot || e.Seq <= s.schedule.seq {
		return false, time.Second
	}
	s.schedule.take(there, e.Seq, now)
	return true, 0
}

// called is one run within its limit; a panic of the node's own is its error.
func (s *scheduler) called(ctx context.Context, due slot) error {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	return recovered(ctx, func(ctx context.Context) error { return s.call(ctx, due) })
}

// finish notes that this node's run is over, and in the log, so that the next slot is not skipped.
func (s *scheduler) finish(ctx context.Context, err error) {
	due := *s.running
	s.running = nil
	switch {
	case err == nil:
		s.count(slotOK)
	case errors.Is(err, context.Canceled):
		s.count(slotCutOff)
		s.say("warn", fmt.Sprintf("the run of %s was cut off: the job stopped on this node; it is not done again", due))
	default:
		s.count(slotFailed)
		s.say("error", fmt.Sprintf("%s: %v", due, err))
	}
	ctx, cancel := context.WithTimeout(ctx, swapWithin/2)
	defer cancel()
	for ctx.Err() == nil {
		c := *s.schedule.claim
		if c.Run == nil || c.Run.Slot != due.number || c.Run.Node != s.self || c.Run.Boot != s.boot || c.Run.Done {
			return
		}
		run := *c.Run
		run.Done = true
		c.Run = &run
		if won, _ := s.swap(ctx, s.now(), c); won {
			return
		}
		if e, err := s.state.State(ctx, s.key()); err == nil {
			s.take(e)
		} else {
			pause(ctx, 100*time.Millisecond)
		}
	}
}
