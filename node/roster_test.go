package node

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/node/api"
)

func TestHeartbeatsOfAllTogetherStayFew(t *testing.T) {
	for _, tt := range []struct {
		nodes int
		want  time.Duration
	}{{0, beatEvery}, {3, beatEvery}, {15, beatEvery}, {50, 10 * time.Second}} {
		if got := beatInterval(tt.nodes); got != tt.want {
			t.Errorf("%d nodes: every %v, want %v", tt.nodes, got, tt.want)
		}
	}
}

func TestNodeIsLostWhenItsNextHeartbeatIsOverdue(t *testing.T) {
	for _, tt := range []struct {
		name  string
		every time.Duration // as the node says
		want  time.Duration // when it is lost
	}{
		{"in a small fleet", beatEvery, 10 * time.Second},
		{"in a large one", 10 * time.Second, 17 * time.Second},
		{"one that does not say", 0, 10 * time.Second},
		{"one that would be silent for ever", 1 << 62, dropAfter + lateAfter},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := time.Unix(1000, 0)
			r := newRoster(func() time.Time { return now })
			if _, err := r.take(beatOf(t, heartbeat{Node: api.Node{ID: "a"}, Folded: true, EveryMS: tt.every.Milliseconds()})); err != nil {
				t.Fatal(err)
			}
			now = now.Add(min(tt.want, dropAfter))
			if n := r.count(); n != 1 {
				t.Fatalf("%d nodes after %v", n, tt.want)
			}
			now = time.Unix(1000, 0).Add(tt.want + time.Millisecond)
			if n := r.count(); n != 0 {
				t.Fatalf("%d nodes after more than %v", n, tt.want)
			}
		})
	}
}

func beatOf(t *testing.T, b heartbeat) []byte {
	t.Helper()
	data, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestOnlySomeHeartbeatsMoveJobs(t *testing.T) {
	now := time.Unix(1000, 0)
	r := newRoster(func() time.Time { return now })
	base := heartbeat{Node: api.Node{ID: "a", Boot: "1", State: fleet.StateReady, Labels: map[string]string{"k": "v"}}, Folded: true}
	for _, tt := range []struct {
		name   string
		change func(*heartbeat)
		after  time.Duration
		want   bool
	}{
		{"the first", func(*heartbeat) {}, 0, true},
		{"the same", func(*heartbeat) {}, time.Second, false},
		{"another uptime and memory", func(b *heartbeat) { b.UptimeMS, b.MemFree = 9, 9 }, time.Second, false},
		{"one that drains", func(b *heartbeat) { b.State = fleet.StateDraining }, time.Second, true},
		{"and has a job", func(b *heartbeat) { b.State, b.Stats = fleet.StateDraining, map[string]jobReport{"x": {}} }, time.Second, true},
		{"of which it says more", func(b *heartbeat) { b.State, b.Stats = fleet.StateDraining, map[string]jobReport{"x": {Lag: 1}} }, time.Second, false},
		{"which has left it", func(b *heartbeat) { b.State, b.Stats = fleet.StateDraining, map[string]jobReport{} }, time.Second, true},
		{"ready again", func(*heartbeat) {}, time.Second, true},
		{"another label", func(b *heartbeat) { b.Labels = map[string]string{"k": "w"} }, time.Second, true},
		{"without it", func(b *heartbeat) { b.Labels = nil }, time.Second, true},
		{"another run of it", func(b *heartbeat) { b.Boot, b.Labels = "2", nil }, time.Second, true},
		{"not folded", func(b *heartbeat) { b.Boot, b.Labels, b.Folded = "2", nil, false }, time.Second, true},
		{"the same, after it was lost", func(b *heartbeat) { b.Boot, b.Labels, b.Folded = "2", nil, false }, time.Minute, true},
	} {
		b := base
		tt.change(&b)
		now = now.Add(tt.after)
		if moves, err := r.take(beatOf(t, b)); err != nil || moves != tt.want {
			t.Errorf("%s: moves %v, %v", tt.name, moves, err)
		}
	}
	if _, err := r.take([]byte("{")); err == nil {
		t.Error("bytes that are no heartbeat were taken")
	}
}

func TestNodesOfALargeLogBeatTogether(t *testing.T) {
	for _, tt := range []struct {
		name  string
		nodes int
		since time.Duration // the node's own last heartbeat
		want  bool
	}{
		{"soon due", 50, 8 * time.Second, true},
		{"not yet", 50, 7 * time.Second, false},
		{"a small log", 15, 8 * time.Second, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &session{roster: newRoster(time.Now), beaten: time.Now().Add(-tt.since)}
			for i := range tt.nodes {
				if _, err := s.roster.take(beatOf(t, heartbeat{Node: api.Node{ID: fmt.Sprint(i)}})); err != nil {
					t.Fatal(err)
				}
			}
			if got := s.beatsAlong(); got != tt.want {
				t.Fatalf("beats along: %v", got)
			}
		})
	}
}

func TestAKeptHeartbeatDoesNotBringARevokedNodeBack(t *testing.T) {
	r := newRoster(time.Now)
	for range 2 { // the second time as the log gives it to who begins to read again
		for _, id := range []string{"a", "b"} {
			if _, err := r.take(beatOf(t, heartbeat{Node: api.Node{ID: id, State: fleet.StateReady}, Folded: true})); err != nil {
				t.Fatal(err)
			}
		}
		r.drop([]string{"node:b", "image:a"})
		if all := r.all(); len(all) != 1 || all[0].ID != "a" {
			t.Fatalf("there are %v", all)
		}
	}
	if moves, err := r.take(beatOf(t, heartbeat{Node: api.Node{ID: "b"}})); err != nil || moves || len(r.all()) != 1 {
		t.Errorf("moves %v, %v, %d nodes", moves, err, len(r.all()))
	}
}
