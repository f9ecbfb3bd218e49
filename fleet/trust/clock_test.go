package trust

import (
	"errors"
	"testing"
	"time"
)

// wall is a system's clock that the test moves.
type wall struct{ at time.Time }

func (w *wall) now() time.Time { return w.at }

var built = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func TestAClockIsNeverBelowTheBuildAndNeverGoesBack(t *testing.T) {
	w := &wall{time.Unix(100, 0)} // a board without a clock
	c := NewClock(ClockOptions{Build: built, Now: w.now})
	if now, known := c.Now(); !now.Equal(built) || known {
		t.Errorf("%v, known %v, want the build's time, not known", now, known)
	}
	w.at = w.at.Add(time.Hour)
	if now, _ := c.Now(); !now.Equal(built.Add(time.Hour)) {
		t.Errorf("after an hour %v: it does not run", now)
	}
	w.at = w.at.Add(-30 * time.Minute)
	if now, _ := c.Now(); now.Before(built.Add(time.Hour)) {
		t.Errorf("the system's clock went back, and this one too: %v", now)
	}
}

func TestAClockBelievesTheFleetForwardsOnly(t *testing.T) {
	w := &wall{time.Unix(0, 0)}
	c := NewClock(ClockOptions{Build: built, Now: w.now})
	for _, bad := range []time.Time{time.Unix(0, 0), built.Add(-time.Hour), built.Add(21 * 365 * 24 * time.Hour)} {
		if c.Tell(bad) {
			t.Errorf("took %v", bad)
		}
	}
	if _, known := c.Now(); known || c.Source() != FromBuild {
		t.Error("a time that was not taken made it known")
	}
	told := built.Add(24 * time.Hour)
	if !c.Tell(told) {
		t.Fatal("did not take the time")
	}
	if now, known := c.Now(); !now.Equal(told) || !known || c.Source() != FromFleet {
		t.Errorf("%v, known %v, from %s", now, known, c.Source())
	}
	if c.Tell(told.Add(-time.Hour)) {
		t.Error("went back")
	}
	if now, _ := c.Now(); now.Before(told) {
		t.Errorf("went back to %v", now)
	}
}

func TestAClockThatKnowsTheTimeIsNotMoved(t *testing.T) {
	w := &wall{built.Add(time.Hour)}
	c := NewClock(ClockOptions{Build: built, Known: true, Now: w.now})
	if c.Tell(built.Add(48 * time.Hour)) {
		t.Error("moved")
	}
	if now, known := c.Now(); !now.Equal(w.at) || !known {
		t.Errorf("%v, known %v", now, known)
	}
}

func TestAClockSetsTheSystems(t *testing.T) {
	w := &wall{time.Unix(0, 0)}
	c := NewClock(ClockOptions{Build: built, Now: w.now, Set: func(now time.Time) error { w.at = now; return nil }})
	told := built.Add(time.Hour)
	if now, _ := c.Now(); !now.Equal(built) {
		t.Fatal(now)
	}
	if !c.Tell(told) || !w.at.Equal(told) {
		t.Errorf("the system's is %v", w.at)
	}
	if now, _ := c.Now(); !now.Equal(told) {
		t.Errorf("%v, want %v", now, told)
	}
	w.at = time.Unix(0, 0)
	c = NewClock(ClockOptions{Build: built, Now: w.now, Set: func(time.Time) error { return errors.New("may not") }})
	if !c.Tell(told) {
		t.Error("a system's clock that cannot be set keeps the time from being known")
	}
	if now, _ := c.Now(); !now.Equal(told) {
		t.Errorf("%v, want %v", now, told)
	}
}
