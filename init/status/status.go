// Package status knows what a machine has come to, for a person who stands beside it: on its way up, without a network,
// without a log, ready. The LED, the console and the line that says "ready" take it from here.
package status

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/capodekappa/capo/init/phase"
)

// State is what a machine has come to.
type State int

// The states. The number of the four in the middle is how often the LED blinks.
const (
	Booting    State = 0 // the phases are not over
	NoNetwork  State = 2 // no interface has an address that could be used: no cable, or no driver
	NoLog      State = 3 // not in a log, or it does not answer: too few nodes are there, or they cannot be reached
	Unapproved State = 4 // an operator has to let it into the fleet
	NoFleet    State = 5 // the image has no file of a fleet, or one that cannot be used
	Failed     State = 6 // the node ended; the machine will reboot in a moment
	Ready      State = 100
	Ending     State = 101 // it reboots or powers off as it was told to
)

// String is what the console says of a machine that stays in the state.
func (s State) String() string {
	switch s {
	case Booting:
		return "booting"
	case NoNetwork:
		return "no network"
	case NoLog:
		return "no log"
	case Unapproved:
		return "not approved"
	case NoFleet:
		return "no usable fleet file"
	case Failed:
		return "failed"
	case Ready:
		return "ready"
	}
	return "ending"
}

// Facts are what a state is made of.
type Facts struct {
	Up       bool // the phases are over
	Network  bool // there is an address
	Fleet    bool // the node runs, with a file of its fleet
	Approved bool // or not asked yet
	Answers  bool // the node is ready in a log that answers
	Failed   bool
	Ending   bool
}

// State is what the facts amount to. What keeps the others from being mended comes first.
func (f Facts) State() State {
	switch {
	case f.Ending:
		return Ending
	case f.Failed:
		return Failed
	case !f.Up:
		return Booting
	case !f.Fleet:
		return NoFleet
	case !f.Network:
		return NoNetwork
	case !f.Approved:
		return Unapproved
	case f.Answers:
		return Ready
	}
	return NoLog
}

// Status is the state of this machine, with the time at which it came to its parts. Its methods may be called by several
// goroutines.
type Status struct {
	clock func() time.Duration // since the kernel started

	mu      sync.Mutex // guards what follows
	facts   Facts
	marks   phase.Marks
	changed chan struct{} // closed at the next change
}

// New returns the status of a machine that has just begun; the clock gives the time since the kernel started.
func New(clock func() time.Duration) *Status {
	return &Status{clock: clock, facts: Facts{Fleet: true, Approved: true}, marks: phase.Marks{Linux: clock()}, changed: make(chan struct{})}
}

// State is the state now.
func (s *Status) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.facts.State()
}

// Changed returns the state now and a channel that is closed when there is another one.
func (s *Status) Changed() (State, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.facts.State(), s.changed
}

// change changes the facts, and tells of a new state.
func (s *Status) change(f func(*Facts, *phase.Marks)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.facts.State()
	f(&s.facts, &s.marks)
	if s.facts.State() != before {
		close(s.changed)
		s.changed = make(chan struct{})
	}
}

// Up says that the phases are over and the node begins.
func (s *Status) Up() {
	s.change(func(f *Facts, m *phase.Marks) { f.Up = true; s.mark(&m.Init) })
}

// Network says whether there is an address.
func (s *Status) Network(there bool) {
	s.change(func(f *Facts, m *phase.Marks) {
		if f.Network = there; there {
			s.mark(&m.Network)
		}
	})
}

// Joined says that the node is in a log.
func (s *Status) Joined() { s.change(func(_ *Facts, m *phase.Marks) { s.mark(&m.Join) }) }

// Node says whether the node was let into its fleet, and whether it is ready in a log that answers.
func (s *Status) Node(approved, answers bool) {
	s.change(func(f *Facts, _ *phase.Marks) { f.Approved, f.Answers = approved, answers })
}

// NoFleet says that the fleet's file is missing or cannot be used.
func (s *Status) NoFleet() { s.change(func(f *Facts, _ *phase.Marks) { f.Fleet = false }) }

// Failed says that the node ended.
func (s *Status) Failed() { s.change(func(f *Facts, _ *phase.Marks) { f.Failed = true }) }

// Ending says that the machine ends as it was told to.
func (s *Status) Ending() { s.change(func(f *Facts, _ *phase.Marks) { f.Ending = true }) }

// mark notes a time, the first time. The caller holds s.mu.
func (s *Status) mark(at *time.Duration) {
	if *at == 0 {
		*at = s.clock()
	}
}

// Ready returns the parts of the boot up to now. Firmware is how long it took before the kernel started, 0 if nothing
// tells, and linux when the kernel ran PID 1, 0 if nothing knows it better than [New].
func (s *Status) Ready(firmware, linux time.Duration) phase.Times {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.marks
	m.Firmware, m.Ready = firmware, s.clock()
	if linux > 0 && linux < m.Linux {
		m.Linux = linux
	}
	return m.Times()
}

// The pauses between two lines about a state that lasts.
const (
	firstTold   = 10 * time.Second
	longestTold = 5 * time.Minute
)

// Tell says on the log what keeps a machine from being ready, again and again with growing pauses, until ctx ends. What
// the node itself says is left to it.
func Tell(ctx context.Context, log *slog.Logger, s *Status) {
	for ctx.Err() == nil {
		state, changed := s.Changed()
		tellOne(ctx, log, state, changed)
	}
}

// tellOne tells of one state until it changes.
func tellOne(ctx context.Context, log *slog.Logger, state State, changed <-chan struct{}) {
	since := time.Now()
	pause := firstTold
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			return
		case <-timer.C:
		}
		if hint := hints(state); hint != "" {
			log.Warn("not ready: "+state.String(), "for", time.Since(since).Round(time.Second).String(), "hint", hint)
		}
		pause = min(2*pause, longestTold)
		timer.Reset(pause)
	}
}

// hints say what a person can do.
func hints(s State) string {
	switch s {
	case NoNetwork:
		return "is the cable in, and is there power at its other end?"
	case NoFleet:
		return "make the image anew with capo image"
	}
	return ""
}
