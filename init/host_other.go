//go:build !unix

package main

import "errors"

// canBeginAnew: a process cannot run its program again in its place.
const canBeginAnew = false

func beginAnew([]string, []string) error { return errors.New("this system cannot do that") }
