package cell

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestBindings(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"text", `return env.KEY`, `"secret"`},
		{"json", `return env.node.labels.site`, `"lab"`},
		{"nested", `return await env.fpga.regs.read(4)`, `"fpga.regs.read 4"`},
		{"bytes come and go", `return Array.from(await env.blobs.get(new Uint8Array([1, 2])))`, `[1,2,9]`},
		{"text argument", `return await env.blobs.put('key', { a: 1 }, undefined)`, `"blobs.put text:key json:{\"a\":1} undefined:"`},
		{"an error is an exception", `try { await env.blobs.list() } catch (e) { return [e instanceof Error, e.message] }`, `[true,"no list today"]`},
		{"a method that is not bound", `return typeof env.blobs.delete`, `"undefined"`},
		{"many at once", `return (await Promise.all(Array.from({ length: 200 }, (_, i) => env.blobs.put(i)))).length`, `200`},
		{"in order of their answers", `const o = []; await Promise.all([30, 1].map(ms => env.blobs.wait(ms).then(() => o.push(ms)))); return o`, `[1,30]`},
		{"env cannot be reached from another name", `return Object.keys(env).sort()`, `["KEY","audit","blobs","fpga","kernels","node","out"]`},
		{"a module's binding is not in env", `const m = globalThis[Symbol.for('capo:modules')]['capo:x']; return [m.id, await m.read(1), env['capo:x'] === undefined]`, `["n1","capo:x.read 1",true]`},
		{"a huge argument", `try { env.blobs.put('x'.repeat(1 << 22)) } catch (e) { return e.name }`, `"TypeError"`},
	}
	cfg := testConfig("")
	cfg.Output = 1 << 20
	cfg.Env = map[string]Binding{
		"KEY": {Kind: BindText, Value: "secret"}, "node": {Kind: BindJSON, Value: `{"labels":{"site":"lab"}}`},
		"fpga.regs": {Kind: BindCalls, Methods: []string{"read"}}, "blobs": {Kind: BindCalls, Methods: []string{"get", "put", "list", "wait"}},
		"capo:x": {Kind: BindCalls, Value: `{"id":"n1"}`, Methods: []string{"read"}},
		"audit":  {Kind: BindStream, Value: "audits", Methods: []string{"read"}},
	}
	cfg.Call = func(_ context.Context, binding, method string, args []Value) (Value, error) {
		switch method {
		case "get":
			return Value{Bytes, append(args[0].Data, 9)}, nil
		case "list":
			return Value{}, errors.New("no list today")
		case "read":
			return Value{Text, []byte(binding + ".read " + string(args[0].Data))}, nil
		case "wait":
			d, err := time.ParseDuration(string(args[0].Data) + "ms")
			time.Sleep(d)
			return Value{}, err
		}
		text := binding + "." + method
		for _, a := range args {
			text += " " + [...]string{"undefined", "json", "bytes", "text"}[a.Kind] + ":" + string(a.Data)
		}
		return Value{Text, []byte(text)}, nil
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := cfg
			cfg.Bundle = []byte("var __capo = { default: { async run(env) {\n" + tt.body + "\n} } };")
			c := start(t, cfg)
			got, err := c.Run(t.Context(), Run{Limit: patience(5 * time.Second)})
			if err != nil || string(got) != tt.want {
				t.Errorf("got %s, %v, want %s", got, err, tt.want)
			}
		})
	}
}

// A child that was broken into may ask for anything; it gets only what the job was given.
func TestTheParentChecksWhatIsBound(t *testing.T) {
	asked := ""
	cfg := Config{Env: map[string]Binding{"blobs": {Kind: BindCalls, Methods: []string{"get"}}}}
	cfg.Call = func(_ context.Context, binding, method string, _ []Value) (Value, error) {
		asked = binding + "." + method
		return Value{}, nil
	}
	c := &Cell{cfg: cfg, log: slog.New(slog.DiscardHandler)}
	for _, tt := range []struct {
		binding, method string
		want            bool
	}{{"blobs", "get", true}, {"blobs", "put", false}, {"kv", "get", false}, {"", "", false}} {
		asked = ""
		_, err := c.answerCall(tt.binding, tt.method, nil)
		if (err == nil) != tt.want || (asked != "") != tt.want {
			t.Errorf("%s.%s: %v, asked %q", tt.binding, tt.method, err, asked)
		}
	}
}

func TestABindingThatPanicsIsAnError(t *testing.T) {
	cfg := Config{Env: map[string]Binding{"blobs": {Kind: BindCalls, Methods: []string{"get"}}}}
	cfg.Call = func(context.Context, string, string, []Value) (Value, error) { panic("oops") }
	c := &Cell{cfg: cfg, log: slog.New(slog.DiscardHandler)}
	if _, err := c.answerCall("blobs", "get", nil); err == nil {
		t.Error("no error")
	}
}

func TestLogsHaveLevelsAndPositions(t *testing.T) {
	var got lines
	cfg := testConfig(`async run(env, ctx) {
		console.log('a', { b: 1 }); console.warn('w'); console.error(new Error('e'));
		ctx.waitUntil(Promise.reject(new Error('late')));
		Promise.reject(new Error('nobody'));
		return 1 }`)
	cfg.Log = got.add
	c := start(t, cfg)
	if _, err := c.Run(t.Context(), Run{Limit: patience(time.Second)}); err != nil {
		t.Fatal(err)
	}
	text := got.String()
	for _, want := range []string{`info a {"b":1}`, "warn w", "error Error: e\n\tat run (test.js:3:", "a promise given to waitUntil was rejected: Error: late", "error unhandled rejection: test.js:5:"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestWaitUntilIsWaitedFor(t *testing.T) {
	c := start(t, testConfig(`async queue(batch, env, ctx) { ctx.waitUntil(new Promise(d => setTimeout(d, 20)).then(() => env.out.send('late'))) }`))
	out, err := c.Queue(t.Context(), Batch{Limit: patience(time.Second), Messages: []Message{{}}})
	if err != nil || len(out.Sends) != 1 {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestBatchVerbs(t *testing.T) {
	tests := []struct {
		name, body, want string
		whole            bool
	}{
		{"all acknowledged", ``, "[{false 0s} {false 0s}]", false},
		{"retryAll", `batch.retryAll({ delaySeconds: 2 })`, "[{true 2s} {true 2s}]", false},
		{"retryAll, then one ack", `batch.retryAll(); batch.messages[1].ack()`, "[{true 0s} {false 0s}]", false},
		{"a wrong delay", `batch.messages[0].retry({ delaySeconds: -1 })`, "RangeError: delaySeconds", false},
		{"once", `batch.messages[0].ack()`, "delivery: 'at-least-once'", true},
		{"a message of the batch before", `globalThis.m ??= batch.messages[1]; if (batch.messages.length === 1) m.ack()`, "[{false 0s} {false 0s}]", false},
		{"json of what is not JSON", `batch.messages[0].json()`, "SyntaxError", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := start(t, testConfig("async queue(batch, env) {\n"+tt.body+"\n}"))
			out, err := c.Queue(t.Context(), Batch{Whole: tt.whole, Limit: patience(time.Second), Messages: []Message{{Body: []byte("x")}, {}}})
			got := fmt.Sprint(out.Verdicts)
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAFailedBatchSendsNothing(t *testing.T) {
	c := start(t, testConfig(`n: 0, async queue(batch, env) { await env.out.send('a'); if (this.n++ === 0) throw new Error('x') }`))
	if out, err := c.Queue(t.Context(), Batch{Limit: patience(time.Second)}); err == nil || len(out.Sends) != 0 {
		t.Errorf("got %+v, %v", out, err)
	}
	if out, err := c.Queue(t.Context(), Batch{Limit: patience(time.Second)}); err != nil || len(out.Sends) != 1 {
		t.Errorf("afterwards: %+v, %v", out, err)
	}
}

func TestCancelEndsTheCall(t *testing.T) {
	for name, body := range map[string]string{"in JavaScript": `for (let n = 0;; n++) n ^= 1`, "in a builtin": `new Array(2**31-1).join('x')`, "waiting": `await new Promise(d => setTimeout(d, 1e6))`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, testConfig("async run() {\n"+body+"\n}"))
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			begin := time.Now()
			_, err := c.Run(ctx, Run{Limit: time.Minute})
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 10*time.Second {
				t.Errorf("got %v after %s", err, time.Since(begin))
			}
		})
	}
}

func TestCallsWaitForOneAnother(t *testing.T) {
	c := start(t, testConfig(`busy: false, async run() { if (this.busy) throw new Error('two at once'); this.busy = true; await new Promise(d => setTimeout(d, 1)); this.busy = false }`))
	errs := make(chan error)
	for range 20 {
		go func() {
			_, err := c.Run(context.Background(), Run{Limit: patience(5 * time.Second)})
			errs <- err
		}()
	}
	for range 20 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestCloseEndsACall(t *testing.T) {
	c := start(t, testConfig(`run() { for (let n = 0;; n++) n ^= 1 }`))
	time.AfterFunc(50*time.Millisecond, func() { _ = c.Close() })
	_, err := c.Run(t.Context(), Run{Limit: time.Minute})
	if !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Run(t.Context(), Run{}); !errors.Is(err, ErrClosed) {
		t.Errorf("afterwards: %v", err)
	}
}

func TestABatchThatIsTooLargeIsRefused(t *testing.T) {
	c := start(t, testConfig(`queue() {}`))
	if _, err := c.Queue(t.Context(), Batch{Messages: []Message{{Body: make([]byte, MaxFrame)}}}); !errors.Is(err, errOversized) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Queue(t.Context(), Batch{Limit: patience(time.Second)}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestStartFailsClearly(t *testing.T) {
	cfg := testConfig("")
	cfg.Exec = "/nonexistent"
	if _, err := Start(t.Context(), cfg); !errors.Is(err, ErrStart) || !strings.Contains(err.Error(), "/nonexistent") {
		t.Errorf("got %v", err)
	}
	cfg.Exec = "/bin/true"
	if _, err := Start(t.Context(), cfg); !errors.Is(err, ErrStart) {
		t.Errorf("a program that is no cell: %v", err)
	}
}

func TestACellEndsWhileItsCallsAreAnswered(t *testing.T) {
	cfg := testConfig(`async run(env) { await Promise.all(Array.from({ length: 40 }, () => env.slow.get())) }`)
	cfg.Env = map[string]Binding{"slow": {Kind: BindCalls, Methods: []string{"get"}}}
	cfg.Call = func(ctx context.Context, _, _ string, _ []Value) (Value, error) {
		<-ctx.Done()
		return Value{}, ctx.Err()
	}
	c := start(t, cfg)
	if _, err := c.Run(t.Context(), Run{Limit: 100 * time.Millisecond}); !errors.Is(err, ErrTimeout) {
		t.Errorf("got %v", err)
	}
}
