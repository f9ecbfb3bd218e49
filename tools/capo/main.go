// Command capo is the operator's command: it makes fleets and images, starts nodes, deploys jobs
// and shows what a fleet does. It speaks HTTP to any one node.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/capodekappa/capo/gateware/synth/toolchain"
	"github.com/capodekappa/capo/jsrt/bundle"
	"github.com/capodekappa/capo/jsrt/cell"
	"github.com/capodekappa/capo/tools/capo/cmd"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "cell" {
		os.Exit(cell.Main(os.Args[2:], bundle.Tasks()...))
	}
	if len(os.Args) > 1 && os.Args[1] == toolchain.ChildArgument {
		os.Exit(toolchain.Main(os.Args[2:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cmd.Main(ctx, os.Args[1:], cmd.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}
