// Command dist builds what another computer needs in order to use Capo: the node's executable for each processor, Linux for
// the boards, and the command for each system.
//
//	dist [--out DIR] [--version V] [--linux=false]
//
// A computer that has the folder (capo --dist DIR, or $CAPO_DIST) needs neither Go nor apt. The same source gives the same
// bytes. It runs in the root of the tree.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/capodekappa/capo/images"
)

func main() {
	var c config
	flag.StringVar(&c.out, "out", "dist", "write to this `folder`")
	flag.StringVar(&c.version, "version", images.Version(), "the `version` that the node's executables say")
	flag.BoolVar(&c.linux, "linux", true, "fetch the boards' Linux packages too")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, c); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}
