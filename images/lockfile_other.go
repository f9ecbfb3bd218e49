//go:build !unix

package images

// locked runs fn; without flock nothing keeps two processes from doing the same work twice.
func locked(_ string, fn func() error) error { return fn() }
