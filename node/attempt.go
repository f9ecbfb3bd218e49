package node

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/capodekappa/capo/jsrt/cell"
	"github.com/capodekappa/capo/jsrt/job"
	"github.com/capodekappa/capo/queue"
)

// errParked: the job was given up on this node.
var errParked = errors.New("parked")

// handle has a batch done, whatever it takes: as a whole, then once more, then record by record,
// so that the bad one is found. A record that keeps throwing goes to the dead letters; one
// that keeps killing its cell parks the job.
func (q *consumer) handle(ctx context.Context, batch []queue.Record, lag uint64) error {
	started := time.Now()
	sent, err := q.attempt(ctx, batch, 1)
	if err == nil {
		q.crashes = 0
		q.handled(len(batch), sent, time.Since(started), lag)
		return q.saveMarks(ctx, batch)
	}
	if ctx.Err() != nil || isLogError(err) {
		return err
	}
	q.note(err, batch)
	if len(batch) > 1 && !kills(err) {
		pause(ctx, q.backoff(1))
		if sent, err = q.attempt(ctx, batch, 2); err == nil {
			q.handled(len(batch), sent, time.Since(started), lag)
			return q.saveMarks(ctx, batch)
		}
	}
	for _, r := range batch {
		first := 1
		if len(batch) == 1 && !kills(err) {
			first = 2
			pause(ctx, q.backoff(1))
		}
		if err := q.handleOne(ctx, r, first, lag); err != nil {
			return err
		}
	}
	return nil
}

// handleOne does one record, with the job's retries.
func (q *consumer) handleOne(ctx context.Context, r queue.Record, attempt int, lag uint64) error {
	one := []queue.Record{r}
	for ; ; attempt++ {
		started := time.Now()
		sent, err := q.attempt(ctx, one, attempt)
		if err == nil {
			q.crashes = 0
			q.handled(1, sent, time.Since(started), lag)
			return q.saveMarks(ctx, one)
		}
		if ctx.Err() != nil || isLogError(err) {
			return err
		}
		q.note(err, one)
		if kills(err) {
			if q.crashes++; q.crashes >= parkAfter {
				q.park(fmt.Errorf("parked at record %d of %s, which killed its cell %d times in a row: %w", r.Seq, q.job.manifest.Settings.In, q.crashes, err), r.Seq)
				q.s.lines.put(q.job.manifest.Name, "error", fmt.Sprintf("parked at record %d of %s: %v", r.Seq, q.job.manifest.Settings.In, err))
				return errParked
			}
		} else if attempt > q.job.manifest.Settings.Retry.Max {
			if err := q.bury(ctx, r, attempt, err); err != nil {
				return err
			}
			return q.saveMarks(ctx, one)
		}
		pause(ctx, q.backoff(attempt))
		select {
		case <-q.draining:
			return errDrained
		default:
		}
	}
}

// kills tells errors that cost a cell for reasons other than time: memory and crashes.
func kills(err error) bool { return errors.Is(err, cell.ErrMemory) || errors.Is(err, cell.ErrCrashed) }

// logError is an error of the log, not of the job.
type logError struct{ error }

func (e logError) Unwrap() error { return e.error }

func isLogError(err error) bool {
	var e logError
	return errors.As(err, &e)
}

// note counts and prints an error of the job.
func (q *consumer) note(err error, batch []queue.Record) {
	q.fail(err, batch[0].Seq)
	q.s.lines.put(q.job.manifest.Name, "error", fmt.Sprintf("record %d of %s: %v", batch[0].Seq, q.job.manifest.Settings.In, err))
}

// backoff is how long to wait before the attempt after so many.
func (q *consumer) backoff(attempt int) time.Duration {
	return q.job.manifest.Settings.Retry.Backoff(attempt)
}

// attempt runs the handler over a batch and appends what it sent. Records that the handler wants
// again are done one by one before it returns.
func (q *consumer) attempt(ctx context.Context, batch []queue.Record, number int) (sent int, err error) {
	if err := q.freshCell(ctx); err != nil {
		return 0, err
	}
	settings := q.job.manifest.Settings
	msgs := make([]cell.Message, len(batch))
	for i, r := range batch {
		msgs[i] = messageOf(r, number)
	}
	first := batch[0]
	out, err := q.cell.Queue(ctx, cell.Batch{
		Queue: settings.In, AttemptID: fmt.Sprintf("%s/%d/%d/%d", q.job.version, first.Partition, first.Seq, number),
		Limit: time.Duration(settings.Needs.TimeMS) * time.Millisecond, Whole: settings.Delivery != job.AtLeastOnce, Messages: msgs,
	})
	if err != nil {
		return 0, err
	}
	if err := q.send(ctx, out.Sends, first); err != nil {
		return 0, err
	}
	sent = len(out.Sends)
	for i, v := range out.Verdicts {
		if !v.Retry || i >= len(batch) {
			continue
		}
		if number > settings.Retry.Max {
			err = q.bury(ctx, batch[i], number, errors.New("its handler asked for another try too often"))
		} else {
			pause(ctx, max(v.Delay, q.backoff(number)))
			var more int
			more, err = q.attempt(ctx, batch[i:i+1], number+1)
			sent += more
		}
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// freshCell starts a cell where the last one is gone.
func (q *consumer) freshCell(ctx context.Context) error {
	if q.cell != nil && q.cell.Err() == nil {
		return nil
	}
	q.closeCell()
	c, err := q.s.startCell(ctx, q.job.manifest, q.program)
	if err != nil {
		return err
	}
	q.restarted()
	q.cell = c
	return nil
}

func (q *consumer) closeCell() {
	if q.cell != nil {
		q.cell.Close()
		q.cell = nil
	}
}

// send appends what a handler sent, each stream's records in their order.
func (q *consumer) send(ctx context.Context, sends []cell.Send, cause queue.Record) error {
	return q.s.send(ctx, q.job.manifest.Settings.Out, sends, strconv.FormatUint(cause.Seq, 10))
}

// send appends what a handler of a job with this output sent; from is the sequence of the record that it was about, or "".
func (s *session) send(ctx context.Context, out string, sends []cell.Send, from string) error {
	byStream := map[string][]queue.Record{}
	var order []string
	for _, sent := range sends {
		stream := sent.Stream
		if stream == "" {
			stream = out
		}
		if stream == "" {
			return fmt.Errorf("the handler sent a record, and the job names no out stream")
		}
		if byStream[stream] == nil {
			order = append(order, stream)
		}
		byStream[stream] = append(byStream[stream], recordOf(sent, s.id, from))
	}
	for _, stream := range order {
		if err := s.append(ctx, stream, byStream[stream]); err != nil {
			return logError{err}
		}
	}
	return nil
}

// append puts records into a stream, making room where it is full.
func (s *session) append(ctx context.Context, stream string, records []queue.Record) error {
	_, err := s.appendSeqs(ctx, stream, records)
	return err
}

func (s *session) appendSeqs(ctx context.Context, stream string, records []queue.Record) ([]uint64, error) {
	var seqs []uint64
	err := fmt.Errorf("append to %s: %w: the log's memory is used up", stream, queue.ErrFull)
	if !s.roster.logFull() {
		seqs, err = s.log.Append(ctx, stream, records...)
	}
	if !errors.Is(err, queue.ErrFull) {
		return seqs, err
	}
	freed, merr := s.makeRoom(ctx, stream)
	if merr != nil || !freed {
		return seqs, errors.Join(err, merr)
	}
	more, err := s.log.Append(ctx, stream, records[len(seqs):]...)
	return append(seqs, more...), err
}

// bury puts a record into the job's dead-letter stream, with the error that it ended with.
func (q *consumer) bury(ctx context.Context, r queue.Record, attempts int, cause error) error {
	dead := q.job.manifest.Settings.Dead
	if _, err := q.s.log.EnsureStream(ctx, dead, q.s.log.Patience()); err != nil {
		return logError{err}
	}
	e := describeError(cause)
	headers := map[string]string{"dead-seq": strconv.FormatUint(r.Seq, 10), "dead-attempts": strconv.Itoa(attempts),
		"dead-error": oneLine(q.s.n.secrets.clean(e.Message)), "dead-at": fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)}
	for k, v := range r.Headers {
		headers[k] = v
	}
	if err := q.s.append(ctx, dead, []queue.Record{{Key: r.Key, Type: r.Type, Headers: headers, Body: r.Body}}); err != nil {
		return logError{err}
	}
	q.s.lines.put(q.job.manifest.Name, "error", fmt.Sprintf("record %d of %s is dead after %d attempts: %v", r.Seq, q.job.manifest.Settings.In, attempts, cause))
	return nil
}

// makeRoom removes the oldest records of a full stream that every job reading it has passed, up to a
// quarter of it, and tells whether there were any. A stream that no job reads keeps all.
func (s *session) makeRoom(ctx context.Context, stream string) (bool, error) {
	info, err := s.log.Stream(ctx, stream)
	if err != nil {
		return false, err
	}
	var readers []string
	for _, j := range s.want.snapshot() {
		if !j.stopped && j.manifest.Settings.In == stream {
			readers = append(readers, j.manifest.Name)
		}
	}
	if len(readers) == 0 {
		return false, nil
	}
	passed := make([]uint64, info.Partitions)
	oldest := uint64(0)
	for p := range passed {
		if passed[p], err = s.passedByAll(ctx, readers, stream, p); err != nil {
			return false, err
		}
		oldest = max(oldest, passed[p])
	}
	if oldest < info.FirstSeq {
		return false, nil
	}
	cut := info.FirstSeq + (info.LastSeq-info.FirstSeq)/4
	for p, seq := range passed {
		if seq = min(seq, cut); seq >= info.FirstSeq {
			if err := s.log.Trim(ctx, stream, p, seq); err != nil {
				return false, err
			}
		}
	}
	after, err := s.log.Stream(ctx, stream)
	return err == nil && after.Messages < info.Messages, err
}

func (s *session) passedByAll(ctx context.Context, readers []string, stream string, partition int) (uint64, error) {
	lowest := uint64(1)<<63 - 1
	for _, job := range readers {
		e, err := s.log.State(ctx, queue.StateKey("ckpt", job, stream, strconv.Itoa(partition)))
		if errors.Is(err, queue.ErrNotFound) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		var c checkpoint
		if err := decodeJSON(e.Value, &c); err != nil {
			return 0, err
		}
		lowest = min(lowest, c.Seq)
	}
	return lowest, nil
}

const contentType = "content-type"

// messageOf gives a record to a handler; its content type is among its headers.
func messageOf(r queue.Record, attempts int) cell.Message {
	headers := map[string]string{}
	for k, v := range r.Headers {
		headers[k] = v
	}
	if r.Type != "" {
		headers[contentType] = r.Type
	}
	return cell.Message{Seq: r.Seq, Key: r.Key, Timestamp: r.Time, Attempts: attempts, Headers: headers, Body: r.Body}
}

// recordOf takes what a handler sent; it says which node made it, and from which record if it was from one.
func recordOf(s cell.Send, node, from string) queue.Record {
	headers := map[string]string{}
	kind := ""
	for k, v := range s.Headers {
		if k == contentType {
			kind = v
			continue
		}
		headers[k] = v
	}
	headers["capo-node"] = node
	if from != "" {
		headers["capo-from"] = from
	}
	return queue.Record{Key: s.Key, Type: kind, Headers: headers, Body: s.Body}
}
