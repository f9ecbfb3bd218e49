package node

import (
	"maps"
	"sync"
)

// tally counts by two words, such as a job and what became of it.
type tally struct {
	mu sync.Mutex // guards by
	by map[[2]string]uint64
}

func newTally() *tally { return &tally{by: map[[2]string]uint64{}} }

func (t *tally) add(a, b string, n uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.by[[2]string{a, b}] += n
}

// all copies the counts.
func (t *tally) all() map[[2]string]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.by)
}
