package filelock

import (
	"errors"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/capodekappa/capo/test/need"
)

func TestOnlyOneIsInside(t *testing.T) {
	if runtime.GOOS == "windows" {
		need.Missing(t, "flock, which Windows has not")
	}
	path := filepath.Join(t.TempDir(), "lock")
	var inside, most atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			_ = With(path, func() error {
				most.Store(max(most.Load(), inside.Add(1)))
				runtime.Gosched()
				inside.Add(-1)
				return nil
			})
		})
	}
	group.Wait()
	if most.Load() != 1 {
		t.Errorf("%d were inside at once", most.Load())
	}
}

func TestWithReturnsTheError(t *testing.T) {
	want := errors.New("x")
	if err := With(filepath.Join(t.TempDir(), "lock"), func() error { return want }); !errors.Is(err, want) {
		t.Errorf("With = %v", err)
	}
	if err := With(filepath.Join(t.TempDir(), "no", "lock"), func() error { return nil }); runtime.GOOS != "windows" && err == nil {
		t.Error("a lock in a folder that does not exist was taken")
	}
}

func TestTheNoticeComesWhileAnotherIsInside(t *testing.T) {
	if runtime.GOOS == "windows" {
		need.Missing(t, "flock, which Windows has not")
	}
	path := filepath.Join(t.TempDir(), "lock")
	noticed := make(chan struct{})
	done := make(chan error)
	err := WithNotice(path, func() { t.Error("a notice, and nobody is inside") }, func() error {
		go func() { done <- WithNotice(path, func() { close(noticed) }, func() error { return nil }) }()
		<-noticed
		return nil
	})
	if err := errors.Join(err, <-done); err != nil {
		t.Error(err)
	}
}
