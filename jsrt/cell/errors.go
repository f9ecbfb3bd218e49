package cell

import (
	"errors"
	"fmt"
	"strings"

	"github.com/capodekappa/capo/jsrt"
)

// JSError is an exception that the program threw, with its position in the user's file.
type JSError = jsrt.Error

// Kinds of failure, for errors.Is. The error itself is an *[Error].
var (
	ErrTimeout      = errors.New("timed out")
	ErrMemory       = errors.New("ran out of memory")
	ErrCrashed      = errors.New("crashed")
	ErrNeverSettles = jsrt.ErrNeverSettles
	ErrOutput       = errors.New("put out too much")
	ErrNoHandler    = errors.New("has no such handler")
	ErrClosed       = errors.New("the cell was closed")
	ErrStart        = errors.New("the cell could not be started")
)

// Error is any failure of a cell that is not an exception.
type Error struct {
	Kind   error   // one of the kinds above
	Detail string  // what happened, may be empty
	At     JSError // where the program was; Line is 0 when that is not known
}

// Error is "file:line:column: kind: detail", as far as they are known.
func (e *Error) Error() string {
	var b strings.Builder
	if e.At.Line > 0 {
		fmt.Fprintf(&b, "%s:%d:%d: ", e.At.File, e.At.Line, e.At.Column)
	}
	b.WriteString(e.Kind.Error())
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	return b.String()
}

// Unwrap is the kind.
func (e *Error) Unwrap() error { return e.Kind }

// failure is an error on its way from the child.
type failure struct {
	Kind    string  `json:"kind"` // exception or a name in failureKinds
	Message string  `json:"message,omitempty"`
	At      JSError `json:"at"`
}

var failureKinds = map[string]error{
	"timeout": ErrTimeout, "never-settles": ErrNeverSettles, "output": ErrOutput, "no-handler": ErrNoHandler,
}

func (f failure) err() error {
	if f.Kind == "exception" {
		e := f.At
		return &e
	}
	kind, ok := failureKinds[f.Kind]
	if !ok {
		kind = ErrCrashed
	}
	return &Error{Kind: kind, Detail: f.Message, At: f.At}
}

// failureOf describes an error inside the child.
func failureOf(err error) failure {
	var (
		js   *jsrt.Error
		stop *jsrt.InterruptError
		ours *Error
	)
	switch {
	case errors.As(err, &stop):
		if kind := new(Error); errors.As(stop.Reason, &kind) {
			kind = &Error{Kind: kind.Kind, Detail: kind.Detail, At: stop.At}
			return failureOf(kind)
		}
		return failure{Kind: "timeout", At: stop.At}
	case errors.As(err, &ours):
		for name, kind := range failureKinds {
			if kind == ours.Kind {
				return failure{Kind: name, Message: ours.Detail, At: ours.At}
			}
		}
	case errors.As(err, &js):
		return failure{Kind: "exception", At: *js}
	case errors.Is(err, ErrNeverSettles):
		return failure{Kind: "never-settles"}
	}
	return failure{Kind: "exception", At: jsrt.Error{Message: err.Error()}}
}
