//go:build !linux

package cell

import (
	"fmt"
	"os"
	"runtime/metrics"
	"time"
)

// confine starts a watch that ends the process when its memory is used up.
func confine(s setup, prepare func() error) ([]string, error) {
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		for {
			time.Sleep(10 * time.Millisecond)
			metrics.Read(sample)
			if used := sample[0].Value.Uint64() - sample[1].Value.Uint64(); used > uint64(s.Memory+Overhead) {
				fmt.Fprintln(os.Stderr, "out of memory")
				os.Exit(exitMemory)
			}
		}
	}()
	return nil, prepare()
}

func input() *os.File { return os.Stdin }
