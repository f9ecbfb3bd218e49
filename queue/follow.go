package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// position is where reading starts: at a sequence, at a time, with what is new, or with the
// last record of each subject.
type position struct {
	seq  uint64
	time time.Time
	new  bool
	last bool
}

// follower reads a stream in order, waiting for more at its end.
//
// It is an ordered consumer to which the server pushes. One that pulls stands still for ten seconds when
// its first request reaches the servers before they all know the consumer.
type follower struct {
	sub *nats.Subscription
	// pending is how many records stood in the stream from its first one on when reading began.
	pending uint64
}

// heartbeat is how often an idle consumer is heard of; after two missed ones it is made anew.
const heartbeat = 2 * time.Second

func (l *link) follow(ctx context.Context, stream string, filters []string, at position) (*follower, error) {
	opts := []nats.SubOpt{nats.BindStream(stream), nats.OrderedConsumer(), nats.IdleHeartbeat(heartbeat), nats.InactiveThreshold(time.Minute)}
	subject := ""
	switch len(filters) {
	case 0:
	case 1:
		subject = filters[0]
	default:
		opts = append(opts, nats.ConsumerFilterSubjects(filters...))
	}
	switch {
	case at.new:
		opts = append(opts, nats.DeliverNew())
	case at.last:
		opts = append(opts, nats.DeliverLastPerSubject())
	case !at.time.IsZero():
		opts = append(opts, nats.StartTime(at.time))
	case at.seq > 1:
		opts = append(opts, nats.StartSequence(at.seq))
	default:
		opts = append(opts, nats.DeliverAll())
	}
	for start := time.Now(); ; {
		sub, err := l.legacy.SubscribeSync(subject, opts...)
		if err == nil {
			pending, err := sub.InitialConsumerPending()
			if err != nil {
				return nil, errors.Join(fmt.Errorf("read %s: %w", stream, wrap(err)), sub.Unsubscribe())
			}
			return &follower{sub: sub, pending: pending}, nil
		}
		if !transient(err) || ctx.Err() != nil || time.Since(start) > electionLimit {
			return nil, fmt.Errorf("read %s: %w", stream, wrap(err))
		}
	}
}

// next waits for the next record until ctx ends.
func (f *follower) next(ctx context.Context) (*nats.Msg, *nats.MsgMetadata, error) {
	for {
		msg, err := f.sub.NextMsgWithContext(ctx)
		switch {
		case err == nil:
			meta, err := msg.Metadata()
			if err != nil {
				return nil, nil, fmt.Errorf("record without metadata: %w", err)
			}
			return msg, meta, nil
		case ctx.Err() != nil:
			return nil, nil, context.Cause(ctx)
		case errors.Is(err, nats.ErrConsumerNotActive):
			continue // the consumer is made anew by the client
		case errors.Is(err, nats.ErrBadSubscription), errors.Is(err, nats.ErrConnectionClosed):
			return nil, nil, errClosed
		default:
			return nil, nil, wrap(err)
		}
	}
}

// each calls fn for every record until ctx ends or fn fails, and atEnd once, when all that stood in the stream
// when reading began was given to fn.
func (f *follower) each(ctx context.Context, atEnd func(), fn func(*nats.Msg, *nats.MsgMetadata) error) error {
	left := f.pending
	if left == 0 && atEnd != nil {
		atEnd()
	}
	for {
		msg, meta, err := f.next(ctx)
		if err != nil {
			return err
		}
		if err := fn(msg, meta); err != nil {
			return err
		}
		if left == 0 {
			continue
		}
		if left--; left == 0 && atEnd != nil {
			atEnd()
		}
	}
}

// close stops reading. The consumer goes with it, or by itself when the servers cannot be told.
func (f *follower) close() { _ = f.sub.Unsubscribe() }
