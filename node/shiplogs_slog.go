package node

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/capodekappa/capo/node/api"
)

// maxTapped bounds the lines that a tap keeps until they can be shipped.
const maxTapped = 500

// tap is a handler that hands its records to another, and to a shipper. It keeps the first lines until there is one, so that what a
// machine said while it came up, before its node began, is shipped too.
type tap struct {
	next, text slog.Handler
	to         *tapped
}

// tapped is what the taps of one log share.
type tapped struct {
	mu   sync.Mutex // guards what follows
	ship *shipper   // nil: not yet, or never
	off  bool       // never
	kept []api.Line
}

// Tap returns a handler that writes where next does, for a [Config.Log] whose lines from before the node began are shipped as well.
func Tap(next slog.Handler) slog.Handler {
	to := &tapped{}
	text := slog.NewTextHandler(to, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	return &tap{next, text, to}
}

// alsoShip returns a logger that writes where log does, and to a shipper.
func alsoShip(log *slog.Logger, s *shipper) *slog.Logger {
	t, ok := log.Handler().(*tap)
	if !ok {
		t = Tap(log.Handler()).(*tap)
		log = slog.New(t)
	}
	t.to.attach(s)
	return log
}

// untap has a log's lines kept no more.
func untap(log *slog.Logger) {
	if t, ok := log.Handler().(*tap); ok {
		t.to.attach(nil)
	}
}

// attach has all lines go to a shipper, first those that were kept; nil: nowhere.
func (t *tapped) attach(s *shipper) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.off = s == nil
	for _, l := range t.kept {
		s.put(l)
	}
	t.ship, t.kept = s, nil
}

// Write takes one line of the text handler; it begins with its level.
func (t *tapped) Write(line []byte) (int, error) {
	text := string(bytes.TrimSpace(line[:min(len(line), maxLine)]))
	level := "info"
	if rest, ok := strings.CutPrefix(text, slog.LevelKey+"="); ok {
		level, text, _ = strings.Cut(rest, " ")
		level, _, _ = strings.Cut(strings.ToLower(level), "+") // INFO+2 is still info
	}
	l := api.Line{Time: time.Now().UTC(), Level: level, Message: strings.ToValidUTF8(text, "")}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.ship != nil:
		t.ship.put(l)
	case !t.off && len(t.kept) < maxTapped:
		t.kept = append(t.kept, l)
	}
	return len(line), nil
}

func (t *tapped) isOff() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.off
}

// Enabled implements [slog.Handler].
func (t *tap) Enabled(ctx context.Context, l slog.Level) bool { return t.next.Enabled(ctx, l) }

// Handle implements [slog.Handler].
func (t *tap) Handle(ctx context.Context, r slog.Record) error {
	if !t.to.isOff() {
		_ = t.text.Handle(ctx, r.Clone()) // memory, which never fails
	}
	return t.next.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (t *tap) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &tap{t.next.WithAttrs(attrs), t.text.WithAttrs(attrs), t.to}
}

// WithGroup implements [slog.Handler].
func (t *tap) WithGroup(name string) slog.Handler {
	return &tap{t.next.WithGroup(name), t.text.WithGroup(name), t.to}
}
