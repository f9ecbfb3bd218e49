package main

import (
	"github.com/capodekappa/capo/init/boot"
	"github.com/capodekappa/capo/node"
)

// bootMachine is PID 1.
func bootMachine() error { return boot.Run(runNode, node.Tap) }
