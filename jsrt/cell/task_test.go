package cell

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// testTasks are what the tests' cells can do.
func testTasks() []Task {
	return []Task{
		{"upper", func(_ context.Context, in []byte) ([]byte, error) { return bytes.ToUpper(in), nil }},
		{"fail", func(_ context.Context, in []byte) ([]byte, error) { return nil, errors.New("no: " + string(in)) }},
		{"wait", func(ctx context.Context, _ []byte) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }},
		{"hang", func(context.Context, []byte) ([]byte, error) { select {} }},
		{"eat", func(context.Context, []byte) ([]byte, error) {
			var all [][]byte
			for {
				all = append(all, bytes.Repeat([]byte{byte(len(all))}, 1<<20))
			}
		}},
		{"read", func(context.Context, []byte) ([]byte, error) { return os.ReadFile("/etc/passwd") }},
	}
}

func TestATaskIsDoneInConfinement(t *testing.T) {
	cfg := Config{Name: "test", Memory: 64 << 20}
	out, err := Do(t.Context(), cfg, "upper", []byte("abc"), patience(5*time.Second))
	if err != nil || string(out) != "ABC" {
		t.Fatalf("%s, %v", out, err)
	}
	for _, tt := range []struct {
		task string
		kind error
		want string
	}{
		{"fail", nil, "no: abc"}, {"none", nil, "this program has no task none"},
		{"wait", ErrTimeout, "timed out"}, {"hang", ErrTimeout, "timed out"}, {"eat", ErrMemory, "ran out of memory"},
	} {
		limit := patience(5 * time.Second)
		if tt.kind == ErrTimeout {
			limit = 50 * time.Millisecond
		}
		_, err := Do(t.Context(), cfg, tt.task, []byte("abc"), limit)
		if err == nil || !strings.Contains(err.Error(), tt.want) || tt.kind != nil && !errors.Is(err, tt.kind) {
			t.Errorf("%s: %v, want %s", tt.task, err, tt.want)
		}
	}
	if s, err := Probe(t.Context(), cfg); err == nil && s.String() == "full" {
		if _, err := Do(t.Context(), cfg, "read", nil, patience(5*time.Second)); err == nil {
			t.Error("a task reads files")
		}
	}
}
