package node

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/node/api"
)

// Times of a node's heartbeat.
const (
	beatEvery = 3 * time.Second        // in a small fleet
	beatShare = 200 * time.Millisecond // between those of all nodes together: each is delivered to each node
	lateAfter = 7 * time.Second        // beyond when it was due
	dropAfter = time.Hour
)

// beatInterval is the time between two heartbeats of a node that knows of so many.
func beatInterval(nodes int) time.Duration { return max(beatEvery, time.Duration(nodes)*beatShare) }

// heartbeat is what a node writes to the log about itself, under the key node.ID.
type heartbeat struct {
	api.Node
	// Folded: the node has read the control log to its end, so that jobs may be placed on it.
	Folded bool                 `json:"folded"`
	Stats  map[string]jobReport `json:"stats"`
	// LogFull: the streams hold as much as this server's memory allows.
	LogFull bool `json:"log_full,omitempty"`
	// EveryMS: the next one comes by then.
	EveryMS int64 `json:"every_ms"`
	// Unapproved are the nodes that this one met which wait to be approved.
	Unapproved []unapproved `json:"unapproved,omitempty"`
	// Leaving: the node is about to reboot or to be switched off.
	Leaving bool `json:"leaving,omitempty"`
}

// jobReport is how a job does on one node.
type jobReport struct {
	Version    string        `json:"version"`
	Generation uint64        `json:"generation"`
	State      string        `json:"state"`
	Lag        uint64        `json:"lag"`
	InPerS     float64       `json:"in_per_s"`
	OutPerS    float64       `json:"out_per_s"`
	Errors     uint64        `json:"errors"`
	Restarts   uint64        `json:"restarts"`
	P50MS      float64       `json:"p50_ms"`
	P99MS      float64       `json:"p99_ms"`
	LastError  *api.JobError `json:"last_error,omitempty"`
	Waits      string        `json:"waits,omitempty"` // for what, while it is pending
	Positions  []position    `json:"positions,omitempty"`
}

// position is how far a job has read one partition of its input.
type position struct {
	Partition int    `json:"partition"`
	Seq       uint64 `json:"seq"`
}

// roster is the fleet as its heartbeats show it. A node is lost when none came for a while, by
// this node's monotonic clock.
type roster struct {
	now func() time.Time

	mu      sync.Mutex // guards what follows
	rows    map[string]*rosterRow
	revoked map[string]bool // ids
	changed chan struct{}   // closed and made anew at each change
}

type rosterRow struct {
	beat heartbeat
	seen time.Time
}

func newRoster(now func() time.Time) *roster {
	return &roster{now: now, rows: map[string]*rosterRow{}, revoked: map[string]bool{}, changed: make(chan struct{})}
}

// take records a heartbeat, and reports whether it changes where jobs belong; bytes that are none are ignored and told. That of a
// revoked node is old: the log keeps the last of each, and gives it to who begins to read again.
func (r *roster) take(data []byte) (moves bool, err error) {
	var b heartbeat
	if err := json.Unmarshal(data, &b); err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.revoked[b.ID] {
		return false, nil
	}
	now := r.now()
	old := r.rows[b.ID]
	r.rows[b.ID] = &rosterRow{beat: b, seen: now}
	close(r.changed)
	r.changed = make(chan struct{})
	return old == nil || old.lost(now) || !old.beat.placedLike(b), nil
}

// placedLike reports whether jobs are placed on a node that says b as they are on one that says o. On one that drains, they are
// as long as it has them.
func (b heartbeat) placedLike(o heartbeat) bool {
	if b.State == fleet.StateDraining && !slices.Equal(slices.Sorted(maps.Keys(b.Stats)), slices.Sorted(maps.Keys(o.Stats))) {
		return false
	}
	return b.Boot == o.Boot && b.State == o.State && b.Folded == o.Folded && b.Leaving == o.Leaving && maps.Equal(api.Labels(b.Node), api.Labels(o.Node))
}

// lost reports whether the node's next heartbeat is long overdue.
func (row *rosterRow) lost(now time.Time) bool {
	every := min(max(time.Duration(row.beat.EveryMS)*time.Millisecond, beatEvery), dropAfter)
	return now.Sub(row.seen) > every+lateAfter
}

// drop forgets the nodes that were revoked by their id, for good.
func (r *roster) drop(marks []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, mark := range marks {
		if id, ok := strings.CutPrefix(mark, "node:"); ok {
			delete(r.rows, id)
			r.revoked[id] = true
		}
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// wait returns a channel that is closed at the next heartbeat.
func (r *roster) wait() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

// find returns a node's heartbeat.
func (r *roster) find(id string) (heartbeat, bool) {
	list := r.all()
	if i := slices.IndexFunc(list, func(b heartbeat) bool { return b.ID == id }); i >= 0 {
		return list[i], true
	}
	return heartbeat{}, false
}

// all lists the heartbeats by id, those of lost nodes with that state; nodes lost long ago are
// dropped.
func (r *roster) all() []heartbeat {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	list := make([]heartbeat, 0, len(r.rows))
	for _, id := range slices.Sorted(maps.Keys(r.rows)) {
		row := r.rows[id]
		age := now.Sub(row.seen)
		if age > dropAfter {
			delete(r.rows, id)
			continue
		}
		b := row.beat
		if row.lost(now) {
			b.State = fleet.StateLost
		} else {
			b.UptimeMS += age.Milliseconds()
		}
		list = append(list, b)
	}
	return list
}

// live lists the heartbeats of nodes that jobs may be on; place leaves out those that drain.
func (r *roster) live() []heartbeat {
	return slices.DeleteFunc(r.all(), func(b heartbeat) bool { return !b.Folded || b.State == fleet.StateLost })
}

// logFull tells whether a server says that the log is full.
func (r *roster) logFull() bool {
	return slices.ContainsFunc(r.live(), func(b heartbeat) bool { return b.LogFull })
}

// count is how many nodes are in the log now.
func (r *roster) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, now := 0, r.now()
	for _, row := range r.rows {
		if !row.lost(now) {
			n++
		}
	}
	return n
}
