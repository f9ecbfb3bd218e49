package node

import (
	"bytes"
	"log/slog"
	"strings"
	"time"

	"github.com/capodekappa/capo/node/api"
)

// alsoShip returns a logger that writes where log does, and to a shipper; nil: only the former.
func alsoShip(log *slog.Logger, s *shipper) *slog.Logger {
	if s == nil {
		return log
	}
	text := slog.NewTextHandler(lineWriterTo{s}, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	return slog.New(both{log.Handler(), text})
}

// lineWriterTo makes a line of the node's own of each line of a text handler, which begin with their level.
type lineWriterTo struct{ s *shipper }

// Write takes one line.
func (w lineWriterTo) Write(line []byte) (int, error) {
	text := string(bytes.TrimSpace(line[:min(len(line), maxLine)]))
	level := "info"
	if rest, ok := strings.CutPrefix(text, slog.LevelKey+"="); ok {
		level, text, _ = strings.Cut(rest, " ")
		level, _, _ = strings.Cut(strings.ToLower(level), "+") // INFO+2 is still info
	}
	w.s.put(api.Line{Time: time.Now().UTC(), Level: level, Message: strings.ToValidUTF8(text, "")})
	return len(line), nil
}
