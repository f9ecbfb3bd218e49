// Package lab tests a fleet as a network has it: real nodes as processes, each in a network
// namespace of its own (as root) or on the loopback (as an unprivileged user), which find each
// other, are cut off, killed and joined, and lied to.
//
// What a node is comes from package images, as for everybody; the scenarios of forming are those of
// package forming.
package lab
