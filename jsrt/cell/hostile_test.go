package cell

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// hostile are the scripts that kill or hang a process which embeds the engine. Each runs as the
// body of `run`; want is one of the kinds, or an exception when it is nil.
var hostile = []struct {
	name, body string
	want       []error // any of these
	text       string  // what the error says, or ""
}{
	{"repeat 2^30", `const s = 'x'.repeat(2**30); return s.length`, []error{ErrMemory}, ""},
	{"repeat 2^40", `return 'x'.repeat(2**40).length`, []error{ErrMemory, nil, ErrCrashed}, ""},
	{"fill 1e9", `return new Array(1e9).fill(0).length`, []error{ErrMemory, ErrTimeout}, ""},
	{"join 2^31", `return new Array(2**31-1).join('x').length`, []error{ErrMemory, ErrTimeout}, ""},
	{"push loop", `const a = []; for (;;) a.push(1, 2, 3, 4, 5, 6, 7, 8)`, []error{ErrMemory}, ""},
	{"push strings", `const a = []; for (let i = 0;; i++) a.push('x'.repeat(1000) + i)`, []error{ErrMemory}, ""},
	{"s += s", `let s = 'xy'; for (;;) s += s`, []error{ErrMemory, nil}, ""},
	{"nested JSON", `return JSON.parse('['.repeat(5e6))`, []error{ErrMemory, nil}, ""},
	{"typed arrays", `const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1))`, []error{ErrMemory}, ""},
	{"one typed array", `return new Uint8Array(2**33).length`, []error{ErrMemory, nil}, ""},
	{"growing map", `const m = new Map(); for (let i = 0;; i++) m.set(i, { i })`, []error{ErrMemory}, ""},
	{"recursion", `const f = n => f(n + 1) + 1; return f(0)`, []error{nil}, "the call stack is too deep"},
	{"mutual recursion through a builtin", `const f = () => [1].map(f); return f()`, []error{nil, ErrMemory}, ""},
	{"loop", `for (let n = 0;; n++) n ^= 1`, []error{ErrTimeout}, "test.js:"},
	{"loop in promises", `const f = () => Promise.resolve().then(f); await f()`, []error{ErrTimeout, ErrMemory}, ""},
	{"loop in timers", `await new Promise(() => setInterval(() => {}, 0))`, []error{ErrTimeout}, ""},
	{"catch everything", `for (;;) try { for (;;) n() } catch {}`, []error{ErrTimeout}, ""},
	{"never settles", `await new Promise(() => {})`, []error{ErrNeverSettles}, ""},
	{"throws", `throw new Error('on purpose')`, []error{nil}, "test.js:3:7"},
	{"throws a poisoned object", `throw { get stack() { throw 1 }, toString() { throw 2 } }`, []error{nil}, ""},
	{"catastrophic regex", `if (!/^(a+)+$/.test('a'.repeat(64) + 'b')) throw new Error('linear')`, []error{nil, ErrTimeout}, ""},
	{"catastrophic regex with a backreference", `return /^((a+)\2?)+$/.test('a'.repeat(64) + 'b')`, []error{ErrTimeout}, ""},
	{"sort that never ends", `const a = Array.from({ length: 1e5 }, (_, i) => i); for (;;) a.sort(() => Math.random() - 0.5)`, []error{ErrTimeout}, ""},
	{"a promise for each tick", `const a = []; for (;;) { a.push(Promise.resolve(a)); await null }`, []error{ErrTimeout, ErrMemory}, ""},
	{"timers without end", `for (;;) setTimeout(() => {}, 1e6)`, []error{ErrTimeout, ErrMemory}, ""},
	{"sends without end", `for (;;) env.out.send('x'.repeat(1000))`, []error{ErrOutput}, ""},
	{"a result that is too large", `return 'x'.repeat(2 << 20)`, []error{ErrOutput}, ""},
	{"a huge error", `throw new Error('x'.repeat(1 << 21))`, []error{nil}, "Error: x"},
	{"a getter that loops in an error", `throw { get stack() { for (let n = 0;; n++) n ^= 1 } }`, []error{nil, ErrTimeout}, ""},
	{"an object that loops when printed", `console.log({ toJSON() { for (let n = 0;; n++) n ^= 1 } })`, []error{ErrTimeout, nil}, ""},
	{"poisoned builtins", `Promise.prototype.then = JSON.stringify = Array.prototype.push = null; Object.prototype.toJSON = () => { throw 1 }; return { a: 1 }`, []error{nil}, ""},
}

const hostileLimit = 400 * time.Millisecond

func TestHostileScripts(t *testing.T) {
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig("async run(env, ctx) {\n" + tt.body + "\n}")
			cfg.Memory, cfg.Output = 32<<20, 1<<20
			c := start(t, cfg)
			begin := time.Now()
			limit := hostileLimit
			if !slices.Contains(tt.want, ErrTimeout) {
				limit = time.Minute // it has to get there, on a busy or an emulated machine too
			}
			out, err := c.Run(t.Context(), Run{Limit: limit})
			if err == nil {
				t.Fatalf("it returned %.100s", out)
			}
			text := tt.text
			if errors.Is(err, ErrTimeout) && patience(1) > 1 {
				text = "" // an emulated machine may not come to tell the position before it is killed
			}
			if !isOneOf(err, tt.want) || !strings.Contains(err.Error(), text) || len(err.Error()) > 10<<10 {
				t.Errorf("got %.300v, want %v %s", err, tt.want, text)
			}
			t.Logf("%s: %.200v", time.Since(begin).Round(time.Millisecond), err)
		})
	}
}

// isOneOf says whether the error has one of these kinds; nil stands for an exception.
func isOneOf(err error, kinds []error) bool {
	for _, k := range kinds {
		if js := new(JSError); k == nil && errors.As(err, &js) || k != nil && errors.Is(err, k) {
			return true
		}
	}
	return false
}

func TestHostileTopLevels(t *testing.T) {
	tests := []struct {
		name, source string
		want         []error
		text         string
	}{
		{"does not parse", "export default {", []error{nil}, "test.js:1:"},
		{"throws", "\nthrow new Error('early')", []error{nil}, "test.js:2:7: Error: early"},
		{"loops", "let n = 0\nfor (;;) n++", []error{ErrTimeout}, "test.js:2:"},
		{"eats memory", "const a = []; for (;;) a.push(new Uint8Array(1 << 16).fill(1))", []error{ErrMemory}, ""},
		{"exports nothing", "var x = 1", []error{nil}, "no exports"},
		{"a job that loops", "var __capo = { default: {}, get job() { for (let n = 0;; n++) n ^= 1 } }", []error{ErrTimeout}, ""},
		{"a job that refers to itself", "var job = {}; job.a = [job]; var __capo = { default: {}, job }", []error{nil}, "job.a[0] refers to itself"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := Config{Name: "test", File: "test.js", Bundle: []byte(tt.source), Memory: 32 << 20, LoadLimit: hostileLimit}
			if !slices.Contains(tt.want, ErrTimeout) {
				cfg.LoadLimit = time.Minute
			}
			c, err := Start(t.Context(), cfg)
			if err == nil {
				_ = c.Close()
				t.Fatal("it started")
			}
			if !isOneOf(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, want %v %s", err, tt.want, tt.text)
			}
		})
	}
}

func TestPrintingAGigabyteHurtsNobody(t *testing.T) {
	var got lines
	cfg := testConfig(`run() { const s = 'x'.repeat(1 << 20); for (let i = 0; i < 1024; i++) console.log(s); return 'done' },
		async queue() { await new Promise(d => setTimeout(d, 1100)); console.log('later') }`)
	cfg.Log = got.add
	c := start(t, cfg)
	before := heap()
	out, err := c.Run(t.Context(), Run{Limit: patience(20 * time.Second)})
	if err != nil || string(out) != `"done"` {
		t.Fatalf("got %s, %v", out, err)
	}
	if _, err := c.Queue(t.Context(), Batch{Limit: 5 * time.Second}); err != nil {
		t.Fatal(err)
	}
	text := got.String()
	if n := len(text); n > 4<<20 || n < 100<<10 {
		t.Errorf("kept %d bytes", n)
	}
	if !strings.Contains(text, "were dropped") || !strings.HasSuffix(text, "info later") {
		t.Errorf("it does not say what was dropped: …%s", text[max(0, len(text)-300):])
	}
	if grown := heap() - before; grown > 16<<20 {
		t.Errorf("the parent's heap grew by %d MB", grown>>20)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Another cell keeps answering while each of the hostile scripts runs, and this process does not grow.
func TestAnotherCellGoesOn(t *testing.T) {
	good := start(t, testConfig(`n: 0, run() { return ++this.n }`))
	before := heap()
	stop, ended := make(chan struct{}), make(chan error, 1)
	calls := 0
	go func() {
		for {
			select {
			case <-stop:
				ended <- nil
				return
			default:
			}
			if _, err := good.Run(context.Background(), Run{Limit: 10 * time.Second}); err != nil {
				ended <- err
				return
			}
			calls++
			time.Sleep(time.Millisecond)
		}
	}()
	for _, body := range []string{hostile[0].body, hostile[2].body, hostile[4].body, hostile[8].body, hostile[13].body} {
		c := start(t, testConfig("async run(env) {\n"+body+"\n}"))
		if _, err := c.Run(t.Context(), Run{Limit: hostileLimit}); err == nil {
			t.Errorf("%s: no error", body)
		}
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Errorf("the other cell: %v", err)
	}
	if calls < 20 {
		t.Errorf("the other cell answered only %d times", calls)
	}
	if grown := heap() - before; grown > 16<<20 {
		t.Errorf("the parent's heap grew by %d MB", grown>>20)
	}
}

func TestAJobMayUseWhatItAskedFor(t *testing.T) {
	for _, test := range []struct{ name, body string }{
		{"bytes", `const a = []; for (let i = 0; i < 40; i++) a.push(new Uint8Array(1 << 20).fill(i));
			for (let i = 0; i < 200; i++) a[i % 40] = new Uint8Array(1 << 20).fill(1); return a.length`},
		{"objects", `const a = []; for (let i = 0; i < 100000; i++) a.push({ i, s: 'n' + i });
			for (let i = 0; i < 300000; i++) a[i % 100000] = { i, s: 'm' + i }; return a.length`},
		{"one large buffer", `return new Uint8Array(48 << 20).fill(1).length`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := start(t, testConfig("run() {\n"+test.body+"\n}"))
			if out, err := c.Run(t.Context(), Run{Limit: patience(20 * time.Second)}); err != nil {
				t.Errorf("got %s, %v", out, err)
			}
		})
	}
}

// What a child sends is not trusted: one that was broken into cannot fill the parent's memory.
func TestAFrameThatIsTooLargeEndsTheCell(t *testing.T) {
	cfg := testConfig(`run() { __raw('\0\0\0\x04\x01\x04\0\0\x02\0\0\0' + 'x'.repeat(1 << 20)); for (let n = 0;; n++) n ^= 1 }`)
	cfg.Output = 1 << 20
	c := start(t, cfg)
	before := heap()
	_, err := c.Run(t.Context(), Run{Limit: time.Minute})
	if !errors.Is(err, ErrOutput) {
		t.Errorf("got %v", err)
	}
	if grown := heap() - before; grown > 8<<20 {
		t.Errorf("the parent's heap grew by %d MB", grown>>20)
	}
}

func TestBrokenFramesEndTheCell(t *testing.T) {
	for name, body := range map[string]string{
		"noise": `__raw('noise that is no frame at all')`, "an unknown kind": `__raw('\0\0\0\0\x01\x63\0\0\0\0\0\0')`,
		"a call that is cut off": `__raw('\x01\0\0\0\x01\x03\0\0\0\0\0\0\x09')`,
		"a result that is none":  `__raw('\x01\0\0\0\x01\x04\0\0\x02\0\0\0\xff')`,
		"a failure that is none": `__raw('\x01\0\0\0\x01\x05\0\0\x02\0\0\0{')`,
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, testConfig("queue() { "+body+"; for (let n = 0;; n++) n ^= 1 }"))
			if _, err := c.Queue(t.Context(), Batch{Limit: time.Minute}); !errors.Is(err, ErrCrashed) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A flood of lines that the child does not hold back is held back by the parent.
func TestTheParentThrottlesLines(t *testing.T) {
	var got lines
	cfg := testConfig(`run() { for (let i = 0; i < 20000; i++) __raw('\x09\0\0\0\x01\x02\0\0\0\0\0\0\x01abcdefgh'); return 1 }`)
	cfg.Log = got.add
	c := start(t, cfg)
	began := time.Now()
	if _, err := c.Run(t.Context(), Run{Limit: time.Minute}); err != nil {
		t.Fatal(err)
	}
	seconds := int(time.Since(began)/time.Second) + 2 // begun ones count too, and a notice comes with each
	if n := strings.Count(got.String(), "\n"); n > seconds*(lineBudgetParent.lines+1) {
		t.Errorf("%d lines came through in %d seconds", n, seconds)
	}
}
