package queue

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestErrorsThatPassAreUnavailable(t *testing.T) {
	for _, err := range []error{
		nats.ErrTimeout, nats.ErrNoResponders, nats.ErrConnectionClosed, nats.ErrDisconnected, context.DeadlineExceeded, jetstream.ErrNoStreamResponse,
		&jetstream.APIError{Code: 503, ErrorCode: 10008, Description: "JetStream system temporarily unavailable"},
		&jetstream.APIError{Code: 503, ErrorCode: 10009, Description: "peer not a member"},
		&jetstream.APIError{Code: 400, ErrorCode: 10109, Description: "invalid operation on sealed stream"},
	} {
		if got := wrap(fmt.Errorf("asked: %w", err)); !errors.Is(got, ErrUnavailable) || !errors.Is(got, err) {
			t.Errorf("%v became %v, want it to be unavailable and itself", err, got)
		}
	}
	if got := wrap(jetstream.ErrStreamNotFound); !errors.Is(got, ErrNotFound) || errors.Is(got, ErrUnavailable) {
		t.Errorf("a missing stream became %v", got)
	}
}
