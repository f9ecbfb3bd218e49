package node

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
)

// Limits of what is remembered of a node's own log.
const (
	recentLines = 100
	recentWidth = 500 // bytes of a line
)

// recent remembers the newest lines of a node's own log, for a diagnosis.
type recent struct {
	mu    sync.Mutex // guards what follows
	lines []string
	next  int // of the ring, once it is full
}

// Write takes one line; it is what a slog handler writes to.
func (r *recent) Write(line []byte) (int, error) {
	text := strings.ToValidUTF8(string(bytes.TrimSpace(line[:min(len(line), recentWidth)])), "")
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lines) < recentLines {
		r.lines = append(r.lines, text)
	} else {
		r.lines[r.next] = text
		r.next = (r.next + 1) % recentLines
	}
	return len(line), nil
}

// all returns the lines, oldest first.
func (r *recent) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append(append([]string{}, r.lines[r.next:]...), r.lines[:r.next]...)
}

// remember returns a logger that writes where log does, at its level, and into r.
func remember(log *slog.Logger, r *recent) *slog.Logger {
	return slog.New(both{log.Handler(), slog.NewTextHandler(r, &slog.HandlerOptions{Level: slog.LevelDebug})})
}

// both is a handler that hands each record to two, as far as the first takes it.
type both struct{ first, second slog.Handler }

// Enabled implements [slog.Handler].
func (b both) Enabled(ctx context.Context, l slog.Level) bool { return b.first.Enabled(ctx, l) }

// Handle implements [slog.Handler].
func (b both) Handle(ctx context.Context, r slog.Record) error {
	_ = b.second.Handle(ctx, r.Clone()) // memory, which never fails
	return b.first.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (b both) WithAttrs(attrs []slog.Attr) slog.Handler {
	return both{b.first.WithAttrs(attrs), b.second.WithAttrs(attrs)}
}

// WithGroup implements [slog.Handler].
func (b both) WithGroup(name string) slog.Handler {
	return both{b.first.WithGroup(name), b.second.WithGroup(name)}
}
