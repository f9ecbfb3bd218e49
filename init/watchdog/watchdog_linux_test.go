package watchdog

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

type fake struct {
	fed      atomic.Int64
	disarmed atomic.Bool
	bit      bool
}

func (f *fake) KeepAlive() error { f.fed.Add(1); return nil }
func (f *fake) Disarm() error    { f.disarmed.Store(true); return nil }
func (f *fake) Bit() bool        { return f.bit }

func TestAPackIsItsDogs(t *testing.T) {
	var p Pack
	if p.Bit() {
		t.Error("no dog, and it bit")
	}
	dogs := []*fake{{}, {bit: true}}
	for _, d := range dogs {
		p.Add(d)
	}
	if !p.Bit() {
		t.Error("one of two bit, and the pack did not")
	}
	p.Disarm()
	if !dogs[0].disarmed.Load() || !dogs[1].disarmed.Load() {
		t.Error("not all are disarmed")
	}
}

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
