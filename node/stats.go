package node

import (
	"slices"
	"sync"
	"time"

	"github.com/capodekappa/capo/node/api"
)

// stats counts what a job does on this node.
type stats struct {
	node   string
	change func()
	clean  func(string) string // takes secrets out of what is told

	mu        sync.Mutex // guards what follows
	report    jobReport
	in, out   meter
	total     totals
	latencies []float64 // ms of the newest batches, a ring
	next      int
	positions map[int]uint64
}

// latencyWindow is how many batches the percentiles look back.
const latencyWindow = 256

func (s *stats) begin(j desiredJob, node string, change func()) {
	s.node, s.change = node, change
	s.report = jobReport{Version: j.version, Generation: j.generation, State: api.JobPending}
	s.positions = map[int]uint64{}
}

// setState records a state; a changed one is told.
func (s *stats) setState(state string) {
	s.mu.Lock()
	changed := s.report.State != state
	s.report.State = state
	s.mu.Unlock()
	if changed {
		s.change()
	}
}

// fail records an error over the record with sequence seq (0: none).
func (s *stats) fail(err error, seq uint64) {
	e := describeError(err)
	e.Seq, e.Node, e.Time = seq, s.node, time.Now().UTC()
	if s.clean != nil {
		e.Message = s.clean(e.Message)
	}
	s.mu.Lock()
	s.report.Errors++
	s.report.LastError = &e
	s.mu.Unlock()
	s.change()
}

// waitFor records what the job waits for, "" for nothing.
func (s *stats) waitFor(what string) {
	s.mu.Lock()
	changed := s.report.Waits != what
	s.report.Waits = what
	s.mu.Unlock()
	if changed {
		s.change()
	}
}

// park records that the job is given up on this node, and why.
func (s *stats) park(err error, seq uint64) {
	s.fail(err, seq)
	s.setState(api.JobParked)
}

func (s *stats) restarted() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Restarts++
}

// handled counts a batch.
func (s *stats) handled(in, out int, took time.Duration, lag uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Lag = lag
	s.call(in, out, took)
}

// called counts a call that was about no record.
func (s *stats) called(out int, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.call(0, out, took)
}

// totals count since the job began on this node.
type totals struct {
	read, sent, calls uint64
	busy              time.Duration
}

func (s *stats) totals() totals {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

func (s *stats) call(in, out int, took time.Duration) {
	now := time.Now()
	s.total.read += uint64(in)
	s.total.sent += uint64(out)
	s.total.calls++
	s.total.busy += took
	s.in.add(now, in)
	s.out.add(now, out)
	ms := float64(took.Microseconds()) / 1000
	if len(s.latencies) < latencyWindow {
		s.latencies = append(s.latencies, ms)
		return
	}
	s.latencies[s.next] = ms
	s.next = (s.next + 1) % latencyWindow
}

func (s *stats) at(partition int, seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.positions[partition] = seq
}

func (s *stats) snapshot() jobReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.report
	now := time.Now()
	r.InPerS, r.OutPerS = s.in.rate(now), s.out.rate(now)
	if n := len(s.latencies); n > 0 {
		sorted := slices.Sorted(slices.Values(s.latencies))
		r.P50MS, r.P99MS = sorted[n/2], sorted[min(n*99/100, n-1)]
	}
	for p, seq := range s.positions {
		r.Positions = append(r.Positions, position{p, seq})
	}
	slices.SortFunc(r.Positions, func(a, b position) int { return a.Partition - b.Partition })
	return r
}

// meter is a rate over the last ten seconds, in steps of one.
type meter struct {
	counts [10]int
	newest int64 // unix second
}

func (m *meter) add(now time.Time, n int) {
	m.shift(now)
	m.counts[m.newest%10] += n
}

func (m *meter) rate(now time.Time) float64 {
	m.shift(now)
	sum := 0
	for _, c := range m.counts {
		sum += c
	}
	return float64(sum) / 10
}

func (m *meter) shift(now time.Time) {
	second := now.Unix()
	for step := m.newest + 1; step <= second && step <= m.newest+10; step++ {
		m.counts[step%10] = 0
	}
	m.newest = max(m.newest, second)
}
