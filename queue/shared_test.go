package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

func TestManyFollowTheStateByOneConsumer(t *testing.T) {
	_, _, core := cluster(t, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	put := func(key, value string) {
		t.Helper()
		if err := core.PutState(ctx, key, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	put("node.a", "old")
	put("node.a", "1")
	put("node.b", "1")
	put("other.c", "1")

	const followers = 5
	var all sync.WaitGroup
	ready := make(chan string, followers)
	errs := make(chan error, followers)
	enough := errors.New("enough")
	for range followers {
		all.Go(func() {
			seen, ended, before := map[string]string{}, "", uint64(0)
			errs <- core.ShareState(ctx, "node", func() { ended = fmt.Sprint(seen); ready <- ended }, func(list []StateEntry) error {
				for _, e := range list {
					if e.Seq <= before {
						return fmt.Errorf("sequence %d after %d", e.Seq, before)
					}
					before, seen[e.Key] = e.Seq, string(e.Value)
				}
				if seen["node.b"] == "9" {
					return enough
				}
				return nil
			})
		})
	}
	for range followers {
		if got := <-ready; got != "map[node.a:1 node.b:1]" {
			t.Errorf("at the end of what was there: %s", got)
		}
	}
	stream, err := core.js.Stream(ctx, stateStream)
	if err != nil {
		t.Fatal(err)
	}
	if n := consumers(ctx, t, stream); n != 1 {
		t.Errorf("%d consumers for %d followers, want one", n, followers)
	}
	for i := range 9 {
		put("node.b", fmt.Sprint(i+1))
	}
	all.Wait()
	for range followers {
		if err := <-errs; !errors.Is(err, enough) {
			t.Errorf("followed until %v", err)
		}
	}
	for end := time.Now().Add(5 * time.Second); consumers(ctx, t, stream) != 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it is still followed when nobody does")
		}
	}
	// And once more, and what ends with the log ends for all.
	go func() { ready <- ""; core.Close() }()
	<-ready
	if err := core.ShareState(ctx, "node", nil, func([]StateEntry) error { return nil }); err == nil || ctx.Err() != nil {
		t.Fatalf("followed a closed log: %v", err)
	}
}

func consumers(ctx context.Context, t *testing.T, stream jetstream.Stream) int {
	t.Helper()
	info, err := stream.Info(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return info.State.Consumers
}
