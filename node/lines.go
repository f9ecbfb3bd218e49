package node

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/capodekappa/capo/node/api"
)

// lines takes what jobs and the node print, keeps some while there is no log, and ships it.
// When it comes faster than the log takes it, the newest are dropped and counted.
type lines struct {
	queue   chan api.Line
	clean   func(string) string // takes secrets out of a line
	dropped atomic.Uint64       // since the last line that was shipped
	lost    atomic.Uint64       // in all
	also    *shipper            // takes them too; may be nil
}

// maxLine bounds a line in bytes.
const maxLine = 8 << 10

func newLines(clean func(string) string) *lines {
	return &lines{queue: make(chan api.Line, 1024), clean: clean}
}

// put takes a line; job "" is the node itself. It never blocks.
func (l *lines) put(job, level, message string) {
	message = l.clean(message)
	if len(message) > maxLine {
		message = strings.ToValidUTF8(message[:maxLine], "") + "…"
	}
	line := api.Line{Time: time.Now().UTC(), Job: job, Level: level, Message: message}
	l.also.put(line)
	select {
	case l.queue <- line:
	default:
		l.dropped.Add(1)
		l.lost.Add(1)
	}
}

// nodeLines is the job name under which a node's own lines stand.
const nodeLines = "_node"

// ship writes lines to the log until ctx ends.
func (l *lines) ship(ctx context.Context, node string, c core) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case line := <-l.queue:
			line.Node = node
			if n := l.dropped.Swap(0); n > 0 {
				line.Message += " (… and more lines were dropped before it)"
			}
			if err := putLine(c, line); err != nil {
				return err
			}
		}
	}
}
