package node

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
	"github.com/capodekappa/capo/queue/control"
)

// The limits of an append's body in bytes.
const (
	maxAppend     = queue.MaxBlob
	maxAppendLine = queue.MaxRecord*4/3 + 64<<10
)

func (n *Node) getStreams(w http.ResponseWriter, r *http.Request, s *session) error {
	rows, err := s.log.Streams(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, rows)
}

// postStream appends: the body is one record, or NDJSON, a record a line.
func (n *Node) postStream(w http.ResponseWriter, r *http.Request, s *session) error {
	name := r.PathValue("name")
	if err := control.ValidStream(name); err != nil {
		return badRequest{err}
	}
	if err := callerMay(s, identityOf(r), name); err != nil {
		return err
	}
	if _, err := s.log.EnsureStream(r.Context(), name, 0); err != nil {
		return err
	}
	put := appended{api.Put{Stream: name}}
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if kind == "application/x-ndjson" {
		if err := n.appendLines(r, s, &put); err != nil {
			return err
		}
		return writeJSON(w, put.Put)
	}
	body, err := readLimited(r, "record", maxAppend)
	if err != nil {
		return err
	}
	seqs, err := s.appendSeqs(r.Context(), name, []queue.Record{{Key: r.URL.Query().Get("key"), Type: kind, Body: body}})
	if err != nil {
		return err
	}
	put.add(seqs)
	return writeJSON(w, put.Put)
}

// appended is an append's answer as it grows.
type appended struct{ api.Put }

func (p *appended) add(seqs []uint64) {
	if len(seqs) == 0 {
		return
	}
	if p.Count == 0 {
		p.FirstSeq = seqs[0]
	}
	p.LastSeq = max(p.LastSeq, seqs[len(seqs)-1])
	p.Count += len(seqs)
}

// appendLines appends NDJSON in groups, so that a long body needs little memory.
func (n *Node) appendLines(r *http.Request, s *session, put *appended) error {
	scan := bufio.NewScanner(r.Body)
	scan.Buffer(make([]byte, 64<<10), maxAppendLine)
	var group []queue.Record
	bytes := 0
	flush := func() error {
		if len(group) == 0 {
			return nil
		}
		seqs, err := s.appendSeqs(r.Context(), put.Stream, group)
		put.add(seqs)
		group, bytes = group[:0], 0
		return err
	}
	for line := 1; scan.Scan(); line++ {
		if len(scan.Bytes()) == 0 {
			continue
		}
		var rec api.PutRecord
		if err := decodeJSON(scan.Bytes(), &rec); err != nil {
			return badRequest{fmt.Errorf("line %d: %w", line, err)}
		}
		body := rec.DataB64
		if body == nil {
			body = []byte(rec.Data)
		}
		group = append(group, queue.Record{Key: rec.Key, Type: rec.Type, Headers: rec.Headers, Body: body})
		if bytes += len(body); len(group) >= 256 || bytes >= 4<<20 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := scan.Err(); errors.Is(err, bufio.ErrTooLong) {
		return limitError{"line of NDJSON", maxAppendLine}
	} else if err != nil {
		return badRequest{fmt.Errorf("body was cut off: %w", err)}
	}
	return flush()
}

// getStream reads a stream.
func (n *Node) getStream(w http.ResponseWriter, r *http.Request, s *session) error {
	opts, err := readOptions(r)
	if err != nil {
		return err
	}
	count, err := numberParam(r, "n")
	if err != nil {
		return err
	}
	reader, err := s.log.Read(r.Context(), r.PathValue("name"), opts)
	if err != nil {
		return err
	}
	defer reader.Close()
	out := newLineWriter(w, r)
	for i := uint64(0); count == 0 || i < count; i++ {
		if opts.Follow && reader.Pending() == 0 {
			out.flush()
		}
		rec, err := reader.Next(r.Context())
		if errors.Is(err, queue.ErrEnd) {
			return nil
		}
		if err != nil {
			return endOf(r.Context(), err)
		}
		if err := out.write(recordRow(rec)); err != nil {
			return nil // the caller has gone
		}
	}
	return nil
}

// readOptions reads from=, a sequence, a time or "now", and follow=.
func readOptions(r *http.Request) (queue.ReadOptions, error) {
	o := queue.ReadOptions{Follow: r.URL.Query().Get("follow") == "true"}
	from := r.URL.Query().Get("from")
	switch {
	case from == "":
	case from == "now":
		o.New = true
	case strings.ContainsAny(from, "-:"):
		at, err := time.Parse(time.RFC3339Nano, from)
		if err != nil {
			return o, badRequest{fmt.Errorf("from=%.40q is neither a sequence, an RFC 3339 time nor now", from)}
		}
		o.Since = at
	default:
		seq, err := numberParam(r, "from")
		if err != nil {
			return o, err
		}
		o.From = seq
	}
	return o, nil
}

func base64Text(data []byte) string { return base64.StdEncoding.EncodeToString(data) }
