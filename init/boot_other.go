//go:build !linux

package main

import "errors"

func bootMachine() error { return errors.New("only Linux can boot into a node") }
