package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/capodekappa/capo/queue/control"
)

// StreamSettings is what a user may say about a stream; a zero field leaves the default, or
// what is there.
type StreamSettings struct {
	MaxBytes   int64         `json:"max_bytes,omitempty"`
	Keep       time.Duration `json:"keep,omitempty"` // nanoseconds
	Partitions int           `json:"partitions,omitempty"`
	Replicas   int           `json:"replicas,omitempty"`
	Compact    bool          `json:"compact,omitempty"` // only the newest record of each key stays
}

// StreamInfo describes a user stream.
type StreamInfo struct {
	Name       string `json:"name"`
	Messages   uint64 `json:"messages"`
	Bytes      uint64 `json:"bytes"`
	MaxBytes   int64  `json:"max_bytes"`
	FirstSeq   uint64 `json:"first_seq"`
	LastSeq    uint64 `json:"last_seq"`
	Replicas   int    `json:"replicas"`
	Storage    string `json:"storage"`
	Partitions int    `json:"partitions"`
}

const partitionsKey = "capo.partitions"

// EnsureStream makes a stream if there is none, with the defaults, and describes it. Requests to make one
// stream that meet on the servers hold each other up for seconds; where several nodes need it at
// the same time, all but one are given some patience to find it made by another.
func (l *Log) EnsureStream(ctx context.Context, name string, patience time.Duration) (StreamInfo, error) {
	for end := time.Now().Add(patience); ; {
		info, err := l.Stream(ctx, name)
		if !errors.Is(err, ErrNotFound) {
			return info, err
		}
		if !time.Now().Before(end) {
			break
		}
		select {
		case <-ctx.Done():
			return info, context.Cause(ctx)
		case <-time.After(15 * time.Millisecond):
		}
	}
	for share := l.defaultShare(); ; share /= 2 {
		info, err := l.SetStream(ctx, name, StreamSettings{MaxBytes: share})
		if !errors.Is(err, errNoMemory) || share/2 < minShare {
			return info, err
		}
	}
}

// Patience is what a node gives [Log.EnsureStream] when the others need the stream too.
func (l *Log) Patience() time.Duration { return time.Duration(l.cfg.Rank) * 250 * time.Millisecond }

// SetStream makes a stream or changes its settings. The number of partitions cannot change.
func (l *Log) SetStream(ctx context.Context, name string, s StreamSettings) (StreamInfo, error) {
	if err := control.ValidStream(name); err != nil {
		return StreamInfo{}, err
	}
	for {
		cfg, err := l.streamConfig(ctx, name, s)
		if err != nil {
			return StreamInfo{}, err
		}
		try, cancel := context.WithTimeout(ctx, 700*time.Millisecond)
		str, err := l.js.CreateOrUpdateStream(try, cfg)
		cancel()
		if err == nil {
			return describe(str.CachedInfo()), nil
		}
		if !transient(err) && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) || ctx.Err() != nil {
			return StreamInfo{}, fmt.Errorf("stream %s: %w", name, wrap(err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(30 * time.Millisecond):
		}
	}
}

func (l *Log) streamConfig(ctx context.Context, name string, s StreamSettings) (jetstream.StreamConfig, error) {
	enc := token(name)
	cfg := jetstream.StreamConfig{
		Name: "s_" + enc, Subjects: []string{"in." + enc + ".*"}, Storage: jetstream.MemoryStorage, Replicas: l.Replicas(),
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, MaxMsgs: -1, MaxMsgsPerSubject: -1,
		MaxBytes: l.defaultShare(), AllowDirect: true, Duplicates: 2 * time.Minute,
	}
	partitions := DefaultPartitions
	if str, err := l.stream(ctx, cfg.Name); err == nil {
		cfg = str.CachedInfo().Config
		partitions = describe(str.CachedInfo()).Partitions
		if s.Partitions != 0 && s.Partitions != partitions {
			return cfg, fmt.Errorf("stream %s: %w: it has %d partitions, and their number is fixed when it is made", name, ErrConflict, partitions)
		}
	} else if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return cfg, fmt.Errorf("stream %s: %w", name, wrap(err))
	}
	if s.Partitions != 0 {
		partitions = s.Partitions
	}
	if partitions < 1 || partitions > 256 {
		return cfg, fmt.Errorf("stream %s: %d partitions: want 1 to 256", name, partitions)
	}
	cfg.SubjectTransform = &jetstream.SubjectTransformConfig{Source: "in." + enc + ".*",
		Destination: fmt.Sprintf("s.%s.{{partition(%d,1)}}.{{wildcard(1)}}", enc, partitions)}
	cfg.Metadata = map[string]string{partitionsKey: strconv.Itoa(partitions)}
	if s.MaxBytes != 0 {
		cfg.MaxBytes = s.MaxBytes
	}
	if s.Keep != 0 {
		cfg.MaxAge = s.Keep
	}
	if s.Replicas != 0 {
		cfg.Replicas = s.Replicas
	}
	if s.Compact {
		cfg.MaxMsgsPerSubject, cfg.Discard = 1, jetstream.DiscardOld
	}
	return cfg, nil
}

// defaultShare is a new stream's limit: a part of the log's memory, so that several fit.
func (l *Log) defaultShare() int64 { return min(max(l.cfg.MaxMemory/8, minShare), 64<<20) }

// minShare is the least that a stream is given unless its settings say so.
const minShare = 1 << 20

// errNoMemory: the servers have promised their memory to other streams.
var errNoMemory = fmt.Errorf("%w: the log's memory is given to other streams; capo stream set NAME --max makes one smaller", ErrFull)

// Stream describes a stream; [ErrNotFound] if there is none.
func (l *Log) Stream(ctx context.Context, name string) (StreamInfo, error) {
	str, err := l.stream(ctx, "s_"+token(name))
	if err != nil {
		return StreamInfo{}, fmt.Errorf("stream %s: %w", name, wrap(err))
	}
	return describe(str.CachedInfo()), nil
}

// Streams describes all user streams.
func (l *Log) Streams(ctx context.Context) ([]StreamInfo, error) {
	list := l.js.ListStreams(ctx, jetstream.WithStreamListSubject("in.>"))
	all := []StreamInfo{}
	for info := range list.Info() {
		all = append(all, describe(info))
	}
	if err := list.Err(); err != nil && !errors.Is(err, jetstream.ErrEndOfData) {
		return nil, fmt.Errorf("list streams: %w", wrap(err))
	}
	return all, nil
}

func describe(info *jetstream.StreamInfo) StreamInfo {
	partitions, err := strconv.Atoi(info.Config.Metadata[partitionsKey])
	if err != nil {
		partitions = DefaultPartitions
	}
	storage := "memory"
	if info.Config.Storage == jetstream.FileStorage {
		storage = "file"
	}
	return StreamInfo{
		Name: untoken(strings.TrimPrefix(info.Config.Name, "s_")), Messages: info.State.Msgs, Bytes: info.State.Bytes, MaxBytes: info.Config.MaxBytes,
		FirstSeq: info.State.FirstSeq, LastSeq: info.State.LastSeq, Replicas: info.Config.Replicas, Storage: storage, Partitions: partitions,
	}
}

// Trim removes a partition's records up to a sequence.
func (l *Log) Trim(ctx context.Context, name string, partition int, upTo uint64) error {
	str, err := l.stream(ctx, "s_"+token(name))
	if err != nil {
		return fmt.Errorf("stream %s: %w", name, wrap(err))
	}
	err = str.Purge(ctx, jetstream.WithPurgeSubject(fmt.Sprintf("s.%s.%d.*", token(name), partition)), jetstream.WithPurgeSequence(upTo+1))
	if err != nil {
		return fmt.Errorf("stream %s: remove what was read: %w", name, wrap(err))
	}
	return nil
}
