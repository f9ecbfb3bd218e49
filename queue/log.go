package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Config says which log to open and how it is made if it is new.
type Config struct {
	Incarnation string
	Servers     []netip.Addr // the log's servers; the first is preferred
	Token       string
	Name        string // of this client: the node's id and boot nonce
	Rank        int    // 0 for the node that makes the system's streams at once, higher ones wait longer
	MaxMemory   int64  // the bytes of one server's streams together, for the default share
	Log         *slog.Logger
}

// Log is an open log. Its methods may be called from several goroutines.
type Log struct {
	cfg      Config
	nc       *nats.Conn
	js       jetstream.JetStream
	legacy   nats.JetStreamContext // for ordered consumers to which the server pushes
	blobs    jetstream.ObjectStore
	producer string
	counter  atomic.Uint64
	keyless  atomic.Uint64
}

// Open connects to a log and returns when its system streams exist, making them if it is new.
// It tries until ctx ends.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	nc, err := nats.Connect(strings.Join(serverURLs(cfg.Servers), ","),
		nats.Name(cfg.Name), nats.UserInfo(ClientUser(cfg.Incarnation), cfg.Token), nats.IgnoreAuthErrorAbort(), nats.DontRandomize(),
		nats.MaxReconnects(-1), nats.ReconnectWait(150*time.Millisecond), nats.ReconnectJitter(50*time.Millisecond, 50*time.Millisecond),
		nats.RetryOnFailedConnect(true), nats.Timeout(5*time.Second), nats.PingInterval(5*time.Second), nats.MaxPingsOutstanding(2),
		nats.IgnoreDiscoveredServers(), nats.CustomInboxPrefix("_INBOX."+cfg.Name),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if cfg.Log != nil {
				cfg.Log.Debug("log connection", "err", err)
			}
		}))
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", cfg.Incarnation, err)
	}
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(1024), jetstream.WithDefaultTimeout(5*time.Second))
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("open log %s: %w", cfg.Incarnation, err)
	}
	legacy, err := nc.JetStream(nats.MaxWait(2 * requestLimit))
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("open log %s: %w", cfg.Incarnation, err)
	}
	l := &Log{cfg: cfg, nc: nc, js: js, legacy: legacy, producer: cfg.Name}
	if err := l.prepare(ctx); err != nil {
		nc.Close()
		return nil, fmt.Errorf("open log %s: %w", cfg.Incarnation, err)
	}
	return l, nil
}

// ClientUser is the name by which a log's servers know its clients. It is the log's own: where a server of another
// log runs at the same address by now, a client that has not heard of it is refused, and neither
// reads nor writes in a log that it is not in.
func ClientUser(incarnation string) string { return "node-" + incarnation }

// Close ends the connection. Readers end with an error.
func (l *Log) Close() { l.nc.Close() }

// SetServers has the client know another list of servers from now on, the first preferred; it stays connected
// where it is.
func (l *Log) SetServers(servers []netip.Addr) error {
	if err := l.nc.SetServerPool(serverURLs(servers)); err != nil {
		return fmt.Errorf("log %s: its servers: %w", l.cfg.Incarnation, err)
	}
	return nil
}

func serverURLs(servers []netip.Addr) []string {
	urls := make([]string, len(servers))
	for i, a := range servers {
		urls[i] = serverURL("nats", a, ClientPort, nil)
	}
	return urls
}

// Connected tells whether a log server is reachable now.
func (l *Log) Connected() bool { return l.nc.IsConnected() }

// Incarnation is the log's name.
func (l *Log) Incarnation() string { return l.cfg.Incarnation }

// Server is the address of the log server that this client talks to, or empty.
func (l *Log) Server() string { return l.nc.ConnectedAddr() }

// Replicas is how many servers carry each stream.
func (l *Log) Replicas() int {
	if len(l.cfg.Servers) >= 3 {
		return 3
	}
	return 1
}

func (l *Log) systemStreams() []jetstream.StreamConfig {
	share := max(l.cfg.MaxMemory/32, 2<<20)
	base := func(name, subject string) jetstream.StreamConfig {
		return jetstream.StreamConfig{
			Name: name, Subjects: []string{subject}, Storage: jetstream.MemoryStorage, Replicas: l.Replicas(),
			Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld, MaxBytes: share, MaxMsgs: -1, MaxMsgsPerSubject: -1,
			AllowDirect: true, Duplicates: 2 * time.Minute,
		}
	}
	control := base(controlStream, "control.*.*")
	control.MaxMsgsPerSubject, control.AllowMsgTTL, control.Discard = 16, true, jetstream.DiscardNew
	control.MaxBytes = max(l.cfg.MaxMemory/16, 4<<20)
	state := base(stateStream, "state.>")
	state.MaxMsgsPerSubject, state.Duplicates = 1, 0
	state.AllowDirect = false // what is read is compared and swapped: only the leader's word counts
	return []jetstream.StreamConfig{control, state, base(resultStream, "result.*.*"), base(logStream, "log.*.*")}
}

const (
	controlStream = "capo_control"
	stateStream   = "capo_state"
	resultStream  = "capo_results"
	logStream     = "capo_logs"
	blobBucket    = "capo_blobs"
)

// prepare waits for the system's streams. Any node may make them, as the same configuration is
// the same stream; ranks keep them from all trying at once.
func (l *Log) prepare(ctx context.Context) error {
	started := time.Now()
	patience := time.Duration(l.cfg.Rank) * 2 * time.Second
	for {
		err := l.findOrMake(ctx, time.Since(started) >= patience)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for its streams: %w (last: %w)", context.Cause(ctx), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (l *Log) findOrMake(ctx context.Context, may bool) error {
	if !l.nc.IsConnected() {
		return fmt.Errorf("%w: %s", ErrUnavailable, strings.Join(l.nc.Servers(), " "))
	}
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	streams := l.systemStreams()
	errs := make(chan error, len(streams))
	for _, cfg := range streams {
		go func() {
			_, err := l.js.Stream(ctx, cfg.Name)
			if may && errors.Is(err, jetstream.ErrStreamNotFound) {
				_, err = l.js.CreateStream(ctx, cfg)
			}
			if err != nil {
				err = fmt.Errorf("stream %s: %w", cfg.Name, err)
			}
			errs <- err
		}()
	}
	store, err := l.js.ObjectStore(ctx, blobBucket)
	if may && errors.Is(err, jetstream.ErrBucketNotFound) {
		store, err = l.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{
			Bucket: blobBucket, Storage: jetstream.MemoryStorage, Replicas: l.Replicas(), MaxBytes: max(l.cfg.MaxMemory/4, 4<<20)})
	}
	for range streams {
		err = errors.Join(err, <-errs)
	}
	if err != nil {
		return err
	}
	l.blobs = store
	return nil
}

// nextID names an append for the server's duplicate check: the producer and a counter.
func (l *Log) nextID() string {
	return l.producer + ":" + strconv.FormatUint(l.counter.Add(1), 36)
}

// wrap turns an error of the NATS client into one of this package's.
func wrap(err error) error {
	var api *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, nats.ErrStreamNotFound), errors.Is(err, jetstream.ErrMsgNotFound), errors.Is(err, jetstream.ErrObjectNotFound):
		return fmt.Errorf("%w (%w)", ErrNotFound, err)
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("%w (%w)", ErrTooLarge, err)
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrNoStreamResponse),
		errors.Is(err, nats.ErrTimeout), errors.Is(err, nats.ErrDisconnected), errors.Is(err, context.DeadlineExceeded), transient(err):
		return fmt.Errorf("%w (%w)", ErrUnavailable, err)
	case errors.As(err, &api):
		switch {
		case strings.Contains(api.Description, "sealed"):
			return fmt.Errorf("%w: it gives way to another log (%w)", ErrUnavailable, err)
		case strings.Contains(api.Description, "insufficient"):
			return fmt.Errorf("%w (%w)", errNoMemory, err)
		case api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence, api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant:
			return fmt.Errorf("%w (%w)", ErrConflict, err)
		case strings.Contains(api.Description, "maximum bytes") || strings.Contains(api.Description, "maximum messages") || strings.Contains(api.Description, "resource limits exceeded"):
			return fmt.Errorf("%w (%w)", ErrFull, err)
		}
	}
	return err
}
