package queue

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// How long an append waits for its answer before it is tried again: one that reaches a leader which is just
// handing over gets none.
const (
	firstTry = 500 * time.Millisecond
	lastTry  = 4 * time.Second
)

// publish appends one message and waits until a majority has it. While no server can be reached
// it tries again until ctx ends; the message's id makes that one append.
func (l *link) publish(ctx context.Context, msg *nats.Msg, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	for limit := firstTry; ; limit = min(2*limit, lastTry) {
		try, cancel := context.WithTimeout(ctx, limit)
		ack, err := l.js.PublishMsg(try, msg, opts...)
		cancel()
		if err == nil {
			return ack, nil
		}
		if !transient(err) || ctx.Err() != nil {
			return nil, wrap(err)
		}
		select {
		case <-ctx.Done():
			return nil, wrap(err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// transient tells errors that pass when the log has a leader again.
func transient(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.ErrorCode == 10008 || api.ErrorCode == 10009 // no leader; not synchronised
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) ||
		errors.Is(err, nats.ErrTimeout) || errors.Is(err, nats.ErrDisconnected) || errors.Is(err, nats.ErrConnectionReconnecting)
}

// requestLimit is how long the servers may take to answer about a stream before they are asked again: a
// request that meets the making of its stream is not answered at all.
const requestLimit = 400 * time.Millisecond

// electionLimit is how long a stream may have no leader: one whose leader was lost, or which was just made when one of
// its servers is away, elects another within nine seconds.
const electionLimit = 12 * time.Second

// stream finds a stream on the servers.
func (l *link) stream(ctx context.Context, name string) (jetstream.Stream, error) {
	for start := time.Now(); ; {
		try, cancel := context.WithTimeout(ctx, requestLimit)
		str, err := l.js.Stream(try, name)
		cancel()
		if err == nil || !transient(err) || ctx.Err() != nil || time.Since(start) > electionLimit {
			return str, err
		}
	}
}
