package queue

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"
)

// Log is an open log: the streams, blobs and checkpoints that nodes share. Its methods may be called from several goroutines.
type Log struct {
	*link
	blobs   jetstream.ObjectStore
	keyless atomic.Uint64
}

// Open connects to a log and returns when its system streams exist; a server makes them if the log is new.
// It tries until ctx ends.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	n, err := connect(cfg, userData)
	if err != nil {
		return nil, err
	}
	l := &Log{link: n}
	if err := l.prepare(ctx, l.find); err != nil {
		n.Close()
		return nil, fmt.Errorf("open log %s: %w", cfg.Incarnation, err)
	}
	return l, nil
}

func (l *Log) find(ctx context.Context, may bool) error {
	store, err := l.js.ObjectStore(ctx, blobBucket)
	if may && errors.Is(err, jetstream.ErrBucketNotFound) {
		store, err = l.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{
			Bucket: blobBucket, Storage: jetstream.MemoryStorage, Replicas: l.Replicas(), MaxBytes: max(l.cfg.MaxMemory/4, 4<<20)})
	}
	if err := errors.Join(err, l.findStreams(ctx, may, l.stateConfig())); err != nil {
		return err
	}
	l.blobs = store
	return nil
}
