package jsrt

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/dop251/goja"
)

// shims are the globals that are easiest said in JavaScript.
const shims = `(function (g) {
	const hide = (name, value) => Object.defineProperty(g, name, { value, writable: true, configurable: true });
	if (!Symbol.asyncIterator) Object.defineProperty(Symbol, 'asyncIterator', { value: Symbol('Symbol.asyncIterator') });
	hide('queueMicrotask', function queueMicrotask(f) {
		if (typeof f !== 'function') throw new TypeError('queueMicrotask needs a function');
		Promise.resolve().then(() => { f(); });
	});
	hide('self', g);
	const P = Promise, then = P.prototype.then, call = Reflect.apply, quiet = () => {};
	return [v => P.resolve(v), p => call(then, p, [quiet, quiet]), JSON.stringify];
})(globalThis)`

// set defines a property of a plain object, which cannot fail.
func (r *Runtime) set(o *goja.Object, name string, value any) { _ = o.Set(name, value) }

func (r *Runtime) installGlobals() {
	v, err := r.vm.RunScript("capo:shims", shims)
	if err == nil {
		helpers := v.(*goja.Object)
		r.resolve, _ = goja.AssertFunction(helpers.Get("0"))
		r.listen, _ = goja.AssertFunction(helpers.Get("1"))
		r.stringify, _ = goja.AssertFunction(helpers.Get("2"))
	}
	r.installConsole()
	r.installTimers()
	r.installText()
	r.installBase64()
	r.installClone()
	start := time.Now()
	performance := r.vm.NewObject()
	r.set(performance, "now", func() float64 { return float64(time.Since(start)) / 1e6 })
	r.set(performance, "timeOrigin", float64(start.UnixMicro())/1e3)
	r.set(r.vm.GlobalObject(), "performance", performance)
}

func (r *Runtime) installTimers() {
	g := r.vm.GlobalObject()
	for name, repeat := range map[string]bool{"setTimeout": false, "setInterval": true} {
		r.set(g, name, func(call goja.FunctionCall) goja.Value { return r.startTimer(name, repeat, call) })
	}
	r.set(g, "setImmediate", func(call goja.FunctionCall) goja.Value {
		args := append([]goja.Value{call.Argument(0), r.vm.ToValue(0)}, call.Arguments[min(1, len(call.Arguments)):]...)
		return r.startTimer("setImmediate", false, goja.FunctionCall{This: call.This, Arguments: args})
	})
	for _, name := range []string{"clearTimeout", "clearInterval", "clearImmediate"} {
		r.set(g, name, func(call goja.FunctionCall) goja.Value {
			r.loop.cancel(call.Argument(0).ToInteger())
			return goja.Undefined()
		})
	}
}

func (r *Runtime) startTimer(name string, repeat bool, call goja.FunctionCall) goja.Value {
	f, ok := goja.AssertFunction(call.Argument(0))
	if !ok {
		panic(r.vm.NewTypeError("%s needs a function", name))
	}
	const longest = 24 * 24 * time.Hour // browsers stop at 2^31 ms
	delay := time.Duration(call.Argument(1).ToInteger())
	delay = min(max(delay, 0), longest/time.Millisecond) * time.Millisecond
	var args []goja.Value
	if len(call.Arguments) > 2 {
		args = call.Arguments[2:]
	}
	id := r.loop.after(delay, repeat, func() error {
		_, err := f(goja.Undefined(), args...)
		return err
	})
	return r.vm.ToValue(id)
}

func (r *Runtime) installBase64() {
	g := r.vm.GlobalObject()
	r.set(g, "btoa", func(call goja.FunctionCall) goja.Value {
		in, _ := call.Argument(0).ToString().(goja.String)
		raw := make([]byte, in.Length())
		for i := range raw {
			c := in.CharAt(i)
			if c > 0xff {
				panic(r.vm.NewTypeError("btoa: character %d is not Latin-1", i))
			}
			raw[i] = byte(c)
		}
		return r.vm.ToValue(base64.StdEncoding.EncodeToString(raw))
	})
	r.set(g, "atob", func(call goja.FunctionCall) goja.Value {
		in := strings.TrimRight(strings.Join(strings.Fields(call.Argument(0).String()), ""), "=")
		raw, err := base64.RawStdEncoding.DecodeString(in)
		if err != nil {
			panic(r.vm.NewTypeError("atob: not base64"))
		}
		runes := make([]rune, len(raw))
		for i, c := range raw {
			runes[i] = rune(c)
		}
		return r.vm.ToValue(string(runes))
	})
}
