package jsrt

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"
)

// eval runs the body of an async function and returns its value as text, or the error's.
func eval(t *testing.T, body string) (string, []string) {
	t.Helper()
	var logs []string
	r := New(Options{Log: func(l Level, text string) { logs = append(logs, l.String()+" "+text) }})
	_, err := r.Load(Program{JS: []byte("var __capo = { f: async () => {" + body + "} }"), File: "test.js"})
	if err != nil {
		return "load: " + err.Error(), logs
	}
	f, _ := goja.AssertFunction(r.VM().Get("__capo").(*goja.Object).Get("f"))
	v, err := r.Await(func() (goja.Value, error) { return f(goja.Undefined()) })
	if err != nil {
		return "error: " + err.Error(), logs
	}
	return v.String(), logs
}

func TestGlobals(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"await", `return await Promise.resolve(42)`, "42"},
		{"timers run in order", `const o=[]; await new Promise(d => { setTimeout(() => {o.push(2); d()}, 5); setTimeout(() => o.push(1), 1) }); return o.join()`, "1,2"},
		{"timer arguments", `return await new Promise(d => setTimeout((a, b) => d(a + b), 1, 3, 4))`, "7"},
		{"a cleared timer does not run", `let n=0; const t=setTimeout(()=>n++,1); clearTimeout(t); await new Promise(d=>setTimeout(d,5)); return n`, "0"},
		{"interval", `let n=0; await new Promise(d => { const i=setInterval(() => { if (++n==3) { clearInterval(i); d() } }, 1) }); return n`, "3"},
		{"microtasks before timers", `const o=[]; setTimeout(()=>o.push('t'),0); queueMicrotask(()=>o.push('m')); await new Promise(d=>setTimeout(d,5)); return o.join()`, "m,t"},
		{"text round trip", `return new TextDecoder().decode(new TextEncoder().encode('grüße 🎈'))`, "grüße 🎈"},
		{"text of a part of a buffer", `return new TextDecoder().decode(new Uint8Array([65,66,67,68]).subarray(1,3))`, "BC"},
		{"a lone surrogate is replaced", `return Array.from(new TextEncoder().encode('\ud800')).join()`, "239,191,189"},
		{"streaming decoder", `const d=new TextDecoder(); return d.decode(new Uint8Array([0xc3]),{stream:true})+d.decode(new Uint8Array([0xa4]))`, "ä"},
		{"fatal decoder", `try { new TextDecoder('utf-8',{fatal:true}).decode(new Uint8Array([0xff])); return 'no' } catch (e) { return e.name }`, "TypeError"},
		{"byte order mark", `return new TextDecoder().decode(new Uint8Array([0xef,0xbb,0xbf,65])).length`, "1"},
		{"base64", `return btoa('\u00ffA') + ' ' + atob('/0E=').charCodeAt(0)`, "/0E= 255"},
		{"clone", `const a={d:new Date(5),m:new Map([[1,{x:1}]]),u:new Uint8Array([1,2])}; a.self=a; const b=structuredClone(a); return [b!==a, b.self===b, b.d.getTime(), b.m.get(1).x, b.u[1], b.u.buffer!==a.u.buffer].join()`, "true,true,5,1,2,true"},
		{"a function is not cloned", `try { structuredClone({f(){}}) } catch (e) { return e.name }`, "DataCloneError"},
		{"asyncIterator", `return typeof Symbol.asyncIterator`, "symbol"},
		{"performance", `const a=performance.now(); await new Promise(d=>setTimeout(d,2)); return performance.now()-a >= 2`, "true"},
		{"never settles", `await new Promise(() => {})`, "error: " + ErrNeverSettles.Error()},
		{"throws", `throw new TypeError('no')`, "error: test.js:1:38: TypeError: no"},
		{"throws a string", `throw 'no'`, "error: Uncaught no"},
		{"recursion", `const f = () => f(); f()`, "error: test.js:1:49: RangeError: the call stack is too deep"},
		{"throws in a timer", `await new Promise(() => setTimeout(() => { throw new Error('late') }, 1))`, "error: test.js:1:81: Error: late"},
		{"rejects", `await Promise.reject(new Error('no'))`, "error: test.js:1:53: Error: no"},
		{"thenable", `return { then(f) { f(7) } }`, "7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, _ := eval(t, tt.body); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestConsole(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"strings and objects", `console.log('a', 1, {b: [2]})`, `info a 1 {"b":[2]}`},
		{"levels", `console.error('x'); console.debug('y')`, "error x\ndebug y"},
		{"bytes", `console.log(new Uint8Array(3))`, "info [3 bytes]"},
		{"an object that refuses", `console.log({toJSON() { throw new Error('no') }})`, "info [object that cannot be printed: Error: no"},
		{"a long line is cut", `console.log('x'.repeat(1e7))`, "info " + strings.Repeat("x", 100)},
		{"an error's positions", `console.warn(new Error('e').stack)`, "warn Error: e\n\tat f (test.js:1:"},
		{"unhandled rejection", `Promise.reject(new Error('lost')); await new Promise(d => setTimeout(d, 1))`, "error unhandled rejection: test.js:1:"},
		{"a handled rejection", `Promise.reject(1).catch(() => {})`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, logs := eval(t, tt.body)
			got := strings.Join(logs, "\n")
			if !strings.HasPrefix(got, tt.want) || len(got) > MaxLine+200 || tt.want == "" && got != "" {
				t.Errorf("got %.300q (%d bytes), want %q", got, len(got), tt.want)
			}
		})
	}
}

func TestLoadReportsSyntaxErrors(t *testing.T) {
	_, err := New(Options{}).Load(Program{JS: []byte("var a = 1;\n  let b = ;"), File: "bad.js"})
	var e *Error
	if !errors.As(err, &e) || e.File != "bad.js" || e.Line != 2 || !strings.HasPrefix(e.Message, "SyntaxError: ") {
		t.Errorf("got %#v", err)
	}
}

func TestInterrupt(t *testing.T) {
	for name, body := range map[string]string{"running": "for(let n=0;;n++) n = n*2;", "waiting": "await new Promise(d => setTimeout(d, 1e6))"} {
		t.Run(name, func(t *testing.T) {
			r := New(Options{})
			if _, err := r.Load(Program{JS: []byte("var __capo = { f: async () => {\n" + body + "} }"), File: "t.js"}); err != nil {
				t.Fatal(err)
			}
			f, _ := goja.AssertFunction(r.VM().Get("__capo").(*goja.Object).Get("f"))
			reason := errors.New("enough")
			time.AfterFunc(20*time.Millisecond, func() { r.Interrupt(reason) })
			_, err := r.Await(func() (goja.Value, error) { return f(goja.Undefined()) })
			var stop *InterruptError
			if !errors.As(err, &stop) || !errors.Is(err, reason) {
				t.Fatalf("got %v", err)
			}
			if name == "running" && stop.At.Line != 2 {
				t.Errorf("stopped at %+v, want line 2", stop.At)
			}
			if v, err := r.Await(func() (goja.Value, error) { return r.VM().RunString("1+1") }); err != nil || v.ToInteger() != 2 {
				t.Errorf("afterwards: %v, %v", v, err)
			}
		})
	}
}

func TestCallbacksComeFromAnyGoroutine(t *testing.T) {
	r := New(Options{})
	n := 0
	v, err := r.Await(func() (goja.Value, error) {
		p, resolve, _ := r.VM().NewPromise()
		for range 100 {
			deliver := r.RegisterCallback()
			go deliver(func() error {
				if n++; n == 100 {
					return resolve(fmt.Sprint("all ", n))
				}
				return nil
			})
		}
		return r.VM().ToValue(p), nil
	})
	if err != nil || v.String() != "all 100" {
		t.Errorf("got %v, %v", v, err)
	}
}

func TestNothingRunsBetweenTurns(t *testing.T) {
	r := New(Options{})
	turn := func(js string) string {
		v, err := r.Await(func() (goja.Value, error) { return r.VM().RunString(js) })
		if err != nil {
			t.Fatal(err)
		}
		return v.String()
	}
	turn(`var n = 0; setInterval(() => n++, 1)`)
	if got := turn(`new Promise(d => setTimeout(() => d(n), 20))`); got != "0" {
		t.Errorf("a timer of an earlier turn ran %s times", got)
	}
}

func TestACallbackOfAnEarlierTurnIsDropped(t *testing.T) {
	r := New(Options{})
	var late func(func() error)
	if _, err := r.Await(func() (goja.Value, error) {
		late = r.RegisterCallback()
		return goja.Undefined(), nil
	}); err != nil {
		t.Fatal(err)
	}
	_, err := r.Await(func() (goja.Value, error) {
		late(func() error { t.Error("it ran"); return nil })
		return r.VM().RunString(`new Promise(d => setTimeout(d, 5))`)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestPositionsAreExactToTheColumn(t *testing.T) {
	p := Program{File: "x.js", Map: []byte(`{"version":3,"sources":["a.ts"],"names":[],"mappings":"AAAU,CAAU"}`)}
	for column, want := range map[int]int{1: 11, 2: 21, 9: 21} {
		if file, line, got := p.original(1, column); file != "a.ts" || line != 1 || got != want {
			t.Errorf("column %d is %s:%d:%d, want column %d", column, file, line, got, want)
		}
	}
	if got := p.translate("at f (capo:bundle:1:2(33)) and capo:bundle:1:1"); got != "at f (a.ts:1:21) and a.ts:1:11" {
		t.Errorf("got %s", got)
	}
	broken := Program{File: "x.js", Map: []byte(`{"version":3,"mappings":"!!"}`)}
	if file, line, _ := broken.original(3, 4); file != "x.js" || line != 0 {
		t.Errorf("a broken map gives no position: %s:%d", file, line)
	}
}
