package jsrt

import (
	"container/heap"
	"errors"
	"sync"
	"time"
)

// loop is the queue of what has to run on the VM: timers and callbacks.
type loop struct {
	timers timerHeap // only the owner touches it
	serial int64     // of the timer made last

	mu          sync.Mutex // guards what follows
	ready       []func() error
	pending     int   // registered callbacks that have not come yet
	turn        int   // callbacks of an earlier turn are dropped
	interrupted error // why the turn has to end
	wake        chan struct{}
}

func (l *loop) init() { l.wake = make(chan struct{}, 1) }

// register counts one outside event and returns the function that delivers it.
func (l *loop) register() func(func() error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending++
	turn := l.turn
	var once sync.Once
	return func(task func() error) {
		once.Do(func() { l.deliver(turn, task) })
	}
}

func (l *loop) deliver(turn int, task func() error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if turn != l.turn {
		return
	}
	l.pending--
	l.ready = append(l.ready, task)
	l.poke()
}

func (l *loop) interrupt(reason error) {
	if reason == nil {
		reason = errors.New("interrupted")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.interrupted = reason
	l.poke()
}

func (l *loop) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// reset forgets timers and callbacks: a new turn begins.
func (l *loop) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn++
	l.pending, l.ready, l.interrupted = 0, nil, nil
	l.timers = l.timers[:0]
}

// next waits for the next thing to run. Its error is [ErrNeverSettles] when there is nothing to
// wait for, or an *[InterruptError].
func (l *loop) next(now func() time.Time) (func() error, error) {
	for {
		task, wait, err := l.poll(now())
		if task != nil || err != nil {
			return task, err
		}
		l.sleep(wait)
	}
}

// poll returns what can run now, or how long to wait for a timer (negative: no timer).
func (l *loop) poll(now time.Time) (func() error, time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.interrupted != nil {
		return nil, 0, &InterruptError{Reason: l.interrupted}
	}
	if len(l.ready) > 0 {
		task := l.ready[0]
		l.ready = l.ready[1:]
		return task, 0, nil
	}
	if len(l.timers) == 0 {
		if l.pending == 0 {
			return nil, 0, ErrNeverSettles
		}
		return nil, -1, nil
	}
	if wait := l.timers[0].due.Sub(now); wait > 0 {
		return nil, wait, nil
	}
	t := l.timers[0]
	heap.Pop(&l.timers)
	if t.every > 0 {
		t.due = now.Add(t.every)
		l.push(t)
	}
	return t.run, 0, nil
}

func (l *loop) sleep(wait time.Duration) {
	if wait < 0 {
		<-l.wake
		return
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-l.wake:
	case <-t.C:
	}
}

// after adds a timer and returns its number.
func (l *loop) after(delay time.Duration, repeat bool, run func() error) int64 {
	if delay < time.Millisecond {
		delay = time.Millisecond
	}
	l.serial++
	t := &timer{id: l.serial, due: time.Now().Add(delay), run: run}
	if repeat {
		t.every = delay
	}
	l.push(t)
	return t.id
}

func (l *loop) push(t *timer) { heap.Push(&l.timers, t) }

func (l *loop) cancel(id int64) {
	for i, t := range l.timers {
		if t.id == id {
			heap.Remove(&l.timers, i)
			return
		}
	}
}

type timer struct {
	id    int64
	due   time.Time
	every time.Duration // 0: once
	run   func() error
}

type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].id < h[j].id
	}
	return h[i].due.Before(h[j].due)
}
func (h timerHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)   { *h = append(*h, x.(*timer)) }
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	*h = old[:len(old)-1]
	return t
}
