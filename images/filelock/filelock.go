// Package filelock keeps two processes from doing the same work at once: one makes a file or folder of the
// cache while the other waits and then finds it there.
package filelock
