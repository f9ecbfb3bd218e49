package node

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
	"github.com/capodekappa/capo/queue/control"
)

// handlerFunc answers a request of somebody who may ask it, while the node is in a log.
type handlerFunc = func(http.ResponseWriter, *http.Request, *session) error

// handler serves the HTTP API. Everything but a hello and a health check demands an identity; see access for whose.
func (n *Node) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /v1/hello", n.agent.Handler())
	mux.HandleFunc("GET /healthz", n.healthz)
	mux.HandleFunc(metricsPattern, n.getMetrics)
	mux.HandleFunc("POST /v1/enrol", n.enrol)
	mux.HandleFunc("GET /v1/fleet", n.getFleet)
	mux.HandleFunc("POST /v1/reform", n.reform)
	routes := map[string]handlerFunc{
		"GET /v1/nodes":           n.getNodes,
		"GET /v1/jobs":            n.getJobs,
		"GET /v1/jobs/{name}":     n.getJob,
		"GET /v1/log":             n.getLog,
		"GET /v1/log/standing":    n.getStanding,
		"POST /v1/log":            n.postLog,
		"PUT /v1/blobs/{sha256}":  n.putBlob,
		"GET /v1/results/{seq}":   n.getResults,
		"GET /v1/streams":         n.getStreams,
		"POST /v1/streams/{name}": n.postStream,
		"GET /v1/streams/{name}":  n.getStream,
		"GET /v1/logs":            n.getLines,
		kernelPattern:             n.postKernel,
	}
	maps.Copy(routes, n.coreRoutes())
	maps.Copy(routes, n.secretRoutes())
	for pattern, h := range routes {
		mux.Handle(pattern, n.authorised(pattern, h))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, http.StatusNotFound, fmt.Sprintf("there is nothing at %.200s", r.URL.Path), 0)
	})
	return n.served.measured(recovering(n, n.withoutTokens(mux)))
}

// recovering keeps a panic over one request from ending the node.
func recovering(n *Node, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				n.cfg.Log.Error("request failed", "path", r.URL.Path, "panic", p)
				writeProblem(w, http.StatusInternalServerError, "this request met a fault of the node, which is in its log", 0)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// limitError is a body over its limit.
type limitError struct {
	what  string
	limit int64
}

func (e limitError) Error() string {
	return fmt.Sprintf("%s is over the limit of %d bytes", e.what, e.limit)
}

// badRequest is a request that cannot be understood.
type badRequest struct{ error }

func writeError(w http.ResponseWriter, err error) {
	var limit limitError
	var bad badRequest
	var answered *api.StatusError
	switch {
	case errors.As(err, &answered) && answered.Problem.Status >= 400:
		writeProblem(w, answered.Problem.Status, answered.Error(), answered.Problem.Limit)
	case errors.Is(err, trust.ErrNoCredentials), errors.Is(err, trust.ErrBadToken), errors.Is(err, trust.ErrExpired), errors.Is(err, trust.ErrClock):
		w.Header().Set("WWW-Authenticate", `Bearer realm="capo"`)
		writeProblem(w, http.StatusUnauthorized, err.Error(), 0)
	case trust.Reason(err) != "other":
		writeProblem(w, http.StatusForbidden, err.Error(), 0)
	case errors.As(err, &limit):
		writeProblem(w, http.StatusRequestEntityTooLarge, err.Error(), limit.limit)
	case errors.As(err, &bad):
		writeProblem(w, http.StatusBadRequest, err.Error(), 0)
	case errors.Is(err, queue.ErrNotFound):
		writeProblem(w, http.StatusNotFound, err.Error(), 0)
	case errors.Is(err, queue.ErrFull):
		writeProblem(w, http.StatusTooManyRequests, err.Error()+": no record in it was passed by every reader", 0)
	case errors.Is(err, queue.ErrTooLarge):
		writeProblem(w, http.StatusRequestEntityTooLarge, err.Error(), queue.MaxRecord)
	case errors.Is(err, queue.ErrDigest), errors.Is(err, control.ErrMalformed), errors.Is(err, control.ErrKind):
		writeProblem(w, http.StatusBadRequest, err.Error(), 0)
	case errors.Is(err, control.ErrSignature), errors.Is(err, control.ErrSigner), errors.Is(err, control.ErrFleet), errors.Is(err, control.ErrOtherLog):
		writeProblem(w, http.StatusForbidden, err.Error(), 0)
	case errors.Is(err, control.ErrGeneration), errors.Is(err, control.ErrSameGen), errors.Is(err, queue.ErrConflict):
		writeProblem(w, http.StatusConflict, err.Error(), 0)
	case errors.Is(err, queue.ErrUnavailable):
		writeProblem(w, http.StatusServiceUnavailable, err.Error(), 0)
	default:
		writeProblem(w, http.StatusInternalServerError, err.Error(), 0)
	}
}

func writeProblem(w http.ResponseWriter, status int, detail string, limit int64) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	data, err := encodeJSON(api.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Limit: limit})
	if err == nil {
		_, _ = w.Write(data) // the caller has gone, or gets it
	}
}

func writeJSON(w http.ResponseWriter, v any) error {
	data, err := encodeJSON(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(data, '\n')) // the caller has gone, or gets it
	return nil
}

// lineWriter writes NDJSON, or server-sent events where the caller prefers them.
type lineWriter struct {
	w      http.ResponseWriter
	events bool
}

func newLineWriter(w http.ResponseWriter, r *http.Request) *lineWriter {
	l := &lineWriter{w: w, events: strings.Contains(r.Header.Get("Accept"), "text/event-stream")}
	kind := "application/x-ndjson"
	if l.events {
		kind = "text/event-stream"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	l.flush()
	return l
}

func (l *lineWriter) write(v any) error {
	data, err := encodeJSON(v)
	if err != nil {
		return err
	}
	if l.events {
		data = append(append([]byte("data: "), data...), '\n')
	}
	_, err = l.w.Write(append(data, '\n'))
	return err
}

func (l *lineWriter) flush() { _ = http.NewResponseController(l.w).Flush() }

// readBody reads a request's body up to a limit.
func readLimited(r *http.Request, what string, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, limitError{what, limit}
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, badRequest{fmt.Errorf("%s was cut off: %w", what, err)}
	}
	if int64(len(data)) > limit {
		return nil, limitError{what, limit}
	}
	return data, nil
}

func (n *Node) healthz(w http.ResponseWriter, _ *http.Request) {
	if s := n.session(); s == nil || !s.log.Connected() {
		writeProblem(w, http.StatusServiceUnavailable, "not in a log: "+n.agent.Waiting(), 0)
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}

func (n *Node) getNodes(w http.ResponseWriter, _ *http.Request, s *session) error {
	rows := []api.Node{}
	for _, b := range s.roster.all() {
		rows = append(rows, b.Node)
	}
	return writeJSON(w, append(rows, s.unapprovedRows()...))
}

func (n *Node) getJobs(w http.ResponseWriter, _ *http.Request, s *session) error {
	rows := []api.Job{}
	for _, j := range s.want.snapshot() {
		rows = append(rows, s.jobRow(j, false))
	}
	return writeJSON(w, rows)
}

// getJob describes a job, and waits until it has settled where the caller asks for that.
func (n *Node) getJob(w http.ResponseWriter, r *http.Request, s *session) error {
	name := r.PathValue("name")
	generation, err := numberParam(r, "generation")
	if err != nil {
		return err
	}
	wait, err := numberParam(r, "wait_ms")
	if err != nil {
		return err
	}
	deadline := time.After(min(time.Duration(wait)*time.Millisecond, 10*time.Minute))
	for {
		change := s.roster.wait()
		j, ok := s.want.job(name)
		row := api.Job{}
		if ok {
			row = s.jobRow(j, true)
		}
		if ok && (wait == 0 || j.generation >= generation && settled(row)) {
			return writeJSON(w, row)
		}
		if !ok && wait == 0 {
			return fmt.Errorf("job %s: %w", name, queue.ErrNotFound)
		}
		select {
		case <-change:
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			wait = 0
		case <-r.Context().Done():
			return r.Context().Err()
		}
	}
}

// settled tells whether nothing more is to be waited for.
func settled(row api.Job) bool {
	if row.State == api.JobPending {
		return false
	}
	for _, why := range row.Missing {
		if !strings.HasPrefix(why, api.JobParked) {
			return false
		}
	}
	return true
}

func (n *Node) getStanding(w http.ResponseWriter, r *http.Request, s *session) error {
	q := r.URL.Query()
	return writeJSON(w, api.Standing{Log: s.inc, Generation: s.want.generation(q.Get("class"), q.Get("target")), Revoked: n.authority.Revoked()})
}

func numberParam(r *http.Request, name string) (uint64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return 0, nil
	}
	v, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, badRequest{fmt.Errorf("%s=%.40q is not a number", name, text)}
	}
	return v, nil
}

// sequenceOf reads the sequence in a request's path.
func sequenceOf(r *http.Request) (uint64, error) {
	seq, err := strconv.ParseUint(r.PathValue("seq"), 10, 63)
	if err != nil {
		return 0, badRequest{fmt.Errorf("%.40q is not a sequence", r.PathValue("seq"))}
	}
	return seq, nil
}
