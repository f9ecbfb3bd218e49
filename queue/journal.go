package queue

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// PutResult records what a node answered to the run with control sequence seq.
func (l *Core) PutResult(ctx context.Context, seq uint64, node string, data []byte) error {
	msg := &nats.Msg{Subject: fmt.Sprintf("result.%d.%s", seq, token(node)), Data: data}
	if _, err := l.publish(ctx, msg); err != nil {
		return fmt.Errorf("result of run %d: %w", seq, err)
	}
	return nil
}

// HasResult tells whether a node has answered a run.
func (l *Core) HasResult(ctx context.Context, seq uint64, node string) bool {
	str, err := l.stream(ctx, resultStream)
	if err != nil {
		return false
	}
	_, err = str.GetLastMsgForSubject(ctx, fmt.Sprintf("result.%d.%s", seq, token(node)))
	return err == nil
}

// FollowResults calls fn for each answer to a run, those there are and those to come, until
// ctx ends or fn fails.
func (l *Core) FollowResults(ctx context.Context, seq uint64, fn func(node string, data []byte) error) error {
	f, err := l.follow(ctx, resultStream, []string{"result." + strconv.FormatUint(seq, 10) + ".*"}, position{})
	if err != nil {
		return err
	}
	defer f.close()
	for {
		msg, _, err := f.next(ctx)
		if err != nil {
			return err
		}
		if err := fn(untoken(msg.Subject[strings.LastIndexByte(msg.Subject, '.')+1:]), msg.Data); err != nil {
			return err
		}
	}
}

// PutLine records a line that a job, or the node itself, printed. It does not wait for the
// log; a line that is lost with a server is lost.
func (l *Core) PutLine(node, job string, data []byte) error {
	return l.nc.Publish("log."+token(node)+"."+token(job), data)
}

// LineFilter picks lines; empty fields pick all.
type LineFilter struct {
	Node, Job string
	Since     time.Time
	Follow    bool
}

// FollowLines calls fn for each line, oldest first, until ctx ends, fn fails or, unless it follows, the
// lines that were there are done.
func (l *Core) FollowLines(ctx context.Context, q LineFilter, fn func(seq uint64, at time.Time, data []byte) error) error {
	star := func(s string) string {
		if s == "" {
			return "*"
		}
		return token(s)
	}
	f, err := l.follow(ctx, logStream, []string{"log." + star(q.Node) + "." + star(q.Job)}, position{time: q.Since})
	if err != nil {
		return err
	}
	defer f.close()
	for left := f.pending; left > 0 || q.Follow; left-- {
		msg, meta, err := f.next(ctx)
		if err != nil {
			return err
		}
		if err := fn(meta.Sequence.Stream, meta.Timestamp, msg.Data); err != nil {
			return err
		}
	}
	return nil
}
