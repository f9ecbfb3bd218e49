package jsrt

import (
	"fmt"
	"strings"

	"github.com/dop251/goja"
)

// Level is how much a printed line matters.
type Level uint8

// The levels of console.debug, console.log and console.info, console.warn, console.error.
const (
	LevelDebug Level = iota
	LevelInfo
	LevelWarn
	LevelError
)

// String is the level's name in lower case.
func (l Level) String() string {
	switch l {
	case LevelDebug:
		return "debug"
	case LevelInfo:
		return "info"
	case LevelWarn:
		return "warn"
	case LevelError:
		return "error"
	}
	return fmt.Sprintf("level(%d)", uint8(l))
}

// MaxLine is how many bytes of one printed line are kept.
const MaxLine = 8 << 10

// Log prints a line as the console does, positions in the bundle translated.
func (r *Runtime) Log(level Level, text string) {
	r.opts.Log(level, r.program.translate(clip(text, MaxLine)))
}

func (r *Runtime) installConsole() {
	console := r.vm.NewObject()
	for name, level := range map[string]Level{
		"debug": LevelDebug, "trace": LevelDebug, "log": LevelInfo, "info": LevelInfo,
		"dir": LevelInfo, "table": LevelInfo, "warn": LevelWarn, "error": LevelError,
	} {
		r.set(console, name, func(call goja.FunctionCall) goja.Value {
			r.Log(level, r.format(call.Arguments))
			return goja.Undefined()
		})
	}
	r.set(console, "assert", func(call goja.FunctionCall) goja.Value {
		if !call.Argument(0).ToBoolean() {
			r.Log(LevelError, "assertion failed: "+r.format(call.Arguments[min(1, len(call.Arguments)):]))
		}
		return goja.Undefined()
	})
	r.set(r.vm.GlobalObject(), "console", console)
}

// format joins the arguments as a console does, and stops when the line is full.
func (r *Runtime) format(args []goja.Value) string {
	var b strings.Builder
	for i, v := range args {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(r.inspect(v))
		if b.Len() > MaxLine {
			break
		}
	}
	return b.String()
}

// inspect is one value as text: strings as they are, errors with their stack, objects as JSON.
func (r *Runtime) inspect(v goja.Value) string {
	obj, ok := v.(*goja.Object)
	if !ok {
		if s, ok := v.(goja.String); ok && s.Length() > MaxLine {
			return fmt.Sprintf("%s… (%d characters)", s.Substring(0, MaxLine).String(), s.Length())
		}
		return v.String()
	}
	text := "[object]"
	if err := r.Try(func() { text = r.inspectObject(obj) }); err != nil {
		return "[object that cannot be printed: " + err.Error() + "]"
	}
	return text
}

func (r *Runtime) inspectObject(obj *goja.Object) string {
	switch obj.ClassName() {
	case "Function":
		return "[function " + obj.Get("name").String() + "]"
	case "Error":
		if stack := obj.Get("stack"); stack != nil {
			return strings.TrimRight(stack.String(), "\n")
		}
		return obj.String()
	}
	switch x := obj.Export().(type) {
	case *goja.Promise:
		return "[promise]"
	case goja.ArrayBuffer:
		return fmt.Sprintf("[ArrayBuffer of %d bytes]", len(x.Bytes()))
	case []byte:
		return fmt.Sprintf("[%d bytes]", len(x))
	}
	text, err := r.stringify(goja.Undefined(), obj)
	if err != nil {
		panic(err)
	}
	if goja.IsUndefined(text) {
		return obj.String()
	}
	return text.String()
}
