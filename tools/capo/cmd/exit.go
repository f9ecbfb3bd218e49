package cmd

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/tools/capo/local"
)

// The exit codes of the command.
const (
	exitFailed  = 1
	exitUsage   = 2
	exitNoFleet = 3
	exitRefused = 4
	exitTimeout = 5
)

// coded is an error with its exit code.
type coded struct {
	error
	code int
}

func (c coded) Unwrap() error { return c.error }

// silent is an error that was shown already.
type silent struct{ coded }

func (s silent) Unwrap() error { return s.coded }

func usage(err error) error   { return coded{err, exitUsage} }
func noFleet(err error) error { return coded{err, exitNoFleet} }
func shown(code int) error    { return silent{coded{errors.New("failed"), code}} }

// exitCode is the code of an error: its own, or that of its kind.
func exitCode(err error) int {
	var c coded
	var status *api.StatusError
	switch {
	case strings.HasPrefix(err.Error(), "unknown command"), strings.HasPrefix(err.Error(), "required flag"): // cobra's own
		return exitUsage
	case errors.As(err, &c):
		return c.code
	case trust.Reason(err) != "other":
		return exitRefused
	case errors.Is(err, api.ErrUnreachable), errors.Is(err, fleet.ErrNoFleet), errors.Is(err, fleet.ErrNotFound), errors.Is(err, local.ErrNotRunning):
		return exitNoFleet
	case errors.Is(err, context.DeadlineExceeded):
		return exitTimeout
	case errors.As(err, &status):
		switch status.Problem.Status {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusConflict:
			return exitRefused
		case http.StatusServiceUnavailable:
			return exitNoFleet
		case http.StatusGatewayTimeout:
			return exitTimeout
		}
	}
	return exitFailed
}
