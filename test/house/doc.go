// Package house tests the rules that every part of the tree keeps: doc comments, which folder may import which, what
// may be in the node's binary, sizes of files, names of tests, formats as docs/formats.md has them, and that the command and the
// node build for all their systems. It has no code of its own.
package house
