package cell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// call sends a request and waits for its answer, for the deadline, or for the end of the process.
func (c *Cell) call(ctx context.Context, kind byte, limit time.Duration, payload []byte) ([]byte, error) {
	if len(payload) > MaxFrame {
		return nil, fmt.Errorf("call the cell of %s: %w: %d bytes, at most %d", c.cfg.Name, errOversized, len(payload), MaxFrame)
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-c.done:
		return nil, c.death
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if limit == 0 {
		limit = DefaultLimit
	}
	answer := make(chan frame, 1)
	c.mu.Lock()
	c.number++
	number := c.number
	c.answer = answer
	c.mu.Unlock()

	hard := time.AfterFunc(limit+grace, func() { c.kill(&Error{Kind: ErrTimeout, Detail: "after " + limit.String()}) })
	defer hard.Stop()
	stopWatch := c.watchMemory()
	defer stopWatch()
	cancelled := context.AfterFunc(ctx, func() { c.interrupt(number) })
	defer cancelled()

	if err := c.write(frame{kind: kind, number: number, payload: payload}); err != nil {
		c.kill(&Error{Kind: ErrCrashed, Detail: err.Error()})
		<-c.done
		return nil, c.death
	}
	select {
	case f := <-answer:
		return c.settle(ctx, f)
	case <-c.done:
		if ctx.Err() != nil && errors.Is(c.death, ErrTimeout) {
			return nil, ctx.Err()
		}
		return nil, c.death
	}
}

// settle reads an answer. After a time-out the process is not used again.
func (c *Cell) settle(ctx context.Context, f frame) ([]byte, error) {
	if f.kind == kindResult {
		return f.payload, nil
	}
	var fail failure
	if err := json.Unmarshal(f.payload, &fail); err != nil {
		fail = failure{Kind: "crashed", Message: "its failure cannot be read: " + err.Error()}
	}
	err := fail.err()
	if errors.Is(err, ErrTimeout) || errors.Is(err, ErrCrashed) {
		c.kill(err)
		<-c.done
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return nil, err
}

// interrupt asks the child to end the call, and kills it when it does not.
func (c *Cell) interrupt(number uint32) {
	_ = c.write(frame{kind: kindInterrupt, number: number})
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-c.done:
	case <-t.C:
		c.mu.Lock()
		same := c.number == number && c.answer != nil
		c.mu.Unlock()
		if same {
			c.kill(&Error{Kind: ErrTimeout, Detail: "cancelled"})
		}
	}
}

func (c *Cell) write(f frame) error {
	c.wire.Lock()
	defer c.wire.Unlock()
	_, err := c.in.Write(appendFrame(make([]byte, 0, headerSize+len(f.payload)), f))
	return err
}

// read takes frames from the child until the pipe ends.
func (c *Cell) read(ready chan<- frame) error {
	limits := newThrottle(time.Now, lineBudgetParent)
	for {
		f, err := readFrame(c.out, c.cfg.Output+64<<10)
		if err != nil {
			return err
		}
		switch f.kind {
		case kindReady:
			select {
			case ready <- f:
			default:
			}
		case kindLog:
			c.printed(f.payload, limits)
		case kindCall:
			if err := c.serve(f); err != nil {
				return err
			}
		case kindResult, kindFailure:
			c.deliver(f)
		default:
			return fmt.Errorf("%w: unknown kind %d", errFrame, f.kind)
		}
	}
}

func (c *Cell) deliver(f frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answer != nil && f.number == c.number {
		c.answer <- f
		c.answer = nil
	}
}

// serve answers one call of the child in a goroutine of its own.
func (c *Cell) serve(f frame) error {
	d := decoder{rest: f.payload}
	binding, method := d.text(), d.text()
	var args []Value
	for range d.count(2) {
		args = append(args, d.value())
	}
	if err := d.end(); err != nil {
		return err
	}
	select {
	case c.slots <- struct{}{}:
	case <-c.ctx.Done():
		return io.EOF
	}
	c.calls.Go(func() {
		defer func() { <-c.slots }()
		reply := append([]byte{1}, appendValue(nil, Value{})...)
		v, err := c.answerCall(binding, method, args)
		if err == nil {
			reply = appendValue([]byte{1}, v)
		} else {
			reply = appendBytes([]byte{0}, err.Error())
		}
		if len(reply) > MaxFrame {
			reply = appendBytes([]byte{0}, fmt.Sprintf("%s.%s: the answer is too large", binding, method))
		}
		_ = c.write(frame{kind: kindReply, number: f.number, payload: reply})
	})
	return nil
}

func (c *Cell) answerCall(binding, method string, args []Value) (v Value, err error) {
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("a binding panicked", "job", c.cfg.Name, "binding", binding, "method", method, "panic", p)
			err = fmt.Errorf("%s.%s: internal error", binding, method)
		}
	}()
	if c.cfg.Call == nil || !c.cfg.binds(binding, method) {
		return Value{}, fmt.Errorf("%s.%s is not bound", binding, method)
	}
	return c.cfg.Call(c.ctx, binding, method, args)
}

// binds says whether the job was given this method: the child's word is not enough.
func (c *Config) binds(binding, method string) bool {
	for _, m := range c.Env[binding].Methods {
		if m == method {
			return true
		}
	}
	return false
}
