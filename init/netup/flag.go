package netup

import (
	"context"
	"sync"
)

// flag is a condition that can be waited for.
type flag struct {
	mu      sync.Mutex // guards what follows
	on      bool
	changed chan struct{} // closed at the next change
}

func newFlag() *flag { return &flag{changed: make(chan struct{})} }

func (f *flag) set(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.on != on {
		f.on = on
		close(f.changed)
		f.changed = make(chan struct{})
	}
}

func (f *flag) get() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.on
}

// wait waits until the flag is as wanted and reports whether it is; false means that ctx ended first.
func (f *flag) wait(ctx context.Context, want bool) bool {
	for {
		f.mu.Lock()
		on, changed := f.on, f.changed
		f.mu.Unlock()
		if on == want {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}
