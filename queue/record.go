package queue

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/capodekappa/capo/queue/control"
)

// Record is an entry of a user stream.
type Record struct {
	Seq       uint64
	Time      time.Time
	Partition int
	Key       string
	Type      string // content type, may be empty
	Headers   map[string]string
	Body      []byte
}

// The headers of a record; see docs/formats.md ("Record headers").
const (
	headerKey  = "Capo-Key"
	headerType = "Content-Type"
	headerBlob = "Capo-Blob"
	headerUser = "Capo-H-"
)

// Append puts records at a stream's end, in order where they share a key, and returns their
// sequences when a majority of the servers has them all. Errors: [ErrNotFound], [ErrFull], [ErrTooLarge],
// [ErrUnavailable]; then some of them may be in the stream.
func (l *Log) Append(ctx context.Context, stream string, records ...Record) ([]uint64, error) {
	seqs := make([]uint64, len(records))
	for start := 0; start < len(records); start += 256 {
		end := min(start+256, len(records))
		if err := l.appendSome(ctx, stream, records[start:end], seqs[start:end]); err != nil {
			return seqs[:start], fmt.Errorf("append to %s: %w", stream, err)
		}
	}
	return seqs, nil
}

func (l *Log) appendSome(ctx context.Context, stream string, records []Record, seqs []uint64) error {
	msgs := make([]*nats.Msg, len(records))
	for i, r := range records {
		msg, err := l.message(ctx, stream, r)
		if err != nil {
			return err
		}
		msgs[i] = msg
	}
	if len(msgs) == 1 {
		ack, err := l.publish(ctx, msgs[0])
		if err == nil {
			seqs[0] = ack.Sequence
		}
		return err
	}
	futures := make([]jetstream.PubAckFuture, len(msgs))
	for i, msg := range msgs {
		f, err := l.js.PublishMsgAsync(msg)
		if err != nil {
			return wrap(err)
		}
		futures[i] = f
	}
	for i, f := range futures {
		seq, err := l.settle(ctx, f, msgs[i])
		if err != nil {
			return err
		}
		seqs[i] = seq
	}
	return nil
}

// settle waits for one asynchronous append, and does it again where the log had no leader.
func (l *Log) settle(ctx context.Context, f jetstream.PubAckFuture, msg *nats.Msg) (uint64, error) {
	select {
	case ack := <-f.Ok():
		return ack.Sequence, nil
	case err := <-f.Err():
		if !transient(err) {
			return 0, wrap(err)
		}
	case <-time.After(3 * time.Second):
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	again := nats.NewMsg(msg.Subject)
	again.Header, again.Data = msg.Header, msg.Data
	ack, err := l.publish(ctx, again)
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// message encodes a record; a body over [MaxRecord] becomes a blob that the record names.
func (l *Log) message(ctx context.Context, stream string, r Record) (*nats.Msg, error) {
	msg := nats.NewMsg("in." + token(stream) + "." + l.keyToken(r.Key))
	msg.Data = r.Body
	msg.Header.Set(jetstream.MsgIDHeader, l.nextID())
	if r.Key != "" {
		msg.Header.Set(headerKey, base64.StdEncoding.EncodeToString([]byte(r.Key)))
	}
	if r.Type != "" {
		msg.Header.Set(headerType, r.Type)
	}
	size := 0
	for k, v := range r.Headers {
		if strings.ContainsAny(k, "\r\n:") || strings.ContainsAny(v, "\r\n") {
			return nil, fmt.Errorf("header %q: line breaks and colons have no place there", k)
		}
		msg.Header.Set(headerUser+k, v)
		size += len(k) + len(v)
	}
	if size+len(r.Key) > 64<<10 {
		return nil, fmt.Errorf("%w: key and headers over 64 KiB", ErrTooLarge)
	}
	if len(r.Body) > MaxRecord {
		digest := control.Digest(r.Body)
		if err := l.PutBlob(ctx, digest, r.Body); err != nil {
			return nil, err
		}
		msg.Header.Set(headerBlob, digest)
		msg.Data = nil
	}
	return msg, nil
}

// keyToken is the subject token that the server hashes to a partition. Records without a key
// are spread.
func (l *Log) keyToken(key string) string {
	if key == "" {
		return "=" + strconv.FormatUint(l.keyless.Add(1)%64, 10)
	}
	sum := sha256.Sum256([]byte(key))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// record decodes what message made.
func (l *Log) record(ctx context.Context, subject string, header nats.Header, data []byte, seq uint64, at time.Time) (Record, error) {
	r := Record{Seq: seq, Time: at, Partition: partitionOf(subject), Type: header.Get(headerType), Body: data}
	if k := header.Get(headerKey); k != "" {
		if raw, err := base64.StdEncoding.DecodeString(k); err == nil {
			r.Key = string(raw)
		}
	}
	for k := range maps.Keys(header) {
		if name, ok := strings.CutPrefix(k, headerUser); ok {
			if r.Headers == nil {
				r.Headers = map[string]string{}
			}
			r.Headers[name] = header.Get(k)
		}
	}
	if digest := header.Get(headerBlob); digest != "" {
		body, err := l.Blob(ctx, digest)
		if err != nil {
			return r, fmt.Errorf("record %d: %w", seq, err)
		}
		r.Body = body
	}
	return r, nil
}

// partitionOf reads the partition from s.NAME.PARTITION.KEY.
func partitionOf(subject string) int {
	parts := strings.Split(subject, ".")
	if len(parts) != 4 {
		return 0
	}
	p, err := strconv.Atoi(parts[2])
	if err != nil {
		return 0
	}
	return p
}

// ReadOptions says what to read of a stream.
type ReadOptions struct {
	From       uint64    // first sequence; 0 is the oldest
	Since      time.Time // or the first record at or after
	New        bool      // or only what is appended from now on
	Partitions []int     // nil for all
	Follow     bool      // wait for more at the end
}

// Reader reads a stream in order.
type Reader struct {
	log    *Log
	f      *follower
	follow bool
	left   uint64
}

// ErrEnd: a reader that does not follow has read all that there was.
var ErrEnd = errors.New("end of stream")

// Read starts reading. Errors: [ErrNotFound], [ErrUnavailable].
func (l *Log) Read(ctx context.Context, stream string, o ReadOptions) (*Reader, error) {
	enc := token(stream)
	filters := []string{"s." + enc + ".*.*"}
	if o.Partitions != nil {
		filters = filters[:0]
		for _, p := range o.Partitions {
			filters = append(filters, fmt.Sprintf("s.%s.%d.*", enc, p))
		}
	}
	f, err := l.follow(ctx, "s_"+enc, filters, position{seq: o.From, time: o.Since, new: o.New})
	if err != nil {
		return nil, err
	}
	return &Reader{log: l, f: f, follow: o.Follow, left: f.pending}, nil
}

// Next waits for the next record. Errors: [ErrEnd] at the end of a reader that does not
// follow, the cause of ctx's end, and those of the connection.
func (r *Reader) Next(ctx context.Context) (Record, error) {
	if !r.follow && r.left == 0 {
		return Record{}, ErrEnd
	}
	msg, meta, err := r.f.next(ctx)
	if err != nil {
		return Record{}, err
	}
	if r.left > 0 {
		r.left--
	}
	return r.log.record(ctx, msg.Subject, msg.Header, msg.Data, meta.Sequence.Stream, meta.Timestamp)
}

// Pending is how many records stood in the stream when reading began and were not read yet.
func (r *Reader) Pending() uint64 { return r.left }

// Close stops reading.
func (r *Reader) Close() { r.f.close() }
