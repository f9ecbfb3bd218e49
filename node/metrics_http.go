package node

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// bounds of the buckets of a request's time, in seconds. What is followed takes as long as the caller wants.
var durationBounds = [...]float64{0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60}

// served counts the requests that a node answered.
type served struct {
	mu     sync.Mutex // guards what follows
	codes  map[routeCode]uint64
	routes map[string]*durations
}

type routeCode struct {
	route string
	code  int
}

// durations is a histogram.
type durations struct {
	counts [len(durationBounds) + 1]uint64 // each without those below it
	sum    float64
}

func newServed() *served {
	return &served{codes: map[routeCode]uint64{}, routes: map[string]*durations{}}
}

func (s *served) note(route string, code int, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[routeCode{route, code}]++
	d := s.routes[route]
	if d == nil {
		d = &durations{}
		s.routes[route] = d
	}
	seconds := took.Seconds()
	i, _ := slices.BinarySearch(durationBounds[:], seconds)
	d.counts[i]++
	d.sum += seconds
}

// expose writes what was counted.
func (s *served) expose(e *exposition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	byRoute := func(a, b routeCode) int { return cmp.Or(cmp.Compare(a.route, b.route), a.code-b.code) }
	for _, k := range slices.SortedFunc(maps.Keys(s.codes), byRoute) {
		e.add(&metricRequests, float64(s.codes[k]), k.route, strconv.Itoa(k.code))
	}
	for _, route := range slices.Sorted(maps.Keys(s.routes)) {
		d, sum := s.routes[route], uint64(0)
		for i, bound := range durationBounds {
			sum += d.counts[i]
			e.part(&metricRequestSeconds, "_bucket", float64(sum), "le", number(bound), []string{route})
		}
		sum += d.counts[len(durationBounds)]
		e.part(&metricRequestSeconds, "_bucket", float64(sum), "le", "+Inf", []string{route})
		e.part(&metricRequestSeconds, "_sum", d.sum, "", "", []string{route})
		e.part(&metricRequestSeconds, "_count", float64(sum), "", "", []string{route})
	}
}

// measured counts what next answers, by the pattern of the route that it took: "" where there was none, or it was not looked for.
func (s *served) measured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started, seen := time.Now(), &codeWriter{ResponseWriter: w, code: http.StatusOK}
		defer func() { s.note(r.Pattern, seen.code, time.Since(started)) }()
		next.ServeHTTP(seen, r)
	})
}

// codeWriter remembers the status that is written.
type codeWriter struct {
	http.ResponseWriter
	code int
	told bool
}

// WriteHeader implements [http.ResponseWriter].
func (w *codeWriter) WriteHeader(code int) {
	if !w.told && code >= 200 {
		w.code, w.told = code, true
	}
	w.ResponseWriter.WriteHeader(code)
}

// Write implements [http.ResponseWriter].
func (w *codeWriter) Write(b []byte) (int, error) {
	w.told = true
	return w.ResponseWriter.Write(b)
}

// Unwrap lets [http.ResponseController] find what the connection can do.
func (w *codeWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// metricsPattern is the route of the metrics.
const metricsPattern = "GET /metrics"

// getMetrics answers also while the node is in no log, which is when somebody wants to know.
func (n *Node) getMetrics(w http.ResponseWriter, r *http.Request) {
	id, err := n.who(r)
	if err == nil {
		err = mayUse(metricsPattern, id)
	}
	if err != nil {
		writeError(w, n.authority.Refuse(err))
		return
	}
	w.Header().Set("Content-Type", expositionType)
	e := newExposition(w)
	n.expose(r.Context(), e)
	_ = e.close() // the caller has gone, or has it
}
