// Package phase runs the steps of bringing a machine up, one after the other, and keeps account of them.
//
// No phase can keep the machine from going on: one that fails, panics or takes too long is logged and the next begins.
// One that hangs is named while it does. [Times] are the parts of a boot, as the line that says "ready" has them.
package phase

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// Phase is one step.
type Phase struct {
	// Name is one word.
	Name string
	// Limit is how long the step may take before the next one begins without it; 0 means ten seconds.
	Limit time.Duration
	// Run does it. An error says what was tried on which thing.
	Run func(ctx context.Context) error
}

// Result is what became of a phase.
type Result struct {
	// Name is the phase's name.
	Name string
	// Start is when it began, since the kernel started.
	Start time.Duration
	// Took is how long it took.
	Took time.Duration
	// Err is nil if it did all it had to.
	Err error
}

// Run runs the phases in order and returns what became of each. The clock gives the time since the kernel started.
func Run(ctx context.Context, log *slog.Logger, clock func() time.Duration, phases []Phase) []Result {
	results := make([]Result, 0, len(phases))
	for _, p := range phases {
		r := Result{Name: p.Name, Start: clock()}
		r.Err = one(ctx, log, clock, p)
		r.Took = clock() - r.Start
		results = append(results, r)
		report(log, r)
	}
	return results
}

func report(log *slog.Logger, r Result) {
	at, took := millis(r.Start+r.Took), millis(r.Took)
	if r.Err != nil {
		log.Error("phase "+r.Name+" failed", "at", at, "took", took, "err", r.Err)
		return
	}
	log.Info("phase "+r.Name, "at", at, "took", took)
}

func millis(d time.Duration) string { return d.Round(100 * time.Microsecond).String() }

// slow is how long a phase may take before it is named, and then again and again.
const slow = 2 * time.Second

// one runs a phase within its limit. A phase that does not come back is left behind: in PID 1 there is no way to end it.
func one(ctx context.Context, log *slog.Logger, clock func() time.Duration, p Phase) error {
	limit := p.Limit
	if limit == 0 {
		limit = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- guarded(ctx, p) }()
	still := time.NewTicker(slow)
	defer still.Stop()
	for start := clock(); ; {
		select {
		case err := <-done:
			return err
		case <-still.C:
			log.Warn("phase "+p.Name+" still running", "at", millis(clock()), "after", (clock() - start).Round(time.Second).String(), "limit", limit.String())
		case <-ctx.Done():
			return fmt.Errorf("not done after %v; going on without it", limit)
		}
	}
}

// guarded turns a panic into an error: in PID 1 it would be the kernel's.
func guarded(ctx context.Context, p Phase) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return p.Run(ctx)
}
