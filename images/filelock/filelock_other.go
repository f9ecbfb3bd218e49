//go:build !unix

package filelock

// With runs fn; without flock nothing keeps two processes from doing the same work twice.
func With(_ string, fn func() error) error { return fn() }

// WithNotice is [With]; there is never anybody to wait for.
func WithNotice(_ string, _ func(), fn func() error) error { return fn() }
