package node

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestThePreviousBootIsToldInTheLog(t *testing.T) {
	f := newTrusted(t, "127.94.7.")
	f.up(func(c *Config) { c.Previous = []string{"previous boot: it ended by kernel panic: x"} })
	client := f.operator()
	found := errors.New("found")
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		err := client.Lines(ctx, "/v1/logs", func(line []byte) error {
			if text := string(line); strings.Contains(text, "it ended by kernel panic: x") && strings.Contains(text, `"warn"`) {
				return found
			}
			return nil
		})
		cancel()
		if errors.Is(err, found) {
			return
		}
	}
	t.Error("the log does not tell of the previous boot")
}
