// Command testrun runs the Go tests of the tree and says what failed, once, at the end.
//
// Its last line is `N passed, N failed`, where each test without subtests counts as one. A test
// that is skipped is named; with CI set in the environment it is a failure, but for those
// that only `make test-long` runs.
//
//	testrun [-add FILE] [-sum FILE] [-alone LIST] -- [go test's flags and packages]
//
// The packages of the -alone list, which tests time or emulates machines, run after the others, one at a
// time. With -add the counts are added to a file; with -sum nothing is run and the file's sum is printed.
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
	add := flag.String("add", "", "add the counts to this `file`")
	alone := flag.String("alone", "", "a comma-joined `list` of packages that run after the others, one at a time")
	sum := flag.String("sum", "", "run nothing, print the sum of this `file`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var total counts
	var err error
	if *sum != "" {
		total, err = readCounts(*sum)
	} else {
		total, err = runAll(ctx, flag.Args(), *alone, os.Stdout)
		if *add != "" {
			err = join(err, addCounts(*add, total))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "testrun:", err)
	}
	fmt.Printf("%d passed, %d failed\n", total.passed, total.failed)
	if err != nil || total.failed > 0 {
		os.Exit(1)
	}
}
