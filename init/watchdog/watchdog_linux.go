// Package watchdog keeps a hardware watchdog from rebooting a machine whose main loop answers.
package watchdog

import (
	"context"
	"log/slog"
	"time"
)

// Timeout is how long a machine may hang. Some chips can only do less; then theirs holds.
const Timeout = 30 * time.Second

// Device is the part of a watchdog that is used.
type Device interface {
	KeepAlive() error
	SetTimeout(time.Duration) error
	Disarm() error
}

// Feed feeds the watchdog as long as probe comes back, every interval, until ctx ends. A probe that hangs or fails lets the
// machine be rebooted: that is what a watchdog is for.
func Feed(ctx context.Context, log *slog.Logger, d Device, interval time.Duration, probe func(context.Context) error) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		feedOnce(ctx, log, d, interval, probe)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func feedOnce(ctx context.Context, log *slog.Logger, d Device, limit time.Duration, probe func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := probe(ctx); err != nil {
		log.Error("the main loop does not answer; the watchdog is not fed", "err", err)
		return
	}
	if err := d.KeepAlive(); err != nil {
		log.Error("feed the watchdog", "err", err)
	}
}
