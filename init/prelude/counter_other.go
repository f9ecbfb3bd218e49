//go:build !amd64 && !arm64

package prelude

// counter is 0: a Cortex-A9 has none that a process may read, and reading another's there ends the process.
func counter() uint64 { return 0 }
