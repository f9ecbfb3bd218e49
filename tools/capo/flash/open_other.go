//go:build !linux

package flash

import "os"

// openExclusive opens a path. Elsewhere than on Linux a mounted disk is refused by the system itself.
func openExclusive(path string, write, _ bool) (*os.File, error) {
	if write {
		return os.OpenFile(path, os.O_RDWR, 0)
	}
	return os.Open(path)
}

// Forget does nothing: macOS's raw devices (/dev/rdisk…) have no cache.
func (f *file) Forget() error { return nil }

func (f *file) settle() {}

func openDirect(string) reader { return nil }
