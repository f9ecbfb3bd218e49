// Package netlab makes small networks for tests: nodes, each in a network namespace of its own
// with one Ethernet interface, on bridges inside a further namespace, so that nothing leaves.
//
// A bridge is an island; a node is moved from island to island, and its link goes down and up.
// Making namespaces needs root and Linux. Everything is removed when the test ends.
package netlab
