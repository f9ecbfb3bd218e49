package main

import "errors"

// runCell is a cell: a confined child process of a node.
func runCell([]string) error { return errors.New("cells are not in this build") }

// runHost is a node as a plain process: --config names its configuration.
func runHost([]string) error { return errors.New("host nodes are not in this build") }
