package cell

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dop251/goja"

	"github.com/capodekappa/capo/jsrt"
)

// handlerNames are the functions of a job's default export that somebody may call, sorted.
var handlerNames = [...]string{"fetch", "queue", "run", "scheduled"}

// handlers calls the functions of the program, and is what they reach outside.
type handlers struct {
	c       *child
	vm      *goja.Runtime
	exports *goja.Object
	glue    *goja.Object

	batch   Batch // under way
	outcome Outcome
	size    int64 // of what was sent
}

func newHandlers(c *child, env map[string]Binding, exports *goja.Object) (*handlers, error) {
	h := &handlers{c: c, vm: c.rt.VM(), exports: exports}
	make, err := h.vm.RunScript("capo:glue", glue)
	if err != nil {
		return nil, fmt.Errorf("load the glue: %w", err)
	}
	f, ok := goja.AssertFunction(make)
	if !ok {
		return nil, errors.New("load the glue: not a function")
	}
	host := h.vm.NewObject()
	for name, fn := range map[string]func(goja.FunctionCall) goja.Value{
		"message": h.message, "bytes": h.bytes, "text": h.text, "isJSON": h.isJSON,
		"verdict": h.verdict, "send": h.send, "call": h.call, "lost": h.lost,
		"kernelNames": h.kernelNames, "kernel": h.kernel,
	} {
		if err := host.Set(name, fn); err != nil {
			return nil, err
		}
	}
	v, err := f(goja.Undefined(), host)
	if err != nil {
		return nil, fmt.Errorf("load the glue: %w", err)
	}
	h.glue = v.ToObject(h.vm)
	if env == nil {
		env = map[string]Binding{}
	}
	bindings, err := json.Marshal(env)
	if err != nil {
		return nil, err
	}
	_, err = h.invoke("bindAll", h.vm.ToValue(string(bindings)))
	return h, err
}

// invoke calls a function of the glue on the event loop.
func (h *handlers) invoke(name string, args ...goja.Value) (goja.Value, error) {
	f, ok := goja.AssertFunction(h.glue.Get(name))
	if !ok {
		return nil, fmt.Errorf("the glue has no %s", name)
	}
	return h.c.rt.Await(func() (goja.Value, error) { return f(h.glue, args...) })
}

// app is the default export, and one of its functions.
func (h *handlers) app(name string) (goja.Value, goja.Value, bool) {
	app := h.exports.Get("default")
	obj, ok := app.(*goja.Object)
	if !ok {
		return nil, nil, false
	}
	f := obj.Get(name)
	_, ok = goja.AssertFunction(f)
	return app, f, ok
}

func (h *handlers) describe() (Description, error) {
	d := Description{Job: json.RawMessage("null"), Handlers: []string{}}
	_, err := h.c.rt.Await(func() (goja.Value, error) {
		for _, name := range handlerNames {
			if _, _, ok := h.app(name); ok {
				d.Handlers = append(d.Handlers, name)
			}
		}
		job := h.exports.Get("job")
		if job == nil || goja.IsUndefined(job) {
			return goja.Undefined(), nil
		}
		plain, _ := goja.AssertFunction(h.glue.Get("plain"))
		text, err := plain(h.glue, job)
		if err == nil {
			d.Job = json.RawMessage(jsrt.Text(text))
		}
		return goja.Undefined(), err
	})
	return d, err
}

func (h *handlers) run(r Run) ([]byte, error) {
	h.reset(Batch{})
	v, err := h.handle("run", h.vm.ToValue(r.AttemptID))
	if err != nil {
		return nil, err
	}
	text, err := h.invoke("stringify", v)
	if err != nil || goja.IsUndefined(text) {
		return []byte("null"), err
	}
	return []byte(jsrt.Text(text)), nil
}

func (h *handlers) queue(b Batch) ([]byte, error) {
	h.reset(b)
	defer h.reset(Batch{})
	_, err := h.handle("queue", h.vm.ToValue(b.AttemptID), h.vm.ToValue(b.Queue), h.vm.ToValue(len(b.Messages)))
	if err != nil {
		return nil, err
	}
	return appendOutcome(make([]byte, 0, h.size+64), h.outcome), nil
}

func (h *handlers) scheduled(s Scheduled) ([]byte, error) {
	h.reset(Batch{})
	defer h.reset(Batch{})
	_, err := h.handle("scheduled", h.vm.ToValue(s.AttemptID), h.vm.ToValue(s.Time), h.vm.ToValue(s.Cron))
	if err != nil {
		return nil, err
	}
	return appendOutcome(make([]byte, 0, h.size+64), h.outcome), nil
}

func (h *handlers) handle(name string, args ...goja.Value) (goja.Value, error) {
	if h == nil {
		return nil, errors.New("no program is loaded")
	}
	call, ok := goja.AssertFunction(h.glue.Get(name))
	if !ok {
		return nil, fmt.Errorf("the glue has no %s", name)
	}
	return h.c.rt.Await(func() (goja.Value, error) {
		app, f, ok := h.app(name)
		if !ok {
			return nil, &Error{Kind: ErrNoHandler, Detail: name}
		}
		return call(h.glue, append([]goja.Value{app, f}, args...)...)
	})
}

func (h *handlers) reset(b Batch) {
	h.batch, h.size = b, 0
	h.outcome = Outcome{Verdicts: make([]Verdict, len(b.Messages))}
}

// at is the message that a call from the glue means. One of an earlier batch is refused.
func (h *handlers) at(call goja.FunctionCall) (int, *Message) {
	i := int(call.Argument(0).ToInteger())
	if i < 0 || i >= len(h.batch.Messages) {
		panic(h.vm.NewTypeError("this message belongs to a batch that is over"))
	}
	return i, &h.batch.Messages[i]
}

func (h *handlers) message(call goja.FunctionCall) goja.Value {
	_, m := h.at(call)
	headers := h.vm.NewObject()
	for k, v := range m.Headers {
		_ = headers.Set(k, v)
	}
	obj, err := h.vm.New(call.Argument(1), call.Argument(0), h.vm.ToValue(m.Seq), h.vm.ToValue(m.Key),
		h.vm.ToValue(m.Timestamp.UnixMilli()), h.vm.ToValue(m.Attempts), headers)
	if err != nil {
		panic(err)
	}
	return obj
}

func (h *handlers) bytes(call goja.FunctionCall) goja.Value {
	_, m := h.at(call)
	return h.c.rt.Uint8Array(m.Body)
}

func (h *handlers) text(call goja.FunctionCall) goja.Value {
	_, m := h.at(call)
	return h.vm.ToValue(strings.ToValidUTF8(string(m.Body), "\ufffd"))
}

func (h *handlers) isJSON(call goja.FunctionCall) goja.Value {
	_, m := h.at(call)
	for k, v := range m.Headers {
		if strings.EqualFold(k, "content-type") {
			kind, _, _ := strings.Cut(strings.ToLower(v), ";")
			kind = strings.TrimSpace(kind)
			return h.vm.ToValue(kind == "application/json" || strings.HasSuffix(kind, "+json"))
		}
	}
	return h.vm.ToValue(false)
}

func (h *handlers) verdict(call goja.FunctionCall) goja.Value {
	i, _ := h.at(call)
	if h.batch.Whole {
		panic(h.vm.NewTypeError("ack() and retry() one by one need delivery: 'at-least-once'"))
	}
	delay := time.Duration(call.Argument(2).ToFloat() * float64(time.Second))
	h.outcome.Verdicts[i] = Verdict{Retry: call.Argument(1).ToBoolean(), Delay: delay}
	return goja.Undefined()
}

// send is called with stream, value, whether that is bytes, key, headers.
func (h *handlers) send(call goja.FunctionCall) goja.Value {
	s := Send{Stream: call.Argument(0).String()}
	if call.Argument(2).ToBoolean() {
		b, ok := jsrt.Bytes(call.Argument(1))
		if !ok {
			panic(h.vm.NewTypeError("send: the bytes are gone"))
		}
		h.room(len(b))
		s.Body = append([]byte(nil), b...)
	} else {
		if text, ok := call.Argument(1).(goja.String); ok {
			h.room(text.Length())
		}
		s.Body = []byte(jsrt.Text(call.Argument(1)))
	}
	if key := call.Argument(3); !goja.IsUndefined(key) && !goja.IsNull(key) {
		s.Key = jsrt.Text(key.ToString())
	}
	size := len(s.Stream) + len(s.Key) + len(s.Body) + 32
	if headers, ok := call.Argument(4).(*goja.Object); ok {
		s.Headers = map[string]string{}
		for _, k := range headers.Keys() {
			v := jsrt.Text(headers.Get(k).ToString())
			s.Headers[k] = v
			size += len(k) + len(v) + 16
		}
	}
	h.room(size)
	h.size += int64(size)
	h.outcome.Sends = append(h.outcome.Sends, s)
	return goja.Undefined()
}

// room ends the call when n bytes more are too many; the program cannot catch that.
func (h *handlers) room(n int) {
	if h.size+int64(n) > h.c.setup.Output {
		h.c.rt.Interrupt(&Error{Kind: ErrOutput, Detail: fmt.Sprintf("more than %d bytes in one call", h.c.setup.Output)})
		panic(h.vm.NewTypeError("send: more than %d bytes in one call", h.c.setup.Output))
	}
}

func (h *handlers) call(call goja.FunctionCall) goja.Value {
	list := call.Argument(2).ToObject(h.vm)
	args := make([]Value, int(list.Get("length").ToInteger()))
	for i := range args {
		v, err := h.toValue(list.Get(fmt.Sprint(i)))
		if err != nil {
			panic(err)
		}
		args[i] = v
	}
	promise, err := h.c.call(call.Argument(0).String(), call.Argument(1).String(), args)
	if err != nil {
		panic(h.vm.NewTypeError("%s", err.Error()))
	}
	return promise
}

// lost reports what a promise given to waitUntil was rejected with.
func (h *handlers) lost(call goja.FunctionCall) goja.Value {
	text := call.Argument(0).String()
	if o, ok := call.Argument(0).(*goja.Object); ok && o.Get("stack") != nil {
		text = o.Get("stack").String()
	}
	h.c.rt.Log(jsrt.LevelError, "a promise given to waitUntil was rejected: "+text)
	return goja.Undefined()
}

func (h *handlers) toValue(v goja.Value) (Value, error) {
	if goja.IsUndefined(v) {
		return Value{}, nil
	}
	if s, ok := v.(goja.String); ok {
		return Value{Text, []byte(jsrt.Text(s))}, nil
	}
	if b, ok := jsrt.Bytes(v); ok {
		return Value{Bytes, append([]byte(nil), b...)}, nil
	}
	stringify, _ := goja.AssertFunction(h.glue.Get("stringify"))
	text, err := stringify(goja.Undefined(), v)
	if err != nil || goja.IsUndefined(text) {
		return Value{}, err
	}
	return Value{JSON, []byte(jsrt.Text(text))}, nil
}

func (h *handlers) fromValue(v Value) (goja.Value, error) {
	switch v.Kind {
	case Bytes:
		return h.c.rt.Uint8Array(v.Data), nil
	case Text:
		return h.vm.ToValue(string(v.Data)), nil
	case JSON:
		parse, _ := goja.AssertFunction(h.glue.Get("parse"))
		return parse(goja.Undefined(), h.vm.ToValue(string(v.Data)))
	}
	return goja.Undefined(), nil
}

func (h *handlers) newError(text string) goja.Value {
	f, _ := goja.AssertFunction(h.glue.Get("error"))
	v, err := f(goja.Undefined(), h.vm.ToValue(text))
	if err != nil {
		return h.vm.ToValue(text)
	}
	return v
}
