package node

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capodekappa/capo/jsrt/job"
	"github.com/capodekappa/capo/queue"
)

func TestTheNextSlotIsTheNewestThatIsDue(t *testing.T) {
	start := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	known := func(age time.Duration) instant {
		return instant{mono: start.Add(age), wall: start.Add(age), known: true}
	}
	unknown := func(age time.Duration) instant { return instant{mono: start.Add(age), wall: time.Unix(1, 0)} }
	claim := slotClaim{Slot: 7, Time: start.UnixMilli(), Known: true}
	dark := slotClaim{Slot: 7, Time: 1000, LateMS: 1000}
	tests := []struct {
		name   string
		every  job.Every
		claim  slotClaim
		seen   instant
		now    instant
		number uint64
		in     time.Duration
		missed uint64
	}{
		{"an interval, just claimed", job.Every{MS: 10000}, claim, known(0), known(0), 8, 10 * time.Second, 0},
		{"an interval, soon", job.Every{MS: 10000}, claim, known(0), known(9 * time.Second), 8, time.Second, 0},
		{"an interval, late", job.Every{MS: 10000}, claim, known(0), known(12 * time.Second), 8, -2 * time.Second, 0},
		{"an interval, two missed", job.Every{MS: 10000}, claim, known(35 * time.Second), known(35 * time.Second), 10, -5 * time.Second, 2},
		{"a claim of a clock a little ahead", job.Every{MS: 10000}, claim, known(-time.Second), known(-time.Second), 8, 11 * time.Second, 0},
		{"a claim from far in the future counts from when it was seen", job.Every{MS: 10000}, claim, known(-time.Hour), known(3*time.Second - time.Hour), 8, 7 * time.Second, 0},
		{"no clock, by the monotonic one", job.Every{MS: 10000}, dark, unknown(0), unknown(5 * time.Second), 8, 4 * time.Second, 0},
		{"the claimer had no clock", job.Every{MS: 10000}, dark, known(0), known(12 * time.Second), 8, -3 * time.Second, 0},
		{"this node has no clock", job.Every{MS: 10000}, claim, unknown(0), unknown(25 * time.Second), 9, -5 * time.Second, 1},
		{"nonsense about how late", job.Every{MS: 10000}, slotClaim{Slot: 7, LateMS: 1 << 60}, unknown(0), unknown(0), 8, 0, 0},
		{"cron, to come", job.Every{Text: "0 * * * *"}, claim, known(0), known(time.Minute), 8, 59 * time.Minute, 0},
		{"cron, late", job.Every{Text: "0 * * * *"}, claim, known(0), known(61 * time.Minute), 8, -time.Minute, 0},
		{"cron, two missed", job.Every{Text: "0 * * * *"}, claim, known(0), known(200 * time.Minute), 10, -20 * time.Minute, 2},
		{"cron, claimed by a clock a little ahead", job.Every{Text: "* * * * *"}, claim, known(-30 * time.Second), known(-30 * time.Second), 8, 90 * time.Second, 0},
		{"cron, a claim from far in the future", job.Every{Text: "0 * * * *"}, slotClaim{Slot: 7, Time: start.Add(90 * 24 * time.Hour).UnixMilli(), Known: true}, known(0), known(65 * time.Minute), 8, -5 * time.Minute, 0},
		{"cron, a claim of long ago", job.Every{Text: "0 0 1 1 *"}, slotClaim{Slot: 7, Known: true}, known(0), known(0), 8, -(325*24 + 3) * time.Hour, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := newSchedule(tt.every)
			if err != nil {
				t.Fatal(err)
			}
			p.take(tt.claim, 1, tt.seen)
			got := p.next(tt.now)
			if got.number != tt.number || got.in != tt.in || got.missed != tt.missed || !got.at.Equal(tt.now.wall.Add(tt.in)) {
				t.Errorf("slot %d in %s (%s) after %d missed, want %d in %s after %d", got.number, got.in, got.at, got.missed, tt.number, tt.in, tt.missed)
			}
		})
	}
}

func TestNodesRaceOneAfterAnother(t *testing.T) {
	nodes := []string{"a", "b", "c"}
	seen := map[time.Duration]bool{}
	for _, n := range nodes {
		d, ok := raceDelay("job", nodes, n)
		if !ok {
			t.Error(n, "is not in the race")
		}
		seen[d] = true
	}
	if want := map[time.Duration]bool{0: true, raceStep: true, 2 * raceStep: true}; !maps.Equal(seen, want) {
		t.Errorf("delays %v, want %v", seen, want)
	}
	if _, ok := raceDelay("job", nodes, "d"); ok {
		t.Error("a node that the job is not on takes part")
	}
	if _, ok := raceDelay("job", nil, "d"); ok {
		t.Error("a node takes part in a job that is nowhere")
	}
}

// memoryState is a log's state in memory: one key, with a delay to each reader.
type memoryState struct {
	mu     sync.Mutex // guards what follows
	value  []byte
	seq    uint64
	away   bool // nothing is answered
	forget bool // what is written is not answered
	change chan struct{}
}

func (m *memoryState) State(ctx context.Context, key string) (queue.StateEntry, error) {
	for {
		m.mu.Lock()
		e, away := queue.StateEntry{Key: key, Value: m.value, Seq: m.seq}, m.away
		m.mu.Unlock()
		switch {
		case away && ctx.Err() != nil:
			return e, ctx.Err()
		case away:
			pause(ctx, 20*time.Millisecond)
		case e.Seq == 0:
			return e, queue.ErrNotFound
		default:
			return e, nil
		}
	}
}

func (m *memoryState) SwapState(ctx context.Context, _ string, value []byte, last uint64) (uint64, error) {
	time.Sleep(time.Duration(rand.IntN(5)) * time.Millisecond)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.away:
		return 0, queue.ErrUnavailable
	case m.seq != last:
		return 0, queue.ErrConflict
	}
	m.value, m.seq = value, m.seq+1
	close(m.change)
	m.change = make(chan struct{})
	if m.forget {
		m.forget = false
		return 0, context.DeadlineExceeded
	}
	return m.seq, nil
}

func (m *memoryState) FollowState(ctx context.Context, _ string, atEnd func(), fn func(queue.StateEntry) error) error {
	for last := uint64(0); ; {
		m.mu.Lock()
		e, change := queue.StateEntry{Value: m.value, Seq: m.seq}, m.change
		m.mu.Unlock()
		if e.Seq > last {
			last = e.Seq
			time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond)
			if err := fn(e); err != nil {
				return err
			}
		}
		atEnd()
		select {
		case <-change:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// raceFleet is nodes that share a job's schedule.
type raceFleet struct {
	t     *testing.T
	state *memoryState
	every job.Every
	takes time.Duration // a run
	known bool

	mu    sync.Mutex // guards what follows
	nodes []string   // that the job is on
	gone  map[string]bool
	runs  map[uint64][]string // slot -> nodes that ran it
	at    map[uint64]int64
	said  []string
	count map[string]int
	stops map[string]func()
	all   sync.WaitGroup
}

func newRaceFleet(t *testing.T, every job.Every, takes time.Duration, nodes ...string) *raceFleet {
	f := &raceFleet{t: t, state: &memoryState{change: make(chan struct{})}, every: every, takes: takes, known: true,
		gone: map[string]bool{}, runs: map[uint64][]string{}, at: map[uint64]int64{}, count: map[string]int{}, stops: map[string]func(){}}
	for _, n := range nodes {
		f.start(n)
	}
	return f
}

func (f *raceFleet) start(id string) {
	plan, err := newSchedule(f.every)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(f.t.Context())
	f.mu.Lock()
	f.nodes, f.stops[id] = append(f.nodes, id), cancel
	slices.Sort(f.nodes)
	delete(f.gone, id)
	f.mu.Unlock()
	s := &scheduler{job: "tick", self: id, boot: "boot", schedule: plan, limit: time.Minute, state: f.state, draining: make(chan struct{}),
		now: func() instant {
			now := time.Now()
			if !f.known {
				return instant{mono: now, wall: time.Unix(0, 0)}
			}
			return instant{mono: now, wall: now.Round(0), known: true}
		},
		nodes: func() []string { f.mu.Lock(); defer f.mu.Unlock(); return slices.Clone(f.nodes) },
		lost:  func(id, _ string) bool { f.mu.Lock(); defer f.mu.Unlock(); return f.gone[id] },
		call: func(ctx context.Context, due slot) error {
			f.mu.Lock()
			f.runs[due.number] = append(f.runs[due.number], id)
			f.at[due.number] = due.at.UnixMilli()
			f.mu.Unlock()
			pause(ctx, f.takes)
			return ctx.Err()
		},
		say:   func(level, text string) { f.mu.Lock(); defer f.mu.Unlock(); f.said = append(f.said, level+" "+text) },
		count: func(outcome string) { f.mu.Lock(); defer f.mu.Unlock(); f.count[outcome]++ },
	}
	f.all.Go(func() { s.run(ctx) })
}

// kill has a node vanish: its run is cut off and says nothing more. The others see it after a while.
func (f *raceFleet) kill(id string, seenAfter time.Duration) {
	f.stops[id]()
	time.Sleep(seenAfter)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gone[id] = true
	f.nodes = slices.DeleteFunc(f.nodes, func(n string) bool { return n == id })
}

// check ends all nodes, and wants each slot from one to the last to have been run by one node.
func (f *raceFleet) check(want int, except ...uint64) {
	f.t.Helper()
	for _, stop := range f.stops {
		stop()
	}
	f.all.Wait()
	last := uint64(0)
	for n, by := range f.runs {
		if len(by) != 1 {
			f.t.Errorf("slot %d was run by %v", n, by)
		}
		last = max(last, n)
	}
	for n := uint64(1); n < last; n++ {
		if f.runs[n] == nil && !slices.Contains(except, n) {
			f.t.Errorf("slot %d was not run", n)
		}
	}
	if len(f.runs) != want {
		f.t.Errorf("%d runs, want %d: %v\n%s", len(f.runs), want, f.runs, strings.Join(f.said, "\n"))
	}
}

func TestOneNodeRunsEachSlot(t *testing.T) {
	for _, known := range []bool{true, false} {
		t.Run(fmt.Sprintf("clock known %v", known), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newRaceFleet(t, job.Every{Text: "1s", MS: 1000}, 300*time.Millisecond)
				f.known = known
				for _, n := range []string{"a", "b", "c"} {
					f.start(n)
				}
				time.Sleep(20500 * time.Millisecond)
				f.check(20)
				if len(f.said) != 0 {
					t.Errorf("said %q", f.said)
				}
			})
		})
	}
}

func TestSlotsOfACronExpressionAreAtItsTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newRaceFleet(t, job.Every{Text: "*/5 * * * *"}, time.Second, "a", "b", "c")
		time.Sleep(time.Hour + time.Second)
		f.check(12)
		for n, at := range f.at {
			if when := time.UnixMilli(at).UTC(); when.Minute()%5 != 0 || when.Second() != 0 {
				t.Errorf("slot %d is at %s", n, when)
			}
		}
	})
}

func TestACronExpressionWaitsForTheTimeAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newRaceFleet(t, job.Every{Text: "* * * * *"}, 0)
		f.known = false
		f.start("a")
		time.Sleep(5 * time.Minute)
		f.check(0)
		if len(f.said) != 1 || !strings.Contains(f.said[0], "does not know the time") {
			t.Errorf("said %q", f.said)
		}
	})
}

func TestTheScheduleGoesOnWithoutTheNodeThatRanIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newRaceFleet(t, job.Every{Text: "1s", MS: 1000}, 100*time.Millisecond, "a", "b", "c")
		time.Sleep(5500 * time.Millisecond)
		f.mu.Lock()
		first := f.runs[5][0]
		f.mu.Unlock()
		f.kill(first, 3*time.Second)
		time.Sleep(7 * time.Second)
		f.start("d")
		time.Sleep(5 * time.Second)
		f.check(20)
	})
}

func TestARunThatANodeTakesWithItIsNotDoneAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newRaceFleet(t, job.Every{Text: "10s", MS: 10000}, 5*time.Second, "a", "b")
		time.Sleep(12 * time.Second)
		f.mu.Lock()
		first := f.runs[1][0]
		f.mu.Unlock()
		f.state.mu.Lock()
		f.state.away = true // so that the node cannot say that its run is over
		f.state.mu.Unlock()
		f.stops[first]()
		time.Sleep(5 * time.Second)
		f.state.mu.Lock()
		f.state.away = false
		f.state.mu.Unlock()
		f.kill(first, 0)
		time.Sleep(9 * time.Second) // beyond slot 2, which the other runs
		f.check(2)
		if all := strings.Join(f.said, "\n"); !strings.Contains(all, "slot 1 on "+first+" was cut off") {
			t.Errorf("said %s", all)
		}
	})
}

func TestASlotIsSkippedWhileTheLastRunGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newRaceFleet(t, job.Every{Text: "1s", MS: 1000}, 2500*time.Millisecond, "a", "b")
		time.Sleep(9500 * time.Millisecond)
		f.check(3, 2, 3, 5, 6, 8, 9)
		if f.count[slotSkipped] != 6 || !strings.Contains(strings.Join(f.said, "\n"), "is skipped: the run of slot 1 on") {
			t.Errorf("%v skipped, said %q", f.count, f.said)
		}
	})
}

func TestOfMissedSlotsTheNewestIsMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newRaceFleet(t, job.Every{Text: "10s", MS: 10000}, 0, "a", "b")
		time.Sleep(11 * time.Second)
		f.kill("a", 0)
		f.kill("b", 0)
		time.Sleep(34 * time.Second) // slots 2, 3 and 4 have come
		f.start("c")
		time.Sleep(7 * time.Second) // 4 is made up for, 5 comes
		f.check(3, 2, 3)
		if f.at[4]-f.at[1] != 30000 || f.at[5]-f.at[1] != 40000 {
			t.Errorf("slots are at %v", f.at)
		}
		if f.count[slotMissed] != 2 || !strings.Contains(strings.Join(f.said, "\n"), "2 slots before slot 4") {
			t.Errorf("%v, said %q", f.count, f.said)
		}
	})
}

func TestAClaimWhoseAnswerIsLostIsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newRaceFleet(t, job.Every{Text: "10s", MS: 10000}, 0, "a", "b")
		time.Sleep(5 * time.Second)
		f.state.mu.Lock()
		f.state.forget = true
		f.state.mu.Unlock()
		time.Sleep(30 * time.Second)
		f.check(3)
	})
}

func TestADrainingNodeEndsItsRunAndTakesNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := &memoryState{change: make(chan struct{})}
		plan, err := newSchedule(job.Every{Text: "1s", MS: 1000})
		if err != nil {
			t.Fatal(err)
		}
		draining, runs := make(chan struct{}), 0
		s := &scheduler{job: "tick", self: "a", boot: "b", schedule: plan, limit: time.Minute, state: state, draining: draining,
			now:   func() instant { return instant{mono: time.Now(), wall: time.Now().Round(0), known: true} },
			nodes: func() []string { return []string{"a"} }, lost: func(string, string) bool { return false },
			call: func(ctx context.Context, _ slot) error { runs++; pause(ctx, 10*time.Second); return ctx.Err() },
			say:  func(string, string) {}, count: func(string) {}}
		done := make(chan struct{})
		began := time.Now()
		go func() { defer close(done); s.run(t.Context()) }()
		time.Sleep(1500 * time.Millisecond)
		close(draining)
		<-done
		var c slotClaim
		if err := decodeJSON(state.value, &c); err != nil || c.Run == nil || !c.Run.Done || runs != 1 {
			t.Errorf("%d runs, claim %s (%v)", runs, state.value, err)
		}
		if took := time.Since(began).Round(time.Second); took != 11*time.Second {
			t.Errorf("ended after %s, want 11s", took)
		}
	})
}

func TestAScheduleThatIsChangedBeginsAnewAfterTheRunUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newRaceFleet(t, job.Every{Text: "10s", MS: 10000}, 8*time.Second, "a", "b")
		time.Sleep(11 * time.Second)
		f.every = job.Every{Text: "5s", MS: 5000}
		f.start("c")
		f.mu.Lock()
		f.nodes = []string{"c"} // the others stop when their run is over
		f.mu.Unlock()
		time.Sleep(5500 * time.Millisecond)
		if f.count[slotSkipped] != 1 {
			t.Errorf("counts %v, want one skipped", f.count)
		}
		time.Sleep(5 * time.Second)
		f.check(2, 2, 3)
	})
}

func FuzzScheduleTakesAnyClaim(f *testing.F) {
	f.Add([]byte(`{"every":"10s","slot":3,"time":1795381319000,"known":true,"node":"a","boot":"b","run":{"slot":3,"node":"a","boot":"b"}}`), true)
	f.Add([]byte(`{"every":"10s","slot":18446744073709551615,"late_ms":-9223372036854775808}`), false)
	f.Fuzz(func(t *testing.T, data []byte, known bool) {
		var c slotClaim
		if decodeJSON(data, &c) != nil {
			return
		}
		at := time.Unix(1795381319, 0)
		now := instant{mono: at, wall: at, known: known}
		for _, every := range []job.Every{{Text: "10s", MS: 10000}, {Text: "0 3 * * *"}} {
			c.Every = every.Text
			p, err := newSchedule(every)
			if err != nil {
				t.Fatal(err)
			}
			p.take(c, 1, now)
			if p.waitsForTime(now) {
				continue
			}
			if s := p.next(now); s.in > 25*time.Hour || every.MS > 0 && (s.in > 20*time.Second || s.in < -10*time.Second) {
				t.Errorf("%s with %s: %+v", every.Text, data, s)
			}
		}
	})
}
