// Command init is the one executable of a node.
//
// As PID 1 it brings a board up and becomes the node. `init cell` is a confined child in which a job's JavaScript runs,
// `init host --config FILE` is a node as a plain process, and `init version` prints the version.
package main

import (
	"fmt"
	"os"

	"github.com/capodekappa/capo/init/build"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		if code, ok := err.(exitCode); ok {
			os.Exit(int(code))
		}
		fmt.Fprintln(os.Stderr, "init:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	verb := ""
	if len(args) > 0 {
		verb = args[0]
	}
	switch {
	case os.Getpid() == 1 && verb != "cell": // a cell can be PID 1 of its own namespace
		return bootMachine()
	case verb == "cell":
		return runCell(args[1:])
	case verb == "host":
		return runHost(args[1:])
	case verb == "version":
		_, err := fmt.Println(build.Version())
		return err
	}
	return fmt.Errorf("usage: init host --config FILE | init version (and PID 1 of a board)")
}
