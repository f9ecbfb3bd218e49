// Package netup stub.
package netup

import (
	"context"
	"log/slog"

	"github.com/capodekappa/capo/init/cmdline"
)

// Manager manages.
type Manager struct{}

// Start starts.
func Start(ctx context.Context, log *slog.Logger, ip cmdline.IP) (*Manager, error) {
	return &Manager{}, nil
}
