//go:build unix

package main

import (
	"os"
	"syscall"
)

// canBeginAnew: a process can run its program again in its place.
const canBeginAnew = true

// beginAnew runs this program again in this process, with its arguments. It returns only where that is impossible.
func beginAnew(args, env []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(self, args, env)
}
