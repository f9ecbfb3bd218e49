// Package jsrt is the JavaScript runtime: one goja VM and its event loop, with the globals that an
// ordinary program expects (console, timers, promises, text encoding, structuredClone).
//
// A [Runtime] belongs to one goroutine, the one that calls [Runtime.Load] and [Runtime.Await].
// Other goroutines reach it in two ways only: through a callback registered with
// [Runtime.RegisterCallback], and through [Runtime.Interrupt].
//
// The runtime has no limit of memory and cannot be interrupted inside a builtin; what it runs must
// therefore run in a process of its own (package cell).
package jsrt

import (
	"errors"
	"fmt"
	"time"

	"github.com/dop251/goja"
)

// ErrNeverSettles says that a promise is pending and nothing is left that could settle it: no
// timer, no registered callback.
var ErrNeverSettles = errors.New("never settles: the promise is pending and no timer or call is left that could settle it")

// Options are what a Runtime is made with. The zero value is usable.
type Options struct {
	// Log receives what the program prints. Nil discards it.
	Log func(level Level, text string)
	// MaxCallStack is the greatest depth of JavaScript calls; 0 means 2000.
	MaxCallStack int
}

// Program is a bundle: a script that leaves its exports in a global variable.
type Program struct {
	// Global is the name of the variable that holds the exports; "" means [Global].
	Global string
	// JS is the script.
	JS []byte
	// Map is its source map (version 3), or nil.
	Map []byte
	// File is what an error is attributed to when there is no source map.
	File string
}

// Global is the variable in which a bundle leaves its exports.
const Global = "__capo"

// scriptName is how the VM names the bundle, so that its positions can be found in any text.
const scriptName = "capo:bundle"

// Runtime is one VM with its event loop.
type Runtime struct {
	vm        *goja.Runtime
	opts      Options
	loop      loop
	program   Program
	rejected  map[*goja.Promise]struct{}
	resolve   goja.Callable // Promise.resolve, so that thenables are awaited too
	listen    goja.Callable // marks a promise as handled
	stringify goja.Callable // JSON.stringify
}

// New makes a runtime and its globals.
func New(opts Options) *Runtime {
	if opts.MaxCallStack == 0 {
		opts.MaxCallStack = 2000
	}
	if opts.Log == nil {
		opts.Log = func(Level, string) {}
	}
	r := &Runtime{vm: goja.New(), opts: opts, rejected: map[*goja.Promise]struct{}{}}
	r.loop.init()
	r.vm.SetMaxCallStackSize(opts.MaxCallStack)
	r.vm.SetPromiseRejectionTracker(r.trackRejection)
	r.installGlobals()
	return r
}

// VM is the goja runtime, for the goroutine that owns r.
func (r *Runtime) VM() *goja.Runtime { return r.vm }

// Load compiles and runs the program's top level and returns its exports. A top level that throws
// gives an *[Error] with the position in the user's file.
func (r *Runtime) Load(p Program) (*goja.Object, error) {
	if p.Global == "" {
		p.Global = Global
	}
	r.program = p
	prg, err := compile(scriptName, string(p.JS))
	if err != nil {
		return nil, r.wrap(err)
	}
	_, err = r.Await(func() (goja.Value, error) { return r.vm.RunProgram(prg) })
	if err != nil {
		return nil, err
	}
	var exports *goja.Object
	err = r.Try(func() { exports, _ = r.vm.Get(p.Global).(*goja.Object) })
	if err != nil {
		return nil, r.wrap(err)
	}
	if exports == nil {
		return nil, fmt.Errorf("load %s: the bundle has no exports in %s", p.File, p.Global)
	}
	return exports, nil
}

// Await runs f on the event loop until the promise that it returns has settled, and returns what it
// settled to; any other value is returned as it is. Timers and callbacks that are left over when it
// returns are cancelled. Errors of JavaScript are of type *[Error]; a promise that cannot settle any
// more is [ErrNeverSettles]; after [Runtime.Interrupt] the error is an *[InterruptError].
func (r *Runtime) Await(f func() (goja.Value, error)) (goja.Value, error) {
	defer r.endTurn()
	var v goja.Value
	err := r.Try(func() {
		var err error
		if v, err = f(); err != nil {
			panic(err)
		}
	})
	if err != nil {
		return nil, r.wrap(err)
	}
	promise, err := r.asPromise(v)
	if err != nil {
		return nil, r.wrap(err)
	}
	for {
		r.reportRejections()
		if promise == nil {
			return v, nil
		}
		switch promise.State() {
		case goja.PromiseStateFulfilled:
			return promise.Result(), nil
		case goja.PromiseStateRejected:
			return nil, r.wrapValue(promise.Result(), nil)
		}
		task, err := r.loop.next(time.Now)
		if err != nil {
			return nil, r.wrap(err)
		}
		if err := r.Try(func() {
			if err := task(); err != nil {
				panic(err)
			}
		}); err != nil {
			return nil, r.wrap(err)
		}
	}
}

// Interrupt makes the running or waiting Await return an *[InterruptError] with this reason. A VM
// inside a native builtin does not hear it. It may be called from any goroutine.
func (r *Runtime) Interrupt(reason error) {
	r.loop.interrupt(reason)
	r.vm.Interrupt(reason)
}

// RegisterCallback tells the loop that something outside of it is under way. The function that it
// returns is called once, from any goroutine, with what then has to run on the loop. A callback
// that comes after its Await has returned is dropped.
func (r *Runtime) RegisterCallback() func(func() error) { return r.loop.register() }

// endTurn cancels what a finished Await left behind, so that a program cannot run unasked.
func (r *Runtime) endTurn() {
	r.reportRejections()
	r.loop.reset()
	r.vm.ClearInterrupt()
}

// asPromise gives the promise to wait for, or nil when v is not one. A thenable is wrapped.
func (r *Runtime) asPromise(v goja.Value) (*goja.Promise, error) {
	obj, ok := v.(*goja.Object)
	if !ok {
		return nil, nil
	}
	if p, ok := obj.Export().(*goja.Promise); ok {
		return p, r.markHandled(v)
	}
	var wrapped goja.Value
	if err := r.Try(func() {
		if _, ok := goja.AssertFunction(obj.Get("then")); !ok {
			return
		}
		var err error
		if wrapped, err = r.resolve(goja.Undefined(), v); err != nil {
			panic(err)
		}
	}); err != nil {
		return nil, err
	}
	if wrapped == nil {
		return nil, nil
	}
	p, _ := wrapped.Export().(*goja.Promise)
	return p, r.markHandled(wrapped)
}

// markHandled keeps a promise that Go waits for from being reported as an unhandled rejection.
func (r *Runtime) markHandled(promise goja.Value) error {
	_, err := r.listen(goja.Undefined(), promise)
	return err
}
