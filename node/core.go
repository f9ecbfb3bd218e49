package node

import (
	"context"
	"time"

	"github.com/capodekappa/capo/queue"
	"github.com/capodekappa/capo/queue/control"
)

// core is the part of the log that its servers vouch for: control records, heartbeats, answers to runs and printed lines. A log
// server's node has it in its own process (queue.Core); any other reaches it through a server's API, under its own certificate (remoteCore).
type core interface {
	AppendControl(ctx context.Context, c *control.Record) (uint64, error)
	FollowControl(ctx context.Context, from uint64, atEnd func(), fn func(queue.ControlEntry) error) error

	PutState(ctx context.Context, key string, value []byte) error
	FollowState(ctx context.Context, prefix string, atEnd func(), fn func(queue.StateEntry) error) error

	PutResult(ctx context.Context, seq uint64, node string, data []byte) error
	HasResult(ctx context.Context, seq uint64, node string) bool
	FollowResults(ctx context.Context, seq uint64, fn func(node string, data []byte) error) error

	PutLine(node, job string, data []byte) error
	FollowLines(ctx context.Context, q queue.LineFilter, fn func(seq uint64, at time.Time, data []byte) error) error

	Close()
}

// coreRow is one line of what a log server tells about the core; which fields it has depends on what was asked for.
type coreRow struct {
	Seq   uint64 `json:"seq,omitempty"`
	Time  int64  `json:"time,omitempty"` // milliseconds since 1970
	Key   string `json:"key,omitempty"`  // of a state, or the node of a result
	Data  []byte `json:"data,omitempty"`
	Error string `json:"error,omitempty"` // why a control record's form is wrong
	End   bool   `json:"end,omitempty"`   // what stood there at the start has been told
	Alive bool   `json:"alive,omitempty"` // nothing but a sign of life

	Broken string `json:"broken,omitempty"` // why the server cannot go on
}
