package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// position is where reading starts: at a sequence, at a time, or with what is new.
type position struct {
	seq  uint64
	time time.Time
	new  bool
	last bool // the last record of each subject
}

// follower reads a stream in order, waiting for more at its end.
type follower struct {
	iter jetstream.MessagesContext
	// pending is how many records stood in the stream behind the first one when reading began.
	pending uint64
}

func (l *Log) follow(ctx context.Context, stream string, filters []string, at position) (*follower, error) {
	cfg := jetstream.OrderedConsumerConfig{FilterSubjects: filters, InactiveThreshold: time.Minute}
	switch {
	case at.new:
		cfg.DeliverPolicy = jetstream.DeliverNewPolicy
	case at.last:
		cfg.DeliverPolicy = jetstream.DeliverLastPerSubjectPolicy
	case !at.time.IsZero():
		cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &at.time
	case at.seq > 1:
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, at.seq
	default:
		cfg.DeliverPolicy = jetstream.DeliverAllPolicy
	}
	cons, err := l.js.OrderedConsumer(ctx, stream, cfg)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", stream, wrap(err))
	}
	info := cons.CachedInfo()
	iter, err := cons.Messages(jetstream.PullMaxMessagesWithBytesLimit(256, 4<<20))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", stream, wrap(err))
	}
	return &follower{iter: iter, pending: info.NumPending}, nil
}

// next waits for the next record until ctx ends.
func (f *follower) next(ctx context.Context) (jetstream.Msg, *jetstream.MsgMetadata, error) {
	for {
		msg, err := f.iter.Next(jetstream.NextContext(ctx))
		switch {
		case err == nil:
			meta, err := msg.Metadata()
			if err != nil {
				return nil, nil, fmt.Errorf("record without metadata: %w", err)
			}
			return msg, meta, nil
		case ctx.Err() != nil:
			return nil, nil, context.Cause(ctx)
		case errors.Is(err, jetstream.ErrMsgIteratorClosed):
			return nil, nil, errClosed
		case errors.Is(err, jetstream.ErrNoHeartbeat):
			continue // the consumer is made anew by the client
		default:
			return nil, nil, wrap(err)
		}
	}
}

func (f *follower) close() { f.iter.Stop() }
