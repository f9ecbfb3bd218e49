package jsrt

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"
)

// Error is an exception of JavaScript with its position in the user's file.
type Error struct {
	Message string `json:"message"`          // "TypeError: x is not a function"
	File    string `json:"file,omitempty"`   // as the source map names it
	Line    int    `json:"line,omitempty"`   // 1 is the first; 0: not known
	Column  int    `json:"column,omitempty"` // 1 is the first
	Stack   string `json:"stack,omitempty"`  // a line for each frame, innermost first
}

// Error is "file:line:column: message".
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// InterruptError says that the program was stopped from outside, and where it was.
type InterruptError struct {
	Reason error // what Interrupt was called with
	At     Error // the position; Line is 0 when the program was waiting
}

// Error gives the reason and, when it is known, the position.
func (e *InterruptError) Error() string {
	if e.At.Line == 0 {
		return e.Reason.Error()
	}
	return fmt.Sprintf("%s:%d:%d: %v", e.At.File, e.At.Line, e.At.Column, e.Reason)
}

// Unwrap is the reason.
func (e *InterruptError) Unwrap() error { return e.Reason }

// maxStack bounds the frames that an error carries.
const maxStack = 50

// maxMessage bounds an error's message, in bytes.
const maxMessage = 4 << 10

// wrap turns any error of the VM into one with positions in the user's files.
func (r *Runtime) wrap(err error) error {
	var (
		ours      *Error
		interrupt *goja.InterruptedError
		overflow  *goja.StackOverflowError
		exception *goja.Exception
		syntax    *syntaxError
	)
	switch {
	case errors.As(err, &ours), errors.Is(err, ErrNeverSettles):
		return err
	case errors.As(err, &interrupt):
		reason, ok := interrupt.Value().(error)
		if !ok {
			reason = fmt.Errorf("%v", interrupt.Value())
		}
		return &InterruptError{Reason: reason, At: r.at(reason.Error(), interrupt.Stack())}
	case errors.As(err, &overflow):
		e := r.at("RangeError: the call stack is too deep", overflow.Stack())
		return &e
	case errors.As(err, &exception):
		return r.wrapValue(exception.Value(), exception.Stack())
	case errors.As(err, &syntax):
		file, line, column := r.program.original(syntax.line, syntax.column)
		return &Error{Message: "SyntaxError: " + syntax.message, File: file, Line: line, Column: column}
	}
	return err
}

// wrapValue turns a thrown value into an error. The stack says where it was thrown, when known.
func (r *Runtime) wrapValue(v goja.Value, stack []goja.StackFrame) *Error {
	e := r.at("", stack)
	obj, ok := v.(*goja.Object)
	if !ok {
		e.Message = clip(fmt.Sprint("Uncaught ", v), maxMessage)
		return &e
	}
	if err := r.Try(func() {
		e.Message = clip(obj.String(), maxMessage)
		text, ok := obj.Get("stack").(goja.String)
		if !ok {
			return
		}
		if f := r.program.fromStack(text.String()); f.Line > 0 {
			e.File, e.Line, e.Column, e.Stack = f.File, f.Line, f.Column, f.Stack
		}
		if cause := obj.Get("cause"); cause != nil && !goja.IsUndefined(cause) {
			e.Message = clip(e.Message+" (cause: "+cause.String()+")", maxMessage)
		}
	}); err != nil && e.Message == "" {
		e.Message = "Uncaught object whose text cannot be had"
	}
	return &e
}

// Try calls f, which may touch objects of the program, and returns what a getter or a conversion
// threw, or the interruption that came meanwhile.
func (r *Runtime) Try(f func()) (err error) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if e, ok := p.(error); ok {
			err = e
			return
		}
		err = fmt.Errorf("%v", p)
	}()
	if ex := r.vm.Try(f); ex != nil {
		return ex
	}
	return nil
}

// at describes the innermost frame that has a position.
func (r *Runtime) at(message string, stack []goja.StackFrame) Error {
	var b strings.Builder
	for i, f := range stack {
		if i == maxStack {
			break
		}
		if p := f.Position(); p.Filename == scriptName {
			fmt.Fprintf(&b, "\tat %s (%s:%d:%d)\n", f.FuncName(), scriptName, p.Line, p.Column)
		}
	}
	e := r.program.fromStack(b.String())
	e.Message = message
	return e
}

// trackRejection keeps the promises that were rejected while nobody listened.
func (r *Runtime) trackRejection(p *goja.Promise, op goja.PromiseRejectionOperation) {
	if op == goja.PromiseRejectionReject {
		r.rejected[p] = struct{}{}
		return
	}
	delete(r.rejected, p)
}

// reportRejections logs the rejections that are still unhandled when the microtasks have run.
func (r *Runtime) reportRejections() {
	for p := range r.rejected {
		delete(r.rejected, p)
		r.opts.Log(LevelError, "unhandled rejection: "+r.wrapValue(p.Result(), nil).Error())
	}
}

// syntaxError is what the parser says, with the position in the bundle.
type syntaxError struct {
	message      string
	line, column int
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("%d:%d: %s", e.line, e.column, e.message)
}

// compile parses and compiles a script; what it cannot parse is a *syntaxError.
func compile(name, src string) (*goja.Program, error) {
	ast, err := parser.ParseFile(nil, name, src, 0, parser.WithDisableSourceMaps)
	var list parser.ErrorList
	if errors.As(err, &list) && len(list) > 0 {
		p := list[0].Position
		return nil, &syntaxError{list[0].Message, p.Line, p.Column}
	}
	if err != nil {
		return nil, &syntaxError{err.Error(), 1, 1}
	}
	prg, err := goja.CompileAST(ast, false)
	var bad *goja.CompilerSyntaxError
	if errors.As(err, &bad) && bad.File != nil {
		p := bad.File.Position(bad.Offset)
		return nil, &syntaxError{bad.Message, p.Line, p.Column}
	}
	if err != nil {
		return nil, &syntaxError{err.Error(), 1, 1}
	}
	return prg, nil
}

// clip cuts a text at n bytes and says so.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + fmt.Sprintf("… (%d bytes more)", len(s)-n)
}
