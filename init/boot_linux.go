package main

import "github.com/capodekappa/capo/init/boot"

// bootMachine is PID 1.
func bootMachine() error { return boot.Run(runNode) }
