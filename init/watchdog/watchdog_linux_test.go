package watchdog

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

type fake struct{ fed atomic.Int64 }

func (f *fake) KeepAlive() error               { f.fed.Add(1); return nil }
func (f *fake) SetTimeout(time.Duration) error { return nil }
func (f *fake) Disarm() error                  { return nil }

func TestAHangingMainLoopIsNotFed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var hangs atomic.Bool
		dog := &fake{}
		probe := func(ctx context.Context) error {
			if hangs.Load() {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		go Feed(ctx, slog.New(slog.DiscardHandler), dog, time.Second, probe)
		time.Sleep(3500 * time.Millisecond)
		if dog.fed.Load() != 4 {
			t.Errorf("fed %d times in 3.5 s, want 4", dog.fed.Load())
		}
		hangs.Store(true)
		time.Sleep(10 * time.Second)
		if dog.fed.Load() != 4 {
			t.Errorf("fed %d times while the main loop hung", dog.fed.Load()-4)
		}
		hangs.Store(false)
		time.Sleep(3 * time.Second)
		if dog.fed.Load() == 4 {
			t.Error("not fed again when the main loop answered")
		}
		cancel()
		synctest.Wait()
	})
}
