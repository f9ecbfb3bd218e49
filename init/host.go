package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// hostLife is the life of a host node's process: a reboot ends the node and begins the program anew in the same process, so
// that whoever started it still knows it by its number.
type hostLife struct {
	ctx    context.Context // ends when the node is to end
	cancel context.CancelFunc
	ends   time.Time // by itself; zero: never
	again  atomic.Bool
}

// endsVariable names the environment variable that tells the program, begun anew, when its time is over: the limit is one of the
// process, not of each of its lives.
const endsVariable = "CAPO_HOST_ENDS_MS"

// newHostLife begins one that lasts for ttl, 0 being for ever, unless an earlier life of the process said when it ends.
func newHostLife(ttl time.Duration) *hostLife {
	l := &hostLife{}
	if ttl > 0 {
		l.ends = time.Now().Add(ttl)
		if ms, err := strconv.ParseInt(os.Getenv(endsVariable), 10, 64); err == nil && time.UnixMilli(ms).Before(l.ends) {
			l.ends = time.UnixMilli(ms)
		}
		l.ctx, l.cancel = context.WithDeadline(context.Background(), l.ends)
		return l
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

func (l *hostLife) poweroff() { l.cancel() }

func (l *hostLife) reboot() {
	l.again.Store(true)
	l.cancel()
}

// after is called when the node has ended, with its error. It does not return where the program begins anew.
func (l *hostLife) after(err error) error {
	l.cancel()
	if !l.again.Load() {
		return err
	}
	env := os.Environ()
	if !l.ends.IsZero() {
		env = append(env, endsVariable+"="+strconv.FormatInt(l.ends.UnixMilli(), 10))
	}
	if failed := beginAnew(os.Args, env); failed != nil {
		return errors.Join(err, fmt.Errorf("host node: begin anew: %w", failed))
	}
	return nil
}
