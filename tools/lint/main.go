// Command lint checks what every change has to keep: the form of the source (gofmt), go vet, and the house's rules
// (test/house: comments, imports, sizes, formats).
//
//	lint [--fix]
//
// With --fix it writes the source in gofmt's form and checks nothing else. It runs in the root of the tree.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	fix := flag.Bool("fix", false, "write the source in gofmt's form, and check nothing else")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *fix, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "lint:", err)
		os.Exit(1)
	}
}
