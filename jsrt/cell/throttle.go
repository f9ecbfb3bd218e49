package cell

import (
	"fmt"
	"time"

	"github.com/capodekappa/capo/jsrt"
)

// budget is what may be printed in a second.
type budget struct{ lines, bytes int }

// The child keeps to the first; the parent, which does not trust it, to the second.
var (
	lineBudget       = budget{lines: 1000, bytes: 256 << 10}
	lineBudgetParent = budget{lines: 1200, bytes: 320 << 10}
)

// throttle bounds lines in each second and counts what it drops.
type throttle struct {
	now     func() time.Time
	budget  budget
	since   time.Time
	used    budget
	dropped budget
}

func newThrottle(now func() time.Time, b budget) *throttle {
	return &throttle{now: now, budget: b, since: now()}
}

// admit says whether a line may pass, and what to say first about lines dropped before it.
func (t *throttle) admit(n int) (ok bool, notice string) {
	if now := t.now(); now.Sub(t.since) >= time.Second {
		t.since, t.used = now, budget{}
		notice = t.flush()
	}
	if t.used.lines >= t.budget.lines || t.used.bytes+n > t.budget.bytes {
		t.dropped.lines++
		t.dropped.bytes += n
		return false, notice
	}
	t.used.lines++
	t.used.bytes += n
	return true, notice
}

// flush is the notice of what was dropped since the last one, or "".
func (t *throttle) flush() string {
	d := t.dropped
	t.dropped = budget{}
	if d.lines == 0 {
		return ""
	}
	return fmt.Sprintf("%d lines (%d bytes) were dropped: a job may print %d lines and %d bytes a second",
		d.lines, d.bytes, t.budget.lines, t.budget.bytes)
}

// printed hands a line of the child to Config.Log.
func (c *Cell) printed(payload []byte, limits *throttle) {
	if len(payload) == 0 || c.cfg.Log == nil {
		return
	}
	ok, notice := limits.admit(len(payload))
	if notice != "" {
		c.cfg.Log(Line{Level: jsrt.LevelWarn.String(), Text: notice})
	}
	if !ok {
		return
	}
	text := payload[1:]
	if len(text) > jsrt.MaxLine+1024 {
		text = text[:jsrt.MaxLine+1024]
	}
	c.cfg.Log(Line{Level: min(jsrt.Level(payload[0]), jsrt.LevelError).String(), Text: string(text)})
}
