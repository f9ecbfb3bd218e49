package main

import (
	"context"

	"github.com/capodekappa/capo/init/boot"
)

// runNode is the seam between the machine and the node: it turns what the machine hands over into a node's
// configuration and runs the node until ctx ends.
func runNode(ctx context.Context, h boot.Handover) error {
	h.Log.Info("no node in this build; waiting")
	<-ctx.Done()
	return nil
}
