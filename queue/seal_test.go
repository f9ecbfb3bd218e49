package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/capodekappa/capo/queue/control"
)

func TestASealedLogTakesNoMoreAndKeepsWhatItHas(t *testing.T) {
	logs, _, core := cluster(t, 3)
	ctx := t.Context()
	if _, err := logs[0].EnsureStream(ctx, "words", 0); err != nil {
		t.Fatal(err)
	}
	if _, err := logs[1].Append(ctx, "words", Record{Body: []byte("before")}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // it may be said again
		if err := errors.Join(logs[2].Seal(ctx), core.Seal(ctx)); err != nil {
			t.Fatal(err)
		}
	}
	for i, l := range logs {
		if _, err := l.Append(ctx, "words", Record{Body: []byte("after")}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("append through %d: %v, want %v", i, err, ErrUnavailable)
		}
		if _, err := l.Append(ctx, "words", Record{Body: []byte("a")}, Record{Body: []byte("b")}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("append of two through %d: %v, want %v", i, err, ErrUnavailable)
		}
	}
	rec := &control.Record{Fleet: "f", Log: "inc", Kind: control.KindRemove, Target: "x", Generation: 1}
	if err := rec.Seal(struct{}{}); err != nil {
		t.Fatal(err)
	}
	if _, err := core.AppendControl(ctx, rec); !errors.Is(err, ErrUnavailable) {
		t.Errorf("append to the control log: %v, want %v", err, ErrUnavailable)
	}
	if err := logs[0].PutState(ctx, "merge.log", []byte("{}")); err != nil {
		t.Errorf("the state stays open: %v", err)
	}
	r, err := logs[0].Read(ctx, "words", ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := r.Next(ctx); err != nil || string(got.Body) != "before" {
		t.Errorf("record %q, error %v", got.Body, err)
	}
	if _, err := r.Next(ctx); !errors.Is(err, ErrEnd) {
		t.Errorf("after the last record: %v", err)
	}
}

func TestAClientOfAnotherLogIsRefused(t *testing.T) {
	logs, _, _ := cluster(t, 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	cfg := logs[0].cfg
	cfg.Incarnation, cfg.Name = "another", "stray"
	if l, err := Open(ctx, cfg); err == nil {
		l.Close()
		t.Error("opened a log by the address of another one's server")
	}
}
