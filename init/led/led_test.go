package led

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capodekappa/capo/init/status"
)

// fakeLED makes the files of an LED.
func fakeLED(t *testing.T, root, name string) {
	t.Helper()
	dir := filepath.Join(root, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"max_brightness": "255\n", "brightness": "0\n", "trigger": "none [mmc0] timer\n"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// watch samples an LED every ten milliseconds and returns how long it was light and dark in turn, such as "on 250ms".
func watch(t *testing.T, file string, long time.Duration) []string {
	t.Helper()
	var out []string
	last, since := "", time.Now()
	for start := time.Now(); time.Since(start) <= long; time.Sleep(10 * time.Millisecond) {
		synctest.Wait()
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		now := map[string]string{"0": "off", "255": "on"}[strings.TrimSpace(string(text))]
		if now != last {
			if last != "" {
				out = append(out, fmt.Sprintf("%s %v", last, time.Since(since)))
			}
			last, since = now, time.Now()
		}
	}
	return append(out, last)
}

func TestTheLEDShowsEachState(t *testing.T) {
	group := func(n int) string {
		return strings.TrimSuffix(strings.Repeat("on 250ms, off 250ms, ", n), "off 250ms, ") + "off 1.5s, on 250ms"
	}
	tests := []struct {
		name   string
		change func(*status.Status)
		want   string // how it begins
	}{
		{"booting", func(*status.Status) {}, "on 100ms, off 100ms, on 100ms, off 100ms"},
		{"no network", func(s *status.Status) { s.Up() }, group(2)},
		{"no log", func(s *status.Status) { s.Up(); s.Network(true) }, group(3)},
		{"not approved", func(s *status.Status) { s.Up(); s.Network(true); s.Node(false, false) }, group(4)},
		{"no fleet", func(s *status.Status) { s.Up(); s.NoFleet() }, group(5)},
		{"failed", func(s *status.Status) { s.Up(); s.Failed() }, group(6)},
		{"ready", func(s *status.Status) { s.Up(); s.Network(true); s.Node(true, true) }, "on"},
		{"ending", func(s *status.Status) { s.Up(); s.Ending() }, "off"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			fakeLED(t, root, "led0")
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				s := status.New(func() time.Duration { return time.Second })
				tt.change(s)
				go Follow(ctx, slog.New(slog.DiscardHandler), root, "led0", s)
				synctest.Wait()
				got := strings.Join(watch(t, filepath.Join(root, "led0/brightness"), 8*time.Second), ", ")
				if !strings.HasPrefix(got, tt.want) || tt.want == "on" && got != "on" || tt.want == "off" && got != "off" {
					t.Errorf("the LED was %s, want %s…", got, tt.want)
				}
				cancel()
				synctest.Wait()
			})
			if trigger, err := os.ReadFile(filepath.Join(root, "led0/trigger")); err != nil || !strings.HasPrefix(string(trigger), "none") || strings.Contains(string(trigger), "[") {
				t.Errorf("the trigger is %q, %v: the kernel would switch the LED too", trigger, err)
			}
		})
	}
}

func TestTheLEDFollowsAChangeAtOnce(t *testing.T) {
	root := t.TempDir()
	fakeLED(t, root, "led0")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := status.New(func() time.Duration { return time.Second })
		go Follow(ctx, slog.New(slog.DiscardHandler), root, "led0", s)
		time.Sleep(150 * time.Millisecond)
		s.Up()
		s.Network(true)
		s.Node(true, true)
		if got := watch(t, filepath.Join(root, "led0/brightness"), time.Second); len(got) != 1 || got[0] != "on" {
			t.Errorf("when the machine became ready, the LED was %v", got)
		}
		s.Ending()
		if got := watch(t, filepath.Join(root, "led0/brightness"), time.Second); len(got) != 1 || got[0] != "off" {
			t.Errorf("when the machine ended, the LED was %v", got)
		}
		cancel()
		synctest.Wait()
	})
}

func TestAnLEDThatComesLateIsFoundAndOneThatDoesNotIsSaid(t *testing.T) {
	root := t.TempDir()
	fakeLED(t, root, "other")
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		log := slog.New(slog.NewTextHandler(&b, nil))
		ctx, cancel := context.WithCancel(t.Context())
		s := status.New(func() time.Duration { return time.Second })
		go Follow(ctx, log, root, "late", s)
		go Follow(ctx, log, root, "never", s)
		time.Sleep(5 * time.Second)
		fakeLED(t, root, "late")
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := watch(t, filepath.Join(root, "late/brightness"), time.Second); len(got) < 5 {
			t.Errorf("the LED that came late was %v", got)
		}
		if got := b.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "there is no LED never; there are late, other") {
			t.Errorf("the log says:\n%s", got)
		}
		cancel()
		synctest.Wait()
	})
}
