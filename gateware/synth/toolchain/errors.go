package toolchain

import (
	"errors"
	"fmt"
	"strings"
)

// What can go wrong with a tool.
var (
	ErrMissing = errors.New("is not here")
	ErrCrashed = errors.New("crashed")
	ErrTimeout = errors.New("took too long")
	ErrFailed  = errors.New("failed")
	ErrVersion = errors.New("is another version")
)

// Error is what happened to which tool, and what mends it.
type Error struct {
	Tool   string // with its version where that is known
	Kind   error  // one of the Err… above
	Detail string
	Mend   string // a command or an advice, "" when there is none
	Log    string // the end of what the tool printed
}

// Error says it in one line.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %v", e.Tool, e.Kind)
	if e.Detail != "" {
		fmt.Fprintf(&b, ": %s", e.Detail)
	}
	if e.Mend != "" {
		fmt.Fprintf(&b, "; %s", e.Mend)
	}
	return b.String()
}

// Unwrap is the kind.
func (e *Error) Unwrap() error { return e.Kind }

// InstallCommand is what gets missing tools.
const InstallCommand = "capo doctor --install --for kernel"
