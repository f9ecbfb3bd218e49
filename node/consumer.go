package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/capodekappa/capo/jsrt/cell"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
)

// consumer feeds a job's queue handler with the records of this node's partitions, and moves
// their checkpoints on. Delivery is at least once: a checkpoint follows the outputs.
type consumer struct {
	*runner
	program program
	cell    *cell.Cell
	crashes int // in a row

	nodes []string
	marks map[int]*mark // of this node's partitions
}

// mark is a partition's checkpoint as this node knows it.
type mark struct {
	seq      uint64 // records up to it are done
	revision uint64 // of the checkpoint, for the compare-and-set
}

// checkpoint is a mark's form in the log.
type checkpoint struct {
	Seq        uint64 `json:"seq"`
	Node       string `json:"node"`
	Generation uint64 `json:"generation"`
}

var (
	errMoved   = errors.New("the partitions are shared out anew")
	errDrained = errors.New("drained")
)

// maxBatchBytes bounds what one batch holds.
const maxBatchBytes = 4 << 20

// parkAfter is how many times in a row a record may kill its cell.
const parkAfter = 3

func (q *consumer) run(ctx context.Context) error {
	for {
		err := q.consume(ctx)
		switch {
		case ctx.Err() != nil, errors.Is(err, errDrained):
			return nil
		case errors.Is(err, errMoved), errors.Is(err, queue.ErrConflict):
		case errors.Is(err, errParked):
			q.closeCell()
			select {
			case <-ctx.Done():
			case <-q.draining:
			}
			return nil
		default:
			q.s.slog.Warn("job's input is opened again", "job", q.job.manifest.Name, "err", err)
			pause(ctx, 300*time.Millisecond)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// consume reads the partitions that are this node's now, until they are shared out anew.
func (q *consumer) consume(ctx context.Context) error {
	m := q.job.manifest
	info, err := q.s.log.EnsureStream(ctx, m.Settings.In, q.s.log.Patience())
	if err != nil {
		return err
	}
	if m.Settings.Out != "" {
		if _, err := q.s.log.EnsureStream(ctx, m.Settings.Out, q.s.log.Patience()); err != nil {
			return err
		}
	}
	q.takeAssignment()
	mine := share(m.Name, info.Partitions, q.nodes, q.s.id)
	if err := q.loadMarks(ctx, mine); err != nil {
		return err
	}
	q.setState(api.JobRunning)
	if len(mine) == 0 {
		return q.waitMove(ctx)
	}
	from := uint64(1)<<63 - 1
	for _, k := range q.marks {
		from = min(from, k.seq+1)
	}
	reader, err := q.s.log.Read(ctx, m.Settings.In, queue.ReadOptions{From: from, Partitions: mine, Follow: true})
	if err != nil {
		return err
	}
	defer reader.Close()
	return q.pump(ctx, reader)
}

// takeAssignment takes the newest assignment, if there is one.
func (q *consumer) takeAssignment() bool {
	select {
	case nodes := <-q.runner.nodes:
		moved := !slices.Equal(nodes, q.nodes)
		q.nodes = nodes
		return moved
	default:
		return false
	}
}

func (q *consumer) waitMove(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-q.draining:
			return errDrained
		case nodes := <-q.runner.nodes:
			if !slices.Equal(nodes, q.nodes) {
				q.nodes = nodes
				return errMoved
			}
		}
	}
}

func (q *consumer) markKey(partition int) string {
	m := q.job.manifest
	return queue.StateKey("ckpt", m.Name, m.Settings.In, strconv.Itoa(partition))
}

func (q *consumer) loadMarks(ctx context.Context, partitions []int) error {
	q.marks = map[int]*mark{}
	for _, p := range partitions {
		e, err := q.s.log.State(ctx, q.markKey(p))
		if errors.Is(err, queue.ErrNotFound) {
			q.marks[p] = &mark{}
			continue
		}
		if err != nil {
			return err
		}
		var c checkpoint
		if err := json.Unmarshal(e.Value, &c); err != nil {
			return fmt.Errorf("checkpoint %s: %w", e.Key, err)
		}
		q.marks[p] = &mark{seq: c.Seq, revision: e.Seq}
	}
	return nil
}

// saveMarks moves the checkpoints of the records' partitions on. Another node's checkpoint in between is
// [queue.ErrConflict]: this node is not the owner any more.
func (q *consumer) saveMarks(ctx context.Context, records []queue.Record) error {
	newest := map[int]uint64{}
	for _, r := range records {
		newest[r.Partition] = max(newest[r.Partition], r.Seq)
	}
	for _, p := range slices.Sorted(maps.Keys(newest)) {
		data, err := encodeJSON(checkpoint{Seq: newest[p], Node: q.s.id, Generation: q.job.generation})
		if err != nil {
			return err
		}
		k := q.marks[p]
		if k.revision, err = q.s.log.SwapState(ctx, q.markKey(p), data, k.revision); err != nil {
			return err
		}
		k.seq = newest[p]
		q.at(p, k.seq)
	}
	return nil
}

// pump hands what the reader brings to the handler, batch by batch.
func (q *consumer) pump(ctx context.Context, reader *queue.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	records, failed := make(chan queue.Record), make(chan error, 1)
	finished := make(chan struct{})
	defer func() { cancel(); <-finished }()
	go func() {
		defer close(finished)
		for {
			r, err := reader.Next(ctx)
			if err != nil {
				failed <- err
				return
			}
			select {
			case records <- r:
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		batch, err := q.gather(ctx, records, failed)
		if len(batch) > 0 {
			if err := q.handle(ctx, batch, reader.Pending()); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// gather waits for a record and takes those that come soon after it, as the job's settings
// say. It returns early, with what it has, when there is something else to do.
func (q *consumer) gather(ctx context.Context, records <-chan queue.Record, failed <-chan error) ([]queue.Record, error) {
	settings := q.job.manifest.Settings.Batch
	var batch []queue.Record
	var full <-chan time.Time
	bytes := 0
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-q.draining:
			return nil, errDrained
		case nodes := <-q.runner.nodes:
			if !slices.Equal(nodes, q.nodes) {
				q.nodes = nodes
				return batch, errMoved
			}
		case err := <-failed:
			return batch, err
		case <-full:
			return batch, nil
		case r := <-records:
			if k := q.marks[r.Partition]; k == nil || r.Seq <= k.seq {
				continue
			}
			batch = append(batch, r)
			bytes += len(r.Body)
			if len(batch) >= settings.Size || bytes >= maxBatchBytes {
				return batch, nil
			}
			if full == nil {
				full = time.After(time.Duration(settings.WaitMS) * time.Millisecond)
			}
		}
	}
}
