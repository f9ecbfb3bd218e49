package queue

import (
	"cmp"
	"context"
	"slices"
	"sync"
)

// sharing lets many follow a part of the state by one consumer: with a consumer for each, every heartbeat would be delivered by the
// log once for each node, to be handed on to it. The zero value is ready.
type sharing struct {
	mu       sync.Mutex // guards what follows
	byPrefix map[string]*shared
}

// shared is the part of the state under one prefix, as one consumer sees it.
type shared struct {
	users int // guarded by the sharing
	end   context.CancelFunc
	done  chan struct{}

	mu      sync.Mutex // guards what follows
	newest  map[string]StateEntry
	full    bool          // all that stood there at the start is here
	err     error         // why it ended
	changed chan struct{} // closed and made anew at each change
}

// ShareState is FollowState for many callers at a time: fn is called with what changed since it was last called, the
// newest value of each key in the order of their sequences.
func (c *Core) ShareState(ctx context.Context, prefix string, atEnd func(), fn func([]StateEntry) error) error {
	s := c.join(prefix)
	defer c.leave(prefix, s)
	var last uint64
	for told := false; ; {
		list, full, err, changed := s.after(last)
		if len(list) > 0 {
			if err := fn(list); err != nil {
				return err
			}
			last = list[len(list)-1].Seq
		}
		if full && !told {
			told = true
			if atEnd != nil {
				atEnd()
			}
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}

// join begins to follow a prefix, or takes part in what is followed already.
func (c *Core) join(prefix string) *shared {
	c.sharing.mu.Lock()
	defer c.sharing.mu.Unlock()
	if s := c.sharing.byPrefix[prefix]; s != nil && !s.ended() {
		s.users++
		return s
	}
	ctx, cancel := context.WithCancel(context.Background()) // it outlives the one who came first
	s := &shared{users: 1, end: cancel, done: make(chan struct{}), newest: map[string]StateEntry{}, changed: make(chan struct{})}
	if c.sharing.byPrefix == nil {
		c.sharing.byPrefix = map[string]*shared{}
	}
	c.sharing.byPrefix[prefix] = s
	go func() {
		defer close(s.done)
		err := c.FollowState(ctx, prefix, s.setFull, s.take)
		if err == nil {
			err = errClosed
		}
		s.fail(err)
	}()
	return s
}

// leave ends what nobody follows any more, and waits for it.
func (c *Core) leave(prefix string, s *shared) {
	c.sharing.mu.Lock()
	s.users--
	last := s.users == 0
	if last && c.sharing.byPrefix[prefix] == s {
		delete(c.sharing.byPrefix, prefix)
	}
	c.sharing.mu.Unlock()
	if last {
		s.end()
		<-s.done
	}
}

func (s *shared) take(e StateEntry) error {
	s.note(func() { s.newest[e.Key] = e })
	return nil
}

func (s *shared) setFull() { s.note(func() { s.full = true }) }

func (s *shared) fail(err error) { s.note(func() { s.err = err }) }

func (s *shared) note(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *shared) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err != nil
}

// after returns what is newer than a sequence, whether it is all, why there will be no more, and a channel that is closed
// when there is.
func (s *shared) after(last uint64) (list []StateEntry, full bool, err error, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.newest {
		if e.Seq > last {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b StateEntry) int { return cmp.Compare(a.Seq, b.Seq) })
	return list, s.full, s.err, s.changed
}
