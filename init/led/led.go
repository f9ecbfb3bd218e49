// Package led tells on a board's LED what the board has come to, for who has no console on it.
//
// The codes are in docs/boot.md: fast blinking while it boots, steady light when it is ready, dark when it has ended, and else groups of as
// many flashes as [status.State] counts.
package led

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/capodekappa/capo/init/status"
)

// Root is where Linux has its LEDs (Linux, Documentation/ABI/testing/sysfs-class-led).
const Root = "/sys/class/leds"

// step is one light or dark part of a pattern; 0 is for as long as the state lasts.
type step struct {
	on   bool
	long time.Duration
}

// The times of patterns. Flashes can be counted, and booting cannot be taken for one of them.
const (
	fast  = 100 * time.Millisecond
	flash = 250 * time.Millisecond
	gap   = 1500 * time.Millisecond
)

// pattern is what the LED does in a state, again and again.
func pattern(s status.State) []step {
	switch s {
	case status.Booting:
		return []step{{true, fast}, {false, fast}}
	case status.Ready:
		return []step{{true, 0}}
	case status.Ending:
		return []step{{false, 0}}
	}
	var steps []step
	for range int(s) {
		steps = append(steps, step{true, flash}, step{false, flash})
	}
	steps[len(steps)-1].long = gap
	return steps
}

// light is an LED.
type light struct {
	file string // brightness
	full string // the brightness that is on
}

// search is how long to look for an LED whose driver comes late.
const search = 20 * time.Second

// Follow shows the status on the LED of that name below root until ctx ends. A board whose LED is not there says so once.
func Follow(ctx context.Context, log *slog.Logger, root, name string, s *status.Status) {
	l, err := find(ctx, root, name)
	if err != nil {
		if ctx.Err() == nil {
			log.Warn("the board's LED tells nothing", "err", err)
		}
		return
	}
	failed := false
	for ctx.Err() == nil {
		state, changed := s.Changed()
		if err := l.show(ctx, pattern(state), changed); err != nil && !failed {
			failed = true
			log.Warn("switch the board's LED", "err", err)
		}
	}
}

// find waits for the LED and takes it from the trigger that the kernel has given it.
func find(ctx context.Context, root, name string) (light, error) {
	dir := filepath.Join(root, filepath.Base(name))
	for end := time.Now().Add(search); ; {
		full, err := os.ReadFile(filepath.Join(dir, "max_brightness"))
		if err == nil {
			_ = os.WriteFile(filepath.Join(dir, "trigger"), []byte("none"), 0) // a kernel without triggers has no such file
			return light{filepath.Join(dir, "brightness"), strings.TrimSpace(string(full))}, nil
		}
		if time.Now().After(end) {
			return light{}, fmt.Errorf("there is no LED %s; there are %s", name, names(root))
		}
		select {
		case <-ctx.Done():
			return light{}, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func names(root string) string {
	entries, _ := os.ReadDir(root) // none are as good as no folder
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	if all == nil {
		return "none"
	}
	return strings.Join(all, ", ")
}

// show repeats a pattern until the state changes. An error does not end it: the next write may work.
func (l light) show(ctx context.Context, steps []step, changed <-chan struct{}) error {
	var failed error
	for {
		for _, s := range steps {
			if err := l.set(s.on); err != nil {
				failed = err
			}
			var over <-chan time.Time
			if s.long > 0 {
				over = time.After(s.long)
			}
			select {
			case <-ctx.Done():
				return failed
			case <-changed:
				return failed
			case <-over:
			}
		}
	}
}

func (l light) set(on bool) error {
	value := "0"
	if on {
		value = l.full
	}
	return os.WriteFile(l.file, []byte(value), 0)
}
