package netlab

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func reaches(t *testing.T, l *Lab, from, to int) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	// Nobody listens: a refusal has come back over the network, silence has not.
	_, err := l.Dial(ctx, from, "tcp", l.Addr(to).String()+":9")
	return err != nil && strings.Contains(err.Error(), "refused")
}

// reachesSoon gives a link that has just come up the time to carry something.
func reachesSoon(t *testing.T, l *Lab, from, to int) bool {
	t.Helper()
	for range 10 {
		if reaches(t, l, from, to) {
			return true
		}
	}
	return false
}

func TestIslandsHearOnlyThemselves(t *testing.T) {
	l := New(t, 3)
	if !reachesSoon(t, l, 0, 1) || !reachesSoon(t, l, 0, 2) {
		t.Fatal("nodes of one island do not reach each other")
	}
	l.Partition(2)
	if !reachesSoon(t, l, 0, 1) || reaches(t, l, 0, 2) {
		t.Fatal("node 2 is on another island and was reached, or node 1 was not")
	}
	l.Partition()
	if !reachesSoon(t, l, 0, 2) {
		t.Fatal("node 2 came back and was not reached")
	}
}

func TestLinkGoesDownAndUp(t *testing.T) {
	l := New(t, 2)
	l.Link(1, false)
	if reaches(t, l, 0, 1) {
		t.Fatal("reached through a link that is down")
	}
	l.Link(1, true)
	if !reachesSoon(t, l, 0, 1) {
		t.Fatal("not reached through a link that is up again")
	}
}

func TestNothingLeavesAndNothingStays(t *testing.T) {
	var name string
	t.Run("lab", func(t *testing.T) {
		l := New(t, 1)
		name = l.name
		out, err := l.Exec(t.Context(), 0, "ip", "route").Output()
		if err != nil || strings.Contains(string(out), "default") {
			t.Fatalf("routes %q, error %v: want no default route", out, err)
		}
	})
	out, err := exec.Command("ip", "netns", "list").Output()
	if err != nil || name == "" || strings.Contains(string(out), name) {
		t.Fatalf("namespaces %q, error %v: want none of %s", out, err, name)
	}
}
