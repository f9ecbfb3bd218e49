package queue

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Core is the part of a log that only its servers reach: the control log, the nodes' heartbeats, their answers to runs, and the
// lines that are printed. A server vouches for what it puts there: that a control record is signed, that a heartbeat comes from the
// node that it is of.
type Core struct {
	*link
	sharing sharing
}

// OpenCore connects to the core of the log that cfg.Server carries, and makes its streams if the log is new. It tries until ctx ends.
func OpenCore(ctx context.Context, cfg Config) (*Core, error) {
	n, err := connect(cfg, userCore)
	if err != nil {
		return nil, err
	}
	c := &Core{link: n}
	find := func(ctx context.Context, may bool) error { return c.findStreams(ctx, may, c.streams()...) }
	if err := c.prepare(ctx, find); err != nil {
		n.Close()
		return nil, fmt.Errorf("open the core of log %s: %w", cfg.Incarnation, err)
	}
	return c, nil
}

func (c *Core) streams() []jetstream.StreamConfig {
	control := c.systemStream(controlStream, "control.*.*")
	control.MaxMsgsPerSubject, control.AllowMsgTTL, control.Discard = 16, true, jetstream.DiscardNew
	control.MaxBytes = max(c.cfg.MaxMemory/16, 4<<20)
	return []jetstream.StreamConfig{control, c.stateConfig(), c.systemStream(resultStream, "result.*.*"), c.systemStream(logStream, "log.*.*")}
}
