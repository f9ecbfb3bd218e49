package cell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain is also the main function of the cells that the tests start.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "cell" {
		os.Exit(mainWith(os.Args[2:], testHook, testTasks()...))
	}
	os.Exit(m.Run())
}

// lines collects what a program prints.
type lines struct {
	mu   sync.Mutex // guards text
	text []string
}

func (l *lines) add(line Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, line.Level+" "+line.Text)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.text, "\n")
}

// testConfig is a cell around handlers written without a bundler.
func testConfig(handlers string) Config {
	return Config{
		Name: "test", File: "test.js", Memory: 64 << 20, CgroupParent: os.Getenv("CAPO_TEST_CGROUP"),
		Bundle: []byte("var __capo = { default: {\n" + handlers + "\n} };"),
	}
}

// patience is how long to wait on a machine that is emulated (CAPO_TEST_SLOW times slower).
func patience(d time.Duration) time.Duration {
	if n, err := strconv.Atoi(os.Getenv("CAPO_TEST_SLOW")); err == nil && n > 1 {
		return d * time.Duration(n)
	}
	return d
}

func start(t testing.TB, cfg Config) *Cell {
	t.Helper()
	c, err := Start(context.Background(), cfg)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestRun(t *testing.T) {
	c := start(t, testConfig(`async run(env, ctx) { await new Promise(d => setTimeout(d, 1)); return { answer: 42, attempt: ctx.attemptId } }`))
	t.Logf("strength: %v %q", c.Strength(), c.Strength().Missing)
	for range 3 {
		got, err := c.Run(t.Context(), Run{AttemptID: "a1", Limit: patience(time.Second)})
		if err != nil || string(got) != `{"answer":42,"attempt":"a1"}` {
			t.Fatalf("got %s, %v", got, err)
		}
	}
	if got := fmt.Sprint(c.Description().Handlers); got != "[run]" {
		t.Errorf("handlers %s", got)
	}
}

func TestQueue(t *testing.T) {
	cfg := testConfig(`async queue(batch, env, ctx) {
		for (const m of batch.messages) {
			await env.out.send(m.body, { key: m.key, headers: { at: String(m.timestamp.getTime()) } });
			await env.out.send(m.text() + '!');
			await env.audit.send({ id: m.id, n: m.attempts, q: batch.queue, h: m.headers.a });
			if (m.id === 2) m.retry({ delaySeconds: 1.5 }); else m.ack();
		}
	}`)
	cfg.Env = map[string]Binding{"audit": {Kind: BindStream, Value: "audits"}}
	c := start(t, cfg)
	at := time.UnixMilli(1_700_000_000_123)
	out, err := c.Queue(t.Context(), Batch{Queue: "frames", Messages: []Message{
		{Seq: 1, Key: "k1", Timestamp: at, Attempts: 1, Body: []byte("raw"), Headers: map[string]string{"a": "b"}},
		{Seq: 2, Key: "k2", Timestamp: at, Attempts: 3, Body: []byte(`{"x":[1,2]}`), Headers: map[string]string{"Content-Type": "application/json; charset=utf-8"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range out.Sends {
		got = append(got, fmt.Sprintf("%s|%s|%v|%s", s.Stream, s.Key, s.Headers, s.Body))
	}
	for _, v := range out.Verdicts {
		got = append(got, fmt.Sprint(v))
	}
	want := []string{
		`|k1|map[at:1700000000123]|raw`, `||map[]|raw!`, `audits||map[content-type:application/json]|{"id":1,"n":1,"q":"frames","h":"b"}`,
		`|k2|map[at:1700000000123 content-type:application/json]|{"x":[1,2]}`, `||map[]|{"x":[1,2]}!`, `audits||map[content-type:application/json]|{"id":2,"n":3,"q":"frames"}`,
		`{false 0s}`, `{true 1.5s}`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestErrorsTellWhatHappened(t *testing.T) {
	tests := []struct {
		name, handlers string
		kind           error
		want           string
		alive          bool
	}{
		{"an exception", "async run() {\n throw new TypeError('no')\n}", nil, "test.js:3:8: TypeError: no", true},
		{"a loop", "run() {\n for (let n = 0;; n++) n *= 2\n}", ErrTimeout, "test.js:3:", false},
		{"a wait", "async run() { await new Promise(d => setTimeout(d, 1e6)) }", ErrTimeout, "timed out: after 100ms", false},
		{"never settles", "async run() { await new Promise(() => {}) }", ErrNeverSettles, "never settles", true},
		{"no handler", "queue() {}", ErrNoHandler, "has no such handler: run", true},
		{"too much output", "run() { return 'x'.repeat(2 << 20) }", ErrOutput, "put out too much", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig(tt.handlers)
			cfg.Output = 1 << 20
			c := start(t, cfg)
			limit := patience(time.Second)
			if tt.kind == ErrTimeout {
				limit = 100 * time.Millisecond
			}
			_, err := c.Run(t.Context(), Run{Limit: limit})
			if err == nil || tt.kind != nil && !errors.Is(err, tt.kind) || !strings.HasPrefix(err.Error(), tt.want) {
				t.Fatalf("got %v, want %s", err, tt.want)
			}
			if js := new(JSError); tt.kind == nil && !errors.As(err, &js) {
				t.Errorf("%T is not a JSError", err)
			}
			if alive := c.Err() == nil; alive != tt.alive {
				t.Errorf("alive %v: %v", alive, c.Err())
			}
		})
	}
}
