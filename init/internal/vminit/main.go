// Command vminit is a node for tests of init: it does what capo.test= on the kernel's command line says and prints the
// outcome on the console.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/capodekappa/capo/init/boot"
)

func main() {
	if err := boot.Run(run); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func run(ctx context.Context, h boot.Handover) error {
	h.Log.Info("TEST up", "id", h.ID, "name", h.Name, "cells", h.CellsCgroup)
	for range h.Net.Watch(ctx) {
		h.Log.Info("TEST addrs", "n", len(h.Net.Addrs()))
	}
	<-ctx.Done()
	return nil
}
