package cell

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestSupervisor(t *testing.T) {
	type step struct {
		at          time.Duration // on the fake clock
		event       string        // start, success, crash
		first, last uint64
		wait        time.Duration
		single      bool
		parked      uint64 // the offset it is parked with
	}
	const ms = time.Millisecond
	tests := []struct {
		name  string
		steps []step
	}{
		{"waits double", []step{
			{event: "start"}, {at: 1 * ms, event: "crash", wait: 100 * ms}, {event: "start"}, {at: 2 * ms, event: "crash", wait: 200 * ms},
			{event: "start"}, {at: 3 * ms, event: "crash", wait: 400 * ms},
		}},
		{"a success starts anew", []step{
			{event: "start"}, {event: "crash", wait: 100 * ms}, {event: "start"}, {event: "success"}, {event: "crash", wait: 100 * ms},
		}},
		{"a long life starts anew", []step{
			{event: "start"}, {event: "crash", wait: 100 * ms}, {event: "start"}, {at: time.Minute, event: "crash", wait: 100 * ms},
		}},
		{"a batch is taken apart", []step{{event: "start"}, {event: "crash", first: 5, last: 9, wait: 100 * ms, single: true}, {event: "crash", first: 5, last: 5, wait: 200 * ms}}},
		{"parks with the record", []step{
			{event: "crash", first: 7, last: 9, wait: 100 * ms, single: true}, {event: "crash", first: 7, last: 7, wait: 200 * ms},
			{event: "crash", first: 7, last: 7, wait: 400 * ms}, {event: "crash", first: 7, last: 7, parked: 7}, {event: "crash", first: 8, last: 8, parked: 7},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := NewSupervisor(Policy{Park: 4})
			start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			for i, step := range tt.steps {
				switch step.event {
				case "start":
					s.Started(start)
				case "success":
					s.Succeeded()
				case "crash":
					d := s.Crashed(start.Add(step.at), ErrMemory, step.first, step.last)
					var parked uint64
					if d.Parked != nil {
						parked = d.Parked.Offset
					}
					if d.Wait != step.wait || d.Single != step.single || parked != step.parked {
						t.Errorf("step %d: got %+v, want %+v", i, d, step)
					}
				}
			}
		})
	}
	s := NewSupervisor(Policy{Park: 1, MaxWait: time.Second})
	d := s.Crashed(time.Time{}, ErrMemory, 3, 3)
	if d.Parked == nil || !errors.Is(d.Parked, ErrMemory) || !strings.Contains(d.Parked.Error(), "record 3") {
		t.Errorf("got %+v", d)
	}
}

func TestSupervisorWaitsAtMost(t *testing.T) {
	s := NewSupervisor(Policy{Park: 100, MaxWait: 3 * time.Second})
	var d Decision
	for range 50 {
		d = s.Crashed(time.Time{}, ErrCrashed, 0, 0)
	}
	if d.Wait != 3*time.Second {
		t.Errorf("waits %s", d.Wait)
	}
}
