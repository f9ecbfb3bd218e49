package cell

import (
	"context"
	"fmt"
	"time"
)

// Task is work other than a job's handlers that a process may be started for in a cell's confinement: it runs foreign code, and what it
// gives must not be trusted either. ctx ends after the limit, or when the process is to end.
type Task struct {
	Name string
	Do   func(ctx context.Context, input []byte) ([]byte, error)
}

// Do starts a cell without a program, has it do one task, which [Main] there must have been given, and ends it. Errors: *[JSError] with the
// text of the task's own error, *[Error].
func Do(ctx context.Context, cfg Config, task string, input []byte, limit time.Duration) ([]byte, error) {
	cfg.complete()
	c, err := spawn(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.call(ctx, kindTask, limit, appendBytes(appendBytes(appendBytes(nil, task), limit.String()), input))
}

// do answers a task's frame.
func (c *child) do(f frame) ([]byte, error) {
	d := decoder{rest: f.payload}
	name, text, input := d.text(), d.text(), d.bytes()
	if err := d.end(); err != nil {
		return nil, err
	}
	limit, err := time.ParseDuration(text)
	if err != nil {
		return nil, fmt.Errorf("%w: limit %q", errFrame, text)
	}
	defer c.deadline(f.number, limit)()
	c.mu.Lock()
	ctx := c.request
	c.mu.Unlock()
	for _, t := range c.tasks {
		if t.Name == name {
			out, err := t.Do(ctx, input)
			if err != nil && ctx.Err() != nil {
				err = &Error{Kind: ErrTimeout, Detail: "after " + limit.String()}
			}
			return out, err
		}
	}
	return nil, fmt.Errorf("this program has no task %s", name)
}
