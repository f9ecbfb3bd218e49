package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// StateEntry is the newest value of a key of the shared state.
type StateEntry struct {
	Key   string // tokens joined by dots, such as node.ID
	Value []byte
	Seq   uint64 // of this value, for a compare-and-set
	Time  time.Time
}

// StateKey joins tokens to a key; dots inside a token are kept apart from those between them.
func StateKey(tokens ...string) string {
	for i, t := range tokens {
		tokens[i] = token(t)
	}
	return strings.Join(tokens, ".")
}

// PutState sets a key's value.
func (l *link) PutState(ctx context.Context, key string, value []byte) error {
	_, err := l.publish(ctx, &nats.Msg{Subject: "state." + key, Data: value})
	if err != nil {
		return fmt.Errorf("state %s: %w", key, err)
	}
	return nil
}

// SwapState sets a key's value if its newest one still has sequence last (0: none yet), and returns
// the new sequence. Another value there is [ErrConflict].
func (l *link) SwapState(ctx context.Context, key string, value []byte, last uint64) (uint64, error) {
	ack, err := l.publish(ctx, &nats.Msg{Subject: "state." + key, Data: value}, jetstream.WithExpectLastSequencePerSubject(last))
	if errors.Is(err, ErrConflict) { // it may be this very append, which was tried again when its answer was lost
		if now, serr := l.State(ctx, key); serr == nil && now.Seq > last && bytes.Equal(now.Value, value) {
			return now.Seq, nil
		}
	}
	if err != nil {
		return 0, fmt.Errorf("state %s: %w", key, err)
	}
	return ack.Sequence, nil
}

// State reads a key's newest value; [ErrNotFound] if it has none.
func (l *link) State(ctx context.Context, key string) (StateEntry, error) {
	stream, err := l.stream(ctx, stateStream)
	if err != nil {
		return StateEntry{}, fmt.Errorf("state %s: %w", key, wrap(err))
	}
	for {
		msg, err := stream.GetLastMsgForSubject(ctx, "state."+key)
		if err == nil {
			return StateEntry{Key: key, Value: msg.Data, Seq: msg.Sequence, Time: msg.Time}, nil
		}
		if err := wrap(err); !errors.Is(err, ErrUnavailable) || ctx.Err() != nil {
			return StateEntry{}, fmt.Errorf("state %s: %w", key, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// FollowState calls fn with the newest value of each key that begins with prefix (whole
// tokens), then with every change, until ctx ends or fn fails.
func (l *link) FollowState(ctx context.Context, prefix string, atEnd func(), fn func(StateEntry) error) error {
	f, err := l.follow(ctx, stateStream, []string{"state." + prefix + ".>"}, position{last: true})
	if err != nil {
		return err
	}
	defer f.close()
	return f.each(ctx, atEnd, func(msg *nats.Msg, meta *nats.MsgMetadata) error {
		return fn(StateEntry{Key: strings.TrimPrefix(msg.Subject, "state."), Value: msg.Data, Seq: meta.Sequence.Stream, Time: meta.Timestamp})
	})
}
