// Package watchdog keeps a hardware watchdog from rebooting a machine whose main loop answers.
package watchdog

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Timeout is how long a machine may hang. Some chips can only do less; then theirs holds.
const Timeout = 30 * time.Second

// Device is the part of a watchdog that is used.
type Device interface {
	KeepAlive() error
	Disarm() error
	// Bit reports whether it ended the last boot.
	Bit() bool
}

// Pack is the watchdogs that a machine has opened. Its methods may be called by several goroutines.
type Pack struct {
	mu   sync.Mutex // guards dogs
	dogs []Device
}

// Add adds one.
func (p *Pack) Add(d Device) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dogs = append(p.dogs, d)
}

// Disarm stops those that can be stopped.
func (p *Pack) Disarm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.dogs {
		_ = d.Disarm() // some cannot
	}
}

// Bit reports whether one of them ended the last boot.
func (p *Pack) Bit() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.dogs, Device.Bit)
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
