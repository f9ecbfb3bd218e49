package status

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capodekappa/capo/init/phase"
)

func TestStateOfFacts(t *testing.T) {
	tests := []struct {
		name  string
		facts Facts
		want  State
	}{
		{"power on", Facts{Fleet: true, Approved: true}, Booting},
		{"an address while booting", Facts{Network: true, Fleet: true, Approved: true}, Booting},
		{"no cable", Facts{Up: true, Fleet: true, Approved: true}, NoNetwork},
		{"no cable, and not approved", Facts{Up: true, Fleet: true}, NoNetwork},
		{"alone", Facts{Up: true, Fleet: true, Network: true, Approved: true}, NoLog},
		{"a stranger", Facts{Up: true, Fleet: true, Network: true}, Unapproved},
		{"no fleet, and no cable", Facts{Up: true}, NoFleet},
		{"ready", Facts{Up: true, Fleet: true, Network: true, Approved: true, Answers: true}, Ready},
		{"ready, and the cable is pulled", Facts{Up: true, Fleet: true, Approved: true, Answers: true}, NoNetwork},
		{"crashed", Facts{Up: true, Fleet: true, Network: true, Failed: true}, Failed},
		{"told to reboot", Facts{Up: true, Fleet: true, Network: true, Failed: true, Ending: true}, Ending},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.facts.State(); got != tt.want {
				t.Errorf("State() = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestReadyHasTheTimesOfTheFirstBoot(t *testing.T) {
	now := 400 * time.Millisecond
	s := New(func() time.Duration { return now })
	at := func(ms int, f func()) { now = time.Duration(ms) * time.Millisecond; f() }
	at(450, func() { s.Network(true) })
	at(500, s.Up)
	at(900, s.Joined)
	at(950, func() { s.Node(true, true) })
	want := phase.Times{Linux: 400e6, Init: 100e6, Join: 400e6, Begin: 50e6, Total: 950e6}
	if got := s.Ready(0, 0); got != want {
		t.Errorf("Ready() = %+v, want %+v", got, want)
	}
	want.Firmware, want.Linux, want.Init = 3e9, 380e6, 120e6
	if got := s.Ready(3*time.Second, 380*time.Millisecond); got != want {
		t.Errorf("Ready() = %+v, want %+v", got, want)
	}
	at(2000, s.Joined) // another log
	if got := s.Ready(0, 0); got.Join != 400e6 {
		t.Errorf("after a second log, Ready() = %+v", got)
	}
}

func TestTellSaysWhatIsMissingWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		ctx, cancel := context.WithCancel(t.Context())
		s := New(func() time.Duration { return time.Second })
		go Tell(ctx, slog.New(slog.NewTextHandler(&b, nil)), s)
		s.Up()
		time.Sleep(9 * time.Second)
		synctest.Wait()
		if b.Len() != 0 {
			t.Errorf("after nine seconds: %s", b.String())
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		lines := strings.Split(strings.TrimSpace(b.String()), "\n")
		if len(lines) < 10 || len(lines) > 20 || !strings.Contains(lines[0], `"not ready: no network" for=10s hint="is the cable in`) {
			t.Errorf("in an hour without a network, %d lines:\n%s", len(lines), b.String())
		}
		b.Reset()
		s.Network(true)
		s.Node(true, true)
		time.Sleep(time.Hour)
		synctest.Wait()
		if b.Len() != 0 {
			t.Errorf("of a machine that is ready: %s", b.String())
		}
		cancel()
		synctest.Wait()
	})
}
