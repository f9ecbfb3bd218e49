package trust

import (
	"sync"
	"time"
)

// The sources of a clock's time, as `capo nodes` shows them.
const (
	FromBuild = "build" // nobody has told the time; it is later than the build, no more is known
	FromFleet = "fleet" // an operator or a log server has told it
)

// maxAhead is how far past the build a time may be that the fleet tells.
const maxAhead = 20 * 365 * 24 * time.Hour

// ClockOptions say what a clock begins with.
type ClockOptions struct {
	Build time.Time                 // no time before it is believed; zero: any is
	Known bool                      // the system's time can be believed as it is
	Set   func(now time.Time) error // sets the system's clock, or nil
	Now   func() time.Time          // the system's time; nil: time.Now
}

// Clock is what a process knows of the time. It runs with the monotonic clock and never goes back.
type Clock struct {
	o ClockOptions

	mu     sync.Mutex // guards what follows
	known  bool
	source string
	offset time.Duration // to the system's time
	last   time.Time     // what was last said
}

// NewClock returns a clock that shows the system's time, or the build's if that is later.
func NewClock(o ClockOptions) *Clock {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Clock{o: o, known: o.Known, source: FromBuild}
}

// Now returns the time, and whether it is more than a lower bound.
func (c *Clock) Now() (now time.Time, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now(), c.known
}

func (c *Clock) now() time.Time {
	t := c.o.Now().Add(c.offset)
	if t.Before(c.o.Build) {
		c.offset += c.o.Build.Sub(t)
		t = c.o.Build
	}
	if t.Before(c.last) {
		return c.last
	}
	c.last = t
	return t
}

// Source says where the time comes from: FromBuild or FromFleet.
func (c *Clock) Source() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.source
}

// Tell gives the clock a time that an authenticated party says it is. It is taken if it is ahead of the clock's own and at most
// 20 years past the build. A clock that knows its time by itself is not moved. It reports whether the time was taken or agreed with.
func (c *Clock) Tell(t time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if c.o.Known {
		return false
	}
	if t.Before(now.Add(-time.Minute)) || !c.o.Build.IsZero() && t.After(c.o.Build.Add(maxAhead)) {
		return false
	}
	if t.After(now) {
		c.offset += t.Sub(now)
	}
	c.known, c.source = true, FromFleet
	if c.o.Set != nil && c.o.Set(t) == nil {
		c.offset = 0
		c.last = c.o.Now()
	}
	return true
}
