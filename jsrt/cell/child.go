package cell

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/dop251/goja"

	"github.com/capodekappa/capo/jsrt"
)

// child is the inside of a cell: one goroutine reads frames, the main one owns the runtime.
type child struct {
	setup    setup
	in       io.Reader
	out      *os.File
	rt       *jsrt.Runtime
	logs     *throttle
	handlers *handlers
	requests chan frame
	calls    uint32 // of bindings, counted
	kernels  map[string]kernel
	tasks    []Task

	mu      sync.Mutex      // guards what follows
	current uint32          // the request under way, 0 when there is none
	request context.Context // ends with it
	end     context.CancelFunc
	replies map[uint32]func(Value, error)
}

// read takes frames until the pipe ends, which is the end of the process.
func (c *child) read() {
	in := bufio.NewReaderSize(c.in, 64<<10)
	for {
		f, err := readFrame(in, MaxFrame)
		if err != nil {
			os.Exit(0)
		}
		switch f.kind {
		case kindReply:
			c.reply(f)
		case kindInterrupt:
			c.interrupt(f.number, errors.New("cancelled"))
		default:
			c.requests <- f
		}
	}
}

func (c *child) reply(f frame) {
	c.mu.Lock()
	deliver := c.replies[f.number]
	delete(c.replies, f.number)
	c.mu.Unlock()
	if deliver == nil {
		return
	}
	d := decoder{rest: f.payload}
	var v Value
	var err error
	if d.byte() == 1 {
		v = d.value()
	} else {
		err = errors.New(d.text())
	}
	if bad := d.end(); bad != nil {
		err = bad
	}
	deliver(v, err)
}

// interrupt ends the request with this number if it is still under way.
func (c *child) interrupt(number uint32, reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == number {
		c.rt.Interrupt(reason)
		c.end()
	}
}

func (c *child) begin(number uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = number
	c.end()
	c.request, c.end = context.WithCancel(context.Background())
	clear(c.replies)
}

func (c *child) serve() int {
	for f := range c.requests {
		c.begin(f.number)
		out, err := c.answer(f)
		c.begin(0)
		c.rt.VM().ClearInterrupt()
		kind := byte(kindResult)
		if err == nil && int64(len(out)) > c.setup.Output {
			err = &Error{Kind: ErrOutput, Detail: fmt.Sprintf("%d bytes, at most %d in one call", len(out), c.setup.Output)}
		}
		if err != nil {
			kind = kindFailure
			if out, err = json.Marshal(failureOf(err)); err != nil {
				return 1
			}
		}
		if c.write(kind, f.number, out) != nil {
			return 1
		}
	}
	return 0
}

// answer does what a request asks for, within its limit.
func (c *child) answer(f frame) ([]byte, error) {
	switch f.kind {
	case kindLoad:
		return c.load(f)
	case kindRun:
		var r Run
		if err := json.Unmarshal(f.payload, &r); err != nil {
			return nil, err
		}
		defer c.deadline(f.number, r.Limit)()
		return c.handlers.run(r)
	case kindQueue:
		b, err := parseBatch(f.payload)
		if err != nil {
			return nil, err
		}
		defer c.deadline(f.number, b.Limit)()
		return c.handlers.queue(b)
	case kindScheduled:
		var s Scheduled
		if err := json.Unmarshal(f.payload, &s); err != nil {
			return nil, err
		}
		defer c.deadline(f.number, s.Limit)()
		return c.handlers.scheduled(s)
	case kindTask:
		return c.do(f)
	}
	return nil, fmt.Errorf("%w: unknown kind %d", errFrame, f.kind)
}

// deadline interrupts the request after its limit; the function that it returns ends that.
func (c *child) deadline(number uint32, limit time.Duration) func() bool {
	if limit <= 0 {
		limit = DefaultLimit
	}
	return time.AfterFunc(limit, func() {
		c.interrupt(number, &Error{Kind: ErrTimeout, Detail: "after " + limit.String()})
	}).Stop
}

func (c *child) load(f frame) ([]byte, error) {
	d := decoder{rest: f.payload}
	head, script, sourceMap := d.bytes(), d.bytes(), d.bytes()
	if err := d.end(); err != nil {
		return nil, err
	}
	var l load
	if err := json.Unmarshal(head, &l); err != nil {
		return nil, err
	}
	defer c.deadline(f.number, l.Limit)()
	exports, err := c.rt.Load(jsrt.Program{Global: l.Global, JS: script, Map: sourceMap, File: l.File})
	if err != nil {
		return nil, err
	}
	if c.handlers, err = newHandlers(c, l.Env, exports); err != nil {
		return nil, err
	}
	about, err := c.handlers.describe()
	if err != nil {
		return nil, err
	}
	return json.Marshal(about)
}

// call asks the parent and settles the promise that it returns.
func (c *child) call(binding, method string, args []Value) (goja.Value, error) {
	payload := appendBytes(appendBytes(nil, binding), method)
	payload = append(payload, byte(len(args)))
	size := len(payload)
	for _, a := range args {
		size += len(a.Data) + 16
	}
	if len(args) > 16 || int64(size) > c.setup.Output {
		return nil, fmt.Errorf("%s.%s: the arguments are too large (%d bytes, at most %d)", binding, method, size, c.setup.Output)
	}
	for _, a := range args {
		payload = appendValue(payload, a)
	}
	promise, resolve, reject := c.rt.VM().NewPromise()
	deliver := c.rt.RegisterCallback()
	c.calls++
	c.mu.Lock()
	c.replies[c.calls] = func(v Value, err error) {
		deliver(func() error {
			if err != nil {
				return reject(c.handlers.newError(err.Error()))
			}
			js, err := c.handlers.fromValue(v)
			if err != nil {
				return reject(c.handlers.newError(err.Error()))
			}
			return resolve(js)
		})
	}
	c.mu.Unlock()
	if err := c.write(kindCall, c.calls, payload); err != nil {
		return nil, err
	}
	return c.rt.VM().ToValue(promise), nil
}

// print sends a line to the parent, within the budget.
func (c *child) print(level jsrt.Level, text string) {
	ok, notice := c.logs.admit(len(text))
	if notice != "" {
		_ = c.write(kindLog, 0, append([]byte{byte(jsrt.LevelWarn)}, notice...))
	}
	if ok {
		_ = c.write(kindLog, 0, append([]byte{byte(level)}, text...))
	}
}

// write is used by the goroutine that owns the runtime only.
func (c *child) write(kind byte, number uint32, payload []byte) error {
	_, err := c.out.Write(appendFrame(make([]byte, 0, headerSize+len(payload)), frame{kind: kind, number: number, payload: payload}))
	return err
}
