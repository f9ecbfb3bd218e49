package console

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// sink takes writes as /dev/kmsg does, one line each; it blocks until it is opened.
type sink struct {
	open  chan struct{}
	mu    sync.Mutex // guards lines
	lines []string
}

func (s *sink) Write(p []byte) (int, error) {
	<-s.open
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, string(p))
	return len(p), nil
}

func (s *sink) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "")
}

func TestLinesHaveThePriorityAndForm(t *testing.T) {
	c := New(16)
	log := slog.New(c.Handler(slog.LevelInfo))
	log.Debug("not shown")
	log.Info("address", "interface", "eth0", "err", errors.New("a \"b\" c"))
	log.With("a", 1).WithGroup("g").Warn("two\nlines\x1b[2J", "b", "")
	log.Error("long", "x", strings.Repeat("y", 2000))
	s := &sink{open: make(chan struct{})}
	close(s.open)
	c.Attach(s)
	<-c.Flush()
	want := "<5>capo: address interface=eth0 err=\"a \\\"b\\\" c\"\n<4>capo: two lines [2J a=1 g.b=\"\"\n<3>capo: long x=yyy"
	if got := s.all(); !strings.HasPrefix(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if got := s.lines[2]; len(got) != maxLine+1 || !strings.HasSuffix(got, "...\n") {
		t.Errorf("a long line has %d bytes and ends with %q", len(got), got[len(got)-8:])
	}
}

func TestLinesAreRecordedBeforeAConsoleThatHangs(t *testing.T) {
	c := New(16)
	log := slog.New(c.Handler(slog.LevelInfo))
	kept := &sink{open: make(chan struct{})}
	close(kept.open)
	c.Record(kept, func() time.Duration { return 1500 * time.Millisecond })
	c.Attach(&sink{open: make(chan struct{})}) // never opens
	log.Warn("the last words", "a", "<b>")
	want := "[    1.500000] capo: the last words a=<b>\n"
	for end := time.Now().Add(5 * time.Second); kept.all() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("recorded %q, want %q", kept.all(), want)
		}
	}
}

func TestASlowConsoleDropsLinesInsteadOfBlocking(t *testing.T) {
	c := New(4)
	s := &sink{open: make(chan struct{})}
	c.Attach(s)
	log := slog.New(c.Handler(slog.LevelInfo))
	start := time.Now()
	for range 100 {
		log.Info("line")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("logging blocked for %v", took)
	}
	close(s.open)
	for !strings.Contains(s.all(), "lines dropped") {
		if time.Since(start) > 5*time.Second {
			t.Fatalf("nobody says that lines were dropped:\n%s", s.all())
		}
		time.Sleep(time.Millisecond)
	}
}
