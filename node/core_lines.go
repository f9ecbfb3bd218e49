package node

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/capodekappa/capo/node/api"
)

// linesWait is for how long lines are gathered before they are sent together.
const linesWait = 50 * time.Millisecond

// PutLine takes a line to a server, soon; when they come faster than the server takes them, it waits.
func (c *remoteCore) PutLine(_, _ string, data []byte) error {
	var line api.Line
	if err := json.Unmarshal(data, &line); err != nil {
		return err
	}
	c.lines <- line
	return nil
}

// shipLines sends what was printed in batches until ctx ends; a batch that cannot be sent is tried again, and what is printed meanwhile
// waits.
func (c *remoteCore) shipLines(ctx context.Context) {
	for {
		var batch bytes.Buffer
		enc := json.NewEncoder(&batch)
		select {
		case <-ctx.Done():
			c.drainLines()
			return
		case line := <-c.lines:
			_ = enc.Encode(line) // into memory
		}
		wait := time.NewTimer(linesWait)
	gather:
		for batch.Len() < 256<<10 {
			select {
			case line := <-c.lines:
				_ = enc.Encode(line)
			case <-wait.C:
				break gather
			case <-ctx.Done():
				break gather
			}
		}
		wait.Stop()
		try, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*coreTry)
		if ctx.Err() == nil {
			cancel()
			try, cancel = context.WithCancel(ctx)
		}
		_ = c.do(try, func(ctx context.Context, s *api.Client) error {
			return s.Send(ctx, http.MethodPost, c.path+"/lines", batch.Bytes())
		})
		cancel()
	}
}

// drainLines lets nobody wait who prints while the connection ends.
func (c *remoteCore) drainLines() {
	for {
		select {
		case <-c.lines:
		default:
			return
		}
	}
}
