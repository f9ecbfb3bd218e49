package phase

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestNoPhaseKeepsTheNextFromRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		log := slog.New(slog.NewTextHandler(&b, nil))
		start := time.Now()
		release := make(chan struct{})
		results := Run(t.Context(), log, func() time.Duration { return time.Since(start) }, []Phase{
			{Name: "fine", Run: func(context.Context) error { time.Sleep(2 * time.Millisecond); return nil }},
			{Name: "fails", Run: func(context.Context) error { return errors.New("no such disk") }},
			{Name: "panics", Run: func(context.Context) error { var m map[string]int; m["x"] = 1; return nil }},
			{Name: "hangs", Limit: 3 * time.Second, Run: func(context.Context) error { <-release; return nil }},
			{Name: "last", Run: func(context.Context) error { return nil }},
		})
		close(release)
		wants := []string{"", "no such disk", "assignment to entry in nil map", "not done after 3s", ""}
		for i, want := range wants {
			r := results[i]
			if (r.Err == nil) != (want == "") || (r.Err != nil && !strings.Contains(r.Err.Error(), want)) {
				t.Errorf("phase %s: %v, want %q", r.Name, r.Err, want)
			}
			if want != "" && !strings.Contains(b.String(), "phase "+r.Name+" failed") {
				t.Errorf("the log does not say that %s failed:\n%s", r.Name, b.String())
			}
		}
		if results[0].Took != 2*time.Millisecond || results[4].Start != 3*time.Second+2*time.Millisecond {
			t.Errorf("times: %+v", results)
		}
	})
}

func TestAPhaseThatHangsIsNamedWhileItDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		log := slog.New(slog.NewTextHandler(&b, nil))
		start := time.Now()
		Run(t.Context(), log, func() time.Duration { return time.Since(start) }, []Phase{
			{Name: "quick", Run: func(context.Context) error { time.Sleep(time.Second); return nil }},
			{Name: "hangs", Limit: 5 * time.Second, Run: func(ctx context.Context) error { <-ctx.Done(); time.Sleep(time.Second); return nil }},
		})
		for _, want := range []string{`"phase hangs still running" at=3s after=2s limit=5s`, "at=5s after=4s"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("the log does not say %s:\n%s", want, b.String())
			}
		}
		if n := strings.Count(b.String(), "still running"); n != 2 {
			t.Errorf("%d lines say that a phase is still running, want 2:\n%s", n, b.String())
		}
		time.Sleep(time.Second)
	})
}
