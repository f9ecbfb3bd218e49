//go:build !unix

package filelock

// With runs fn; without flock nothing keeps two processes from doing the same work twice.
func With(_ string, fn func() error) error { return fn() }
