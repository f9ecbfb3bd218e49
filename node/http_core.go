package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
	"github.com/capodekappa/capo/queue/control"
)

// maxBeat bounds a heartbeat, and a result, in bytes.
const maxBeat = 1 << 20

// coreRoutes is what a log server does for the nodes that are none.
func (n *Node) coreRoutes() map[string]handlerFunc {
	return map[string]handlerFunc{
		"GET /v1/core/{log}/control":        n.coreFollowControl,
		"POST /v1/core/{log}/control":       n.corePostControl,
		"GET /v1/core/{log}/state":          n.coreFollowState,
		"PUT /v1/core/{log}/state/{key}":    n.corePutState,
		"GET /v1/core/{log}/results/{seq}":  n.coreResults,
		"POST /v1/core/{log}/results/{seq}": n.corePutResult,
		"GET /v1/core/{log}/lines":          n.coreFollowLines,
		"POST /v1/core/{log}/lines":         n.corePutLines,
	}
}

// own is the core in this process, of the log that the request is about; without one, this node is no log server.
func (s *session) own(r *http.Request) (*queue.Core, error) {
	if log := r.PathValue("log"); log != s.inc {
		return nil, fmt.Errorf("%w: node %s is in the log %s, not in %.20s", queue.ErrUnavailable, s.id, s.inc, log)
	}
	return s.inside()
}

// inside is the core in this process, which only a log server has.
func (s *session) inside() (*queue.Core, error) {
	if c, ok := s.core.(*queue.Core); ok {
		return c, nil
	}
	if c := s.keeper.inside(); c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("%w: node %s does not carry the log", queue.ErrUnavailable, s.id)
}

// rowWriter writes core rows, and a sign of life while there are none.
type rowWriter struct {
	mu  sync.Mutex // guards out
	out *lineWriter
}

func (w *rowWriter) write(rows ...coreRow) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, row := range rows {
		if err := w.out.write(row); err != nil {
			return err
		}
	}
	w.out.flush()
	return nil
}

// stream runs follow with a writer of rows until the client is gone.
func stream(w http.ResponseWriter, r *http.Request, follow func(ctx context.Context, out *rowWriter, atEnd func()) error) error {
	ctx, cancel := context.WithCancel(r.Context())
	var beating sync.WaitGroup
	defer beating.Wait()
	defer cancel()
	out := &rowWriter{out: newLineWriter(w, r)}
	beating.Go(func() { out.live(ctx) })
	err := follow(ctx, out, func() { _ = out.write(coreRow{End: true}) })
	if ctx.Err() != nil || err == nil {
		return nil
	}
	return out.write(coreRow{Broken: err.Error()}) // the answer has begun
}

// live writes a sign of life now and then.
func (w *rowWriter) live(ctx context.Context) {
	tick := time.NewTicker(coreAlive)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if w.write(coreRow{Alive: true}) != nil {
				return
			}
		}
	}
}

func (n *Node) coreFollowControl(w http.ResponseWriter, r *http.Request, s *session) error {
	c, err := s.own(r)
	if err != nil {
		return err
	}
	from, err := numberParam(r, "from")
	if err != nil {
		return err
	}
	return stream(w, r, func(ctx context.Context, out *rowWriter, atEnd func()) error {
		return c.FollowControl(ctx, from, atEnd, func(e queue.ControlEntry) error {
			row := coreRow{Seq: e.Seq, Time: e.Time.UnixMilli(), Data: e.Raw}
			if e.Err != nil {
				row.Error = e.Err.Error()
			}
			return out.write(row)
		})
	})
}

// corePostControl appends a record for a node that is not a log server. It is verified here: what is in the control log was signed by
// somebody who may.
func (n *Node) corePostControl(w http.ResponseWriter, r *http.Request, s *session) error {
	if _, err := s.own(r); err != nil {
		return err
	}
	return n.postLog(w, r, s)
}

func (n *Node) coreFollowState(w http.ResponseWriter, r *http.Request, s *session) error {
	c, err := s.own(r)
	if err != nil {
		return err
	}
	prefix := r.URL.Query().Get("prefix")
	if prefix == "" || strings.ContainsAny(prefix, "*> \t") {
		return badRequest{fmt.Errorf("prefix %.80q", prefix)}
	}
	return stream(w, r, func(ctx context.Context, out *rowWriter, atEnd func()) error {
		return c.ShareState(ctx, prefix, atEnd, func(list []queue.StateEntry) error {
			rows := make([]coreRow, len(list))
			for i, e := range list {
				rows[i] = coreRow{Seq: e.Seq, Time: e.Time.UnixMilli(), Key: e.Key, Data: e.Value}
			}
			if err := out.write(rows...); err != nil {
				return err
			}
			pause(ctx, stateCalm(s.roster.count()))
			return nil
		})
	})
}

// stateCalm is how long to gather changes after some were sent. In a large log heartbeats come by the dozen, and
// each packet wakes a node.
func stateCalm(nodes int) time.Duration {
	if beatInterval(nodes) == beatEvery {
		return 0
	}
	return min(time.Duration(nodes)*4*time.Millisecond, 500*time.Millisecond)
}

// corePutState takes a heartbeat, from the node that it is of and no other.
func (n *Node) corePutState(w http.ResponseWriter, r *http.Request, s *session) error {
	c, err := s.own(r)
	if err != nil {
		return err
	}
	id := identityOf(r)
	if r.PathValue("key") == queue.StateKey("seal", id.ID) {
		return corePutSealKey(w, r, c)
	}
	if want := queue.StateKey("node", id.ID); r.PathValue("key") != want {
		return fmt.Errorf("state %.80s: %w: %s may set %s alone", r.PathValue("key"), trust.ErrOtherID, id, want)
	}
	data, err := readLimited(r, "heartbeat", maxBeat)
	if err != nil {
		return err
	}
	var b heartbeat
	if err := json.Unmarshal(data, &b); err != nil {
		return badRequest{fmt.Errorf("heartbeat: %w", err)}
	}
	if err := ownWord("heartbeat", b.ID, id); err != nil {
		return err
	}
	if err := c.PutState(r.Context(), queue.StateKey("node", id.ID), data); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (n *Node) coreResults(w http.ResponseWriter, r *http.Request, s *session) error {
	c, err := s.own(r)
	if err != nil {
		return err
	}
	seq, err := sequenceOf(r)
	if err != nil {
		return err
	}
	if r.Method == http.MethodHead {
		node := r.URL.Query().Get("node")
		if !c.HasResult(r.Context(), seq, node) {
			return fmt.Errorf("result of %.60s to run %d: %w", node, seq, queue.ErrNotFound)
		}
		w.WriteHeader(http.StatusOK)
		return nil
	}
	return stream(w, r, func(ctx context.Context, out *rowWriter, _ func()) error {
		return c.FollowResults(ctx, seq, func(node string, data []byte) error {
			return out.write(coreRow{Key: node, Data: data})
		})
	})
}

// corePutResult takes an answer to a run, as the word of the node that it comes from.
func (n *Node) corePutResult(w http.ResponseWriter, r *http.Request, s *session) error {
	c, err := s.own(r)
	if err != nil {
		return err
	}
	seq, err := sequenceOf(r)
	if err != nil {
		return err
	}
	data, err := readLimited(r, "result", maxBeat)
	if err != nil {
		return err
	}
	var result api.Result
	if err := json.Unmarshal(data, &result); err != nil {
		return badRequest{fmt.Errorf("result: %w", err)}
	}
	if err := ownWord("result", result.Node, identityOf(r)); err != nil {
		return err
	}
	if err := c.PutResult(r.Context(), seq, result.Node, data); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (n *Node) coreFollowLines(w http.ResponseWriter, r *http.Request, s *session) error {
	c, err := s.own(r)
	if err != nil {
		return err
	}
	since, err := numberParam(r, "since_ms")
	if err != nil {
		return err
	}
	q := r.URL.Query()
	filter := queue.LineFilter{Node: q.Get("node"), Job: q.Get("job"), Follow: q.Get("follow") == "true"}
	if since > 0 {
		filter.Since = time.UnixMilli(int64(since))
	}
	return stream(w, r, func(ctx context.Context, out *rowWriter, atEnd func()) error {
		err := c.FollowLines(ctx, filter, func(seq uint64, at time.Time, data []byte) error {
			return out.write(coreRow{Seq: seq, Time: at.UnixMilli(), Data: data})
		})
		if err == nil {
			atEnd()
		}
		return err
	})
}

// corePutLines takes printed lines, as those of the node that they come from.
func (n *Node) corePutLines(w http.ResponseWriter, r *http.Request, s *session) error {
	c, err := s.own(r)
	if err != nil {
		return err
	}
	data, err := readLimited(r, "lines", maxBeat)
	if err != nil {
		return err
	}
	id := identityOf(r)
	dec := json.NewDecoder(bytes.NewReader(data))
	for dec.More() {
		var line api.Line
		if err := dec.Decode(&line); err != nil {
			return badRequest{fmt.Errorf("line: %w", err)}
		}
		line.Node = id.ID
		if err := errors.Join(checkJobName(line.Job), putLine(c, line)); err != nil {
			return err
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// checkJobName keeps what is no name out of the subjects of lines.
func checkJobName(job string) error {
	if job == "" || control.ValidTarget(job) {
		return nil
	}
	return badRequest{fmt.Errorf("job %.80q", job)}
}

func putLine(c core, line api.Line) error {
	if len(line.Message) > 2*maxLine {
		line.Message = strings.ToValidUTF8(line.Message[:maxLine], "") + "…"
	}
	data, err := json.Marshal(line)
	if err != nil {
		return err
	}
	job := line.Job
	if job == "" {
		job = nodeLines
	}
	return c.PutLine(line.Node, job, data)
}

// ownWord tells why a node may not say something in a name, or nil: it is another's.
func ownWord(what, name string, id trust.Identity) error {
	if name != id.ID {
		return fmt.Errorf("%s of %.60q: %w: it comes from %s", what, name, trust.ErrOtherID, id)
	}
	return nil
}
