package job

import (
	"strings"
	"time"
)

// Every is when a scheduled handler is called: at an interval, or at the times of a cron expression. The zero value is
// never.
type Every struct {
	Text string `json:"text"`         // as the job has it; the handler's event.cron
	MS   int64  `json:"ms,omitempty"` // the interval; 0: Text is a cron expression
}

// Interval is the time between two calls, 0 where a cron expression says when they are.
func (e Every) Interval() time.Duration { return time.Duration(e.MS) * time.Millisecond }

// Limits of an interval.
const (
	MinEvery = time.Second
	MaxEvery = 366 * 24 * time.Hour
)

// every reads a schedule, which a job has if it has a scheduled handler.
func (p *parser) every(n node, scheduled bool) Every {
	text := p.text(n, "")
	switch {
	case !n.given && scheduled:
		p.fail(n.path, "is missing: the handler scheduled needs to know when, as in: every: '10m', or every: '*/5 * * * *'")
		return Every{}
	case !n.given:
		return Every{}
	case !scheduled:
		p.fail(n.path, "says when, but the default export has no scheduled handler")
	}
	if len(strings.Fields(text)) > 1 {
		if _, err := ParseCron(text); err != nil {
			p.fail(n.path, "%v", err)
		}
		return Every{Text: text}
	}
	d, err := ParseDuration(text)
	switch {
	case err != nil:
		p.fail(n.path, "%q is neither an interval, as '10m', nor a cron expression of five fields, as '*/5 * * * *' (UTC)", text)
	case d < MinEvery || d > MaxEvery:
		p.fail(n.path, "%s is not between %s and %s", text, MinEvery, MaxEvery)
	}
	return Every{Text: text, MS: d.Milliseconds()}
}
