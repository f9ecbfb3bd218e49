package node

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/capodekappa/capo/gateware/soft"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
)

// Bounds of the kernels that callers have a node run.
const (
	maxEngines  = 32 // that are kept ready
	fetchKernel = 10 * time.Second
	mostFrame   = 64 << 20 // bytes of a frame, on a machine of 1 GB or more
	leastFrame  = 1 << 20
)

// kernels are the engines that callers' kernels run in, in this process: any node can run any kernel of any job, wherever
// the job is placed, since a kernel has no state. Their text comes from the log and stays.
type kernels struct {
	frame  int64         // bytes that a call may bring, and may get
	memory int64         // bytes that the calls under way may bring and get together
	turns  chan struct{} // bounds those that compute

	mu      sync.Mutex // guards what follows
	used    int64
	engines map[string]*heldEngine // by digest
	clock   uint64
}

// heldEngine is an engine, or one that is being made.
type heldEngine struct {
	made   chan struct{}
	engine *soft.Engine
	err    error
	users  int
	last   uint64 // when it was used, by kernels.clock
}

// newKernels shares a machine's memory: a frame may have a sixteenth of it, all frames together a quarter.
func newKernels(total int64, processors int) *kernels {
	frame := int64(mostFrame)
	if total > 0 {
		frame = max(min(total/16, mostFrame), leastFrame)
	}
	return &kernels{frame: frame, memory: 4 * frame, turns: make(chan struct{}, max(processors, 1)), engines: map[string]*heldEngine{}}
}

// reserve takes memory for a frame. Errors: limitError, queue.ErrUnavailable while others have it.
func (k *kernels) reserve(n int64) (release func(), err error) {
	if n > k.frame {
		return nil, limitError{fmt.Sprintf("a frame of %d bytes", n), k.frame}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.used+n > k.memory {
		return nil, fmt.Errorf("the frames of the kernels that run on this node fill the %d bytes that it has for them (try again, or ask another node): %w", k.memory, queue.ErrUnavailable)
	}
	k.used += n
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.used -= n
	}, nil
}

// use gives the engine of a digest; the first one who wants it makes it. The caller lets go of it.
func (k *kernels) use(ctx context.Context, digest string, make func() (*soft.Engine, error)) (*soft.Engine, func(), error) {
	h, mine := k.hold(digest)
	if mine {
		h.engine, h.err = make()
		close(h.made)
	}
	letGo := func() { k.letGo(digest, h) }
	select {
	case <-h.made:
	case <-ctx.Done():
		letGo()
		return nil, nil, context.Cause(ctx)
	}
	if h.err != nil {
		letGo()
		return nil, nil, h.err
	}
	return h.engine, letGo, nil
}

// hold finds an engine, or makes the caller the one who has to make it.
func (k *kernels) hold(digest string) (h *heldEngine, mine bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	h = k.engines[digest]
	if h == nil {
		k.evict()
		h, mine = &heldEngine{made: make(chan struct{})}, true
		k.engines[digest] = h
	}
	h.users++
	k.clock++
	h.last = k.clock
	return h, mine
}

// letGo ends a use. What could not be made is tried again by the next one who wants it.
func (k *kernels) letGo(digest string, h *heldEngine) {
	k.mu.Lock()
	defer k.mu.Unlock()
	h.users--
	select {
	case <-h.made:
		if h.err != nil && k.engines[digest] == h {
			delete(k.engines, digest)
		}
	default:
	}
}

// evict makes room for one more engine, if one is idle.
func (k *kernels) evict() {
	if len(k.engines) < maxEngines {
		return
	}
	var oldest string
	for digest, h := range k.engines {
		if h.users == 0 && (oldest == "" || h.last < k.engines[oldest].last) {
			oldest = digest
		}
	}
	if h := k.engines[oldest]; h != nil {
		delete(k.engines, oldest)
		_ = h.engine.Close(context.Background()) // it is idle, and only memory
	}
}

// kernel finds a job's kernel. Errors: queue.ErrNotFound with the names that there are.
func (d *desired) kernel(job, name string) (api.Kernel, error) {
	j, ok := d.job(job)
	switch {
	case !ok:
		return api.Kernel{}, fmt.Errorf("there is no job %.64s: %w", job, queue.ErrNotFound)
	case j.stopped:
		return api.Kernel{}, fmt.Errorf("the job %s is stopped: %w", job, queue.ErrNotFound)
	}
	var names []string
	for _, k := range j.manifest.Kernels {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	if len(names) == 0 {
		return api.Kernel{}, fmt.Errorf("the job %s names no kernels (kernels: {…} in its settings): %w", job, queue.ErrNotFound)
	}
	return api.Kernel{}, fmt.Errorf("the job %s has no kernel %.64s, it has %q: %w", job, name, slices.Sorted(slices.Values(names)), queue.ErrNotFound)
}

// openKernel fetches a kernel's text and makes its engine.
func (s *session) openKernel(ctx context.Context, k api.Kernel) (*soft.Engine, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchKernel)
	defer cancel()
	text, err := s.fetchPart(ctx, k.Part)
	if err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", queue.ErrUnavailable, err)
		}
		return nil, fmt.Errorf("fetch kernel %s: %w", k.Name, err)
	}
	return soft.Open(ctx, k.Name, text)
}
