package watchdog

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

type fake struct{ fed int }

func (f *fake) KeepAlive() error               { f.fed++; return nil }
func (f *fake) SetTimeout(time.Duration) error { return nil }
func (f *fake) Disarm() error                  { return nil }

func TestAHangingMainLoopIsNotFed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		dog, hangs := &fake{}, false
		probe := func(ctx context.Context) error {
			if hangs {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		go Feed(ctx, slog.New(slog.DiscardHandler), dog, time.Second, probe)
		time.Sleep(3500 * time.Millisecond)
		if dog.fed != 4 {
			t.Errorf("fed %d times in 3.5 s, want 4", dog.fed)
		}
		hangs = true
		time.Sleep(10 * time.Second)
		if dog.fed != 4 {
			t.Errorf("fed %d times while the main loop hung", dog.fed-4)
		}
		hangs = false
		time.Sleep(3 * time.Second)
		if dog.fed == 4 {
			t.Error("not fed again when the main loop answered")
		}
		cancel()
		synctest.Wait()
	})
}
