// Command linux builds the kernels, the device trees and the boot loaders of boards: all recipes of buildroot, or those that are
// named. What is in the cache already is not built again.
//
//	linux [RECIPE…]
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/capodekappa/capo/buildroot"
	"github.com/capodekappa/capo/images"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	names := os.Args[1:]
	if len(names) == 0 {
		names = buildroot.Names()
	}
	if err := run(ctx, names); err != nil {
		fmt.Fprintln(os.Stderr, "linux:", err)
		os.Exit(1)
	}
}

// run builds recipes one after the other, since each uses all processors, and prints where their results are.
func run(ctx context.Context, names []string) error {
	source := images.NewSource("", slog.New(slog.NewTextHandler(os.Stderr, nil)))
	for _, name := range names {
		dir, err := source.Recipe(ctx, name)
		if err != nil {
			return err
		}
		fmt.Printf("%s\t%s\n", name, dir)
	}
	return nil
}
