package reap

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMain is also the children of the test.
func TestMain(m *testing.M) {
	switch os.Getenv("REAP_TEST") {
	case "":
		os.Exit(m.Run())
	case "parent": // leaves an orphan behind
		cmd := exec.Command(os.Args[0])
		cmd.Env = []string{"REAP_TEST=orphan"}
		if err := cmd.Start(); err != nil {
			os.Exit(1)
		}
		os.Exit(7)
	}
}

// TestOrphansAreReapedAndChildrenAreNot stands in for PID 1 as a subreaper.
func TestOrphansAreReapedAndChildrenAreNot(t *testing.T) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	defer unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	var waiting []*exec.Cmd
	for range 8 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = []string{"REAP_TEST=parent"}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waiting = append(waiting, cmd)
	}
	reaped := 0
	for end := time.Now().Add(10 * time.Second); reaped < 8 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		reaped += Once("/proc") // meanwhile all our own children are zombies that nobody waits for
	}
	if reaped != 8 {
		t.Errorf("reaped %d orphans of 8", reaped)
	}
	for _, cmd := range waiting {
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
			t.Errorf("Wait = %v, want exit status 7", err)
		}
	}
	if left := zombiesOf("/proc", os.Getpid()); len(left) != 0 {
		t.Errorf("zombies are left: %v", left)
	}
}

func TestTheFirstZombieIsReapedWithoutLookingThroughAll(t *testing.T) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	defer unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"REAP_TEST=parent"}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for firstZombie() == 0 {
		time.Sleep(time.Millisecond)
	}
	for end := time.Now().Add(5 * time.Second); len(zombiesOf("/proc", os.Getpid())) < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the child and its orphan did not end")
		}
	}
	_ = first("/proc")
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("Wait = %v: our own child was taken", err)
	}
	// proc(5) shows a process as a zombie as soon as its first thread has ended; it can be waited for when all have.
	for end := time.Now().Add(5 * time.Second); len(zombiesOf("/proc", os.Getpid())) > 0; time.Sleep(time.Millisecond) {
		if first("/proc") {
			t.Fatal("a child of ours is left, after it was waited for")
		}
		if time.Now().After(end) {
			t.Fatalf("the orphan is left: %v", zombiesOf("/proc", os.Getpid()))
		}
	}
}

func TestIsZombieOf(t *testing.T) {
	stat := func(name, state string, parent int) string {
		return "12 (" + name + ") " + state + " " + strconv.Itoa(parent) + " 12 12 0"
	}
	tests := []struct {
		stat string
		want bool
	}{
		{stat("a", "Z", 1), true},
		{stat("a", "S", 1), false},
		{stat("a", "Z", 2), false},
		{stat("x) Z 1 (", "S", 1), false},
		{"", false},
		{strings.Repeat("(", 9), false},
	}
	for _, tt := range tests {
		if got := isZombieOf(tt.stat, 1); got != tt.want {
			t.Errorf("isZombieOf(%q) = %v", tt.stat, got)
		}
	}
}
