package cell

import (
	"fmt"
	"time"
)

// Policy says how a cell that ends by itself is started again.
type Policy struct {
	MinWait time.Duration // before the first restart; doubles with each crash; 0 is 100 ms
	MaxWait time.Duration // 0 is 30 s
	Park    int           // crashes without a success between them, after which it is given up; 0 is 5
	Stable  time.Duration // a cell that lived this long starts counting anew; 0 is 1 min
}

// Supervisor decides what follows when a cell crashes. It does nothing itself and has no clock: the
// caller tells it the time, waits and starts the cell. It is not safe for concurrent use.
type Supervisor struct {
	policy  Policy
	crashes int
	started time.Time
	parked  *Parked
}

// Parked says why a job was given up, until somebody deploys it anew.
type Parked struct {
	Err     error  // of the last crash
	Crashes int    // in a row
	Offset  uint64 // of the record that did it; 0 when it was not one record
}

// Error says what happened and to which record.
func (p *Parked) Error() string {
	text := fmt.Sprintf("parked after %d crashes in a row", p.Crashes)
	if p.Offset != 0 {
		text += fmt.Sprintf(", the last at record %d", p.Offset)
	}
	return text + ": " + p.Err.Error()
}

// Unwrap is the error of the last crash.
func (p *Parked) Unwrap() error { return p.Err }

// Decision is what to do after a crash.
type Decision struct {
	Wait   time.Duration // before the next start
	Single bool          // hand out the records that were under way one by one, so that the bad one is found
	Parked *Parked       // not nil: do not start again
}

// NewSupervisor returns one that has seen nothing yet.
func NewSupervisor(p Policy) *Supervisor {
	if p.MinWait <= 0 {
		p.MinWait = 100 * time.Millisecond
	}
	if p.MaxWait <= 0 {
		p.MaxWait = 30 * time.Second
	}
	if p.Park <= 0 {
		p.Park = 5
	}
	if p.Stable <= 0 {
		p.Stable = time.Minute
	}
	return &Supervisor{policy: p}
}

// Started tells that a cell was started at this time.
func (s *Supervisor) Started(now time.Time) { s.started = now }

// Succeeded tells that a call came back with a result.
func (s *Supervisor) Succeeded() { s.crashes = 0 }

// Crashed tells that the cell ended at this time, with the offsets of the first and the last record
// that it was handed (0, 0 when there was none).
func (s *Supervisor) Crashed(now time.Time, err error, first, last uint64) Decision {
	if s.parked != nil {
		return Decision{Parked: s.parked}
	}
	if !s.started.IsZero() && now.Sub(s.started) >= s.policy.Stable {
		s.crashes = 0
	}
	s.crashes++
	if s.crashes >= s.policy.Park {
		s.parked = &Parked{Err: err, Crashes: s.crashes}
		if first == last {
			s.parked.Offset = first
		}
		return Decision{Parked: s.parked}
	}
	wait := s.policy.MinWait
	for i := 1; i < s.crashes && wait < s.policy.MaxWait; i++ {
		wait *= 2
	}
	return Decision{Wait: min(wait, s.policy.MaxWait), Single: first != last}
}

// Parked says whether the job was given up, and why.
func (s *Supervisor) Parked() *Parked { return s.parked }
