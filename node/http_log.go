package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
	"github.com/capodekappa/capo/queue/control"
)

// postLog appends a signed control record. It refuses early what every node would refuse; that
// is a courtesy, the nodes verify for themselves.
func (n *Node) postLog(w http.ResponseWriter, r *http.Request, s *session) error {
	data, err := readLimited(r, "control record", control.MaxBytes)
	if err != nil {
		return err
	}
	c, err := control.Parse(data)
	if err == nil {
		err = s.want.check(c)
	}
	if err != nil {
		n.refusals.Count(controlReason(err))
		return err
	}
	log := s.core
	if inside, err := s.inside(); err == nil { // a node that took a seat would ask another server, which might ask this one
		log = inside
	}
	seq, err := log.AppendControl(r.Context(), c)
	if err != nil {
		return err
	}
	return writeJSON(w, api.Appended{Seq: seq})
}

func (n *Node) putBlob(w http.ResponseWriter, r *http.Request, s *session) error {
	digest := r.PathValue("sha256")
	if !control.ValidDigest(digest) {
		return badRequest{fmt.Errorf("%.80q is not 64 hexadecimal digits", digest)}
	}
	data, err := readLimited(r, "blob", queue.MaxBlob)
	if err != nil {
		return err
	}
	if err := s.log.PutBlob(r.Context(), digest, data); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// getLog lists the control log, each record with whether this node believed it when it came to it.
func (n *Node) getLog(w http.ResponseWriter, r *http.Request, s *session) error {
	follow := r.URL.Query().Get("follow") == "true"
	out := newLineWriter(w, r)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	atEnd := func() {
		out.flush()
		if !follow {
			cancel()
		}
	}
	err := s.core.FollowControl(ctx, 1, atEnd, func(e queue.ControlEntry) error {
		reason := s.want.verdict(ctx, e.Seq)
		row := api.ControlEntry{Seq: e.Seq, Time: e.Time.UTC(), OK: reason == "", Reason: reason}
		if c := e.Record; c != nil {
			row.Kind, row.Target, row.Generation, row.Signer = c.Kind, c.Target, c.Generation, c.Signer
			if c.Kind == control.KindEvent && row.OK {
				row.Body = c.Body
			}
		}
		if err := out.write(row); err != nil {
			return err
		}
		if follow {
			out.flush()
		}
		return nil
	})
	return endOf(ctx, err)
}

// endOf makes the end of a listing that was cut off on purpose no error.
func endOf(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) || ctx.Err() != nil {
		return nil
	}
	return err
}

// getResults gives the answers to a run as NDJSON: those there are, and with follow=true those to
// come until the caller goes away or ten minutes are over.
func (n *Node) getResults(w http.ResponseWriter, r *http.Request, s *session) error {
	seq, err := sequenceOf(r)
	if err != nil {
		return err
	}
	limit := 300 * time.Millisecond
	if r.URL.Query().Get("follow") == "true" {
		limit = 10 * time.Minute
	}
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	defer cancel()
	out := newLineWriter(w, r)
	err = s.core.FollowResults(ctx, seq, func(_ string, data []byte) error {
		var result api.Result
		if err := decodeJSON(data, &result); err != nil {
			return nil // not one of ours
		}
		if err := out.write(result); err != nil {
			return err
		}
		out.flush()
		return nil
	})
	return endOf(ctx, err)
}

// getLines gives what jobs and nodes print.
func (n *Node) getLines(w http.ResponseWriter, r *http.Request, s *session) error {
	q := r.URL.Query()
	filter := queue.LineFilter{Job: q.Get("job"), Node: q.Get("node"), Follow: q.Get("follow") == "true"}
	if since := q.Get("since"); since != "" {
		at, err := time.Parse(time.RFC3339Nano, since)
		if err != nil {
			return badRequest{fmt.Errorf("since=%.40q is not an RFC 3339 time", since)}
		}
		filter.Since = at
	}
	out := newLineWriter(w, r)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	err := s.core.FollowLines(ctx, filter, func(_ uint64, _ time.Time, data []byte) error {
		var line api.Line
		if err := decodeJSON(data, &line); err != nil {
			return nil // not one of ours
		}
		if err := out.write(line); err != nil {
			return err
		}
		if filter.Follow {
			out.flush()
		}
		return nil
	})
	return endOf(ctx, err)
}
