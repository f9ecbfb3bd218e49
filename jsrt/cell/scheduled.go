package cell

import (
	"context"
	"encoding/json"
	"time"
)

// Scheduled is one call of the handler `scheduled`.
type Scheduled struct {
	AttemptID string        `json:"attempt"` // ctx.attemptId
	Limit     time.Duration `json:"limit"`   // wall time; 0 is DefaultLimit
	Time      int64         `json:"time"`    // event.scheduledTime: when it was due, in milliseconds since 1970
	Cron      string        `json:"cron"`    // event.cron: the schedule as the job has it
}

// Scheduled calls the handler `scheduled` and returns what it sent. Errors: *[JSError], *[Error]; then nothing that the handler sent
// counts.
func (c *Cell) Scheduled(ctx context.Context, s Scheduled) ([]Send, error) {
	head, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	out, err := c.call(ctx, kindScheduled, s.Limit, head)
	if err != nil {
		return nil, err
	}
	o, err := c.outcome(out, 0)
	return o.Sends, err
}

// outcome reads what a handler did over so many messages; a child that writes it wrong is gone.
func (c *Cell) outcome(payload []byte, messages int) (Outcome, error) {
	o, err := parseOutcome(payload, messages)
	if err != nil {
		c.kill(&Error{Kind: ErrCrashed, Detail: "it broke the frame format: " + err.Error()})
		<-c.done
		return Outcome{}, c.death
	}
	return o, nil
}
