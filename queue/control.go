package queue

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/capodekappa/capo/queue/control"
)

// ControlEntry is a record as it stands in the control log: Err says why its form is wrong.
type ControlEntry struct {
	Seq    uint64
	Time   time.Time
	Record *control.Record
	Raw    []byte
	Err    error
}

// AppendControl appends a record and returns its sequence. The caller has verified it; every
// node does again before it acts.
func (l *Core) AppendControl(ctx context.Context, c *control.Record) (uint64, error) {
	data, err := c.Encode()
	if err != nil {
		return 0, err
	}
	seq, err := l.AppendControlBytes(ctx, c.Class(), c.Target, data)
	if err != nil {
		return 0, fmt.Errorf("append control record %s %s: %w", c.Kind, c.Target, err)
	}
	return seq, nil
}

// AppendControlBytes is AppendControl for a record as it was received, about a target of a class.
func (l *Core) AppendControlBytes(ctx context.Context, class, target string, data []byte) (uint64, error) {
	if class == "" {
		class = "unknown"
	}
	msg := &nats.Msg{Subject: "control." + class + "." + token(target), Data: data}
	opts := []jetstream.PublishOpt{jetstream.WithMsgID(control.Digest(data))}
	if class == "run" || class == "event" {
		opts = append(opts, jetstream.WithMsgTTL(6*time.Hour))
	}
	ack, err := l.publish(ctx, msg, opts...)
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// FollowControl calls fn for every control record from a sequence on, in order, until ctx ends,
// fn fails or the log is closed. atEnd is called once, when all that stood there at the start has been
// given to fn.
func (l *Core) FollowControl(ctx context.Context, from uint64, atEnd func(), fn func(ControlEntry) error) error {
	f, err := l.follow(ctx, controlStream, nil, position{seq: from})
	if err != nil {
		return err
	}
	defer f.close()
	return f.each(ctx, atEnd, func(msg *nats.Msg, meta *nats.MsgMetadata) error {
		rec, err := control.Parse(msg.Data)
		return fn(ControlEntry{Seq: meta.Sequence.Stream, Time: meta.Timestamp, Record: rec, Raw: msg.Data, Err: err})
	})
}

// token writes a name as one subject token.
func token(name string) string { return strings.ReplaceAll(name, ".", "~") }

// untoken is the inverse of token.
func untoken(t string) string { return strings.ReplaceAll(t, "~", ".") }
