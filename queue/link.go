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

	"github.com/capodekappa/capo/fleet/trust"
)

// Config says which log to open, as whom, and how it is made if it is new.
type Config struct {
	Incarnation string
	Server      *Server          // the log server in this process; nil: Servers are reached over the network
	Servers     []netip.Addr     // all servers of the log; the first is preferred
	Authority   *trust.Authority // as whom this process speaks
	ID          string           // the node's id
	Name        string           // of this client: the node's id and boot nonce
	Rank        int              // 0 for the server that makes the system's streams at once, higher ones wait longer
	MaxMemory   int64            // the bytes of one server's streams together, for the default share
	Log         *slog.Logger
}

// link is a connection with one account of a log.
type link struct {
	cfg     Config
	nc      *nats.Conn
	js      jetstream.JetStream
	legacy  nats.JetStreamContext // for ordered consumers to which the server pushes
	counter atomic.Uint64
}

// connect connects to the log's server in this process as user, or else to its servers as the node that this process is.
func connect(cfg Config, user string) (*link, error) {
	opts := []nats.Option{
		nats.Name(cfg.Name), nats.IgnoreAuthErrorAbort(), nats.DontRandomize(),
		nats.MaxReconnects(-1), nats.ReconnectWait(150 * time.Millisecond), nats.ReconnectJitter(50*time.Millisecond, 50*time.Millisecond),
		nats.RetryOnFailedConnect(true), nats.Timeout(5 * time.Second), nats.PingInterval(5 * time.Second), nats.MaxPingsOutstanding(2),
		nats.IgnoreDiscoveredServers(), nats.CustomInboxPrefix("_INBOX." + cfg.ID + "." + cfg.Name),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if cfg.Log != nil {
				cfg.Log.Debug("log connection", "err", err)
			}
		}),
	}
	var urls []string
	if cfg.Server != nil {
		opts = append(opts, cfg.Server.own(user)...)
	} else {
		for _, a := range cfg.Servers {
			urls = append(urls, serverURL("tls", a, ClientPort))
		}
		opts = append(opts, nats.UserInfo(ClientUser(cfg.Incarnation), ""), nats.Secure(cfg.Authority.Client(nil)), nats.TLSHandshakeFirst())
	}
	nc, err := nats.Connect(strings.Join(urls, ","), opts...)
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", cfg.Incarnation, err)
	}
	l := &link{cfg: cfg, nc: nc}
	if l.js, err = jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(1024), jetstream.WithDefaultTimeout(5*time.Second)); err == nil {
		l.legacy, err = nc.JetStream(nats.MaxWait(2 * requestLimit))
	}
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("open log %s: %w", cfg.Incarnation, err)
	}
	return l, nil
}

// ClientUser is the name by which a log's servers know the nodes that are in it. It is the log's own: where a server of another
// log runs at the same address by now, a client that has not heard of it is refused, and neither
// reads nor writes in a log that it is not in.
func ClientUser(incarnation string) string { return "node-" + incarnation }

// Close ends the connection. Readers end with an error.
func (l *link) Close() { l.nc.Close() }

// SetServers has the client know another list of servers from now on, the first preferred; it stays connected
// where it is.
func (l *link) SetServers(servers []netip.Addr) error {
	if l.cfg.Server != nil {
		return nil // its own is in this process
	}
	if err := l.nc.SetServerPool(serverURLs(servers)); err != nil {
		return fmt.Errorf("log %s: its servers: %w", l.cfg.Incarnation, err)
	}
	return nil
}

func serverURLs(servers []netip.Addr) []string {
	urls := make([]string, len(servers))
	for i, a := range servers {
		urls[i] = serverURL("tls", a, ClientPort)
	}
	return urls
}

// Connected tells whether a log server is reachable now.
func (l *link) Connected() bool { return l.nc.IsConnected() }

// Incarnation is the log's name.
func (l *link) Incarnation() string { return l.cfg.Incarnation }

// Server is the address of the log server that this client talks to, or empty.
func (l *link) Server() string { return l.nc.ConnectedAddr() }

// Replicas is how many servers carry each stream.
func (l *link) Replicas() int {
	if len(l.cfg.Servers) >= 3 {
		return 3
	}
	return 1
}

// systemStream is a stream of the system's own, with a share of the memory.
func (l *link) systemStream(name, subject string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: name, Subjects: []string{subject}, Storage: jetstream.MemoryStorage, Replicas: l.Replicas(),
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld, MaxBytes: max(l.cfg.MaxMemory/32, 2<<20), MaxMsgs: -1, MaxMsgsPerSubject: -1,
		AllowDirect: true, Duplicates: 2 * time.Minute,
	}
}

// stateConfig is the stream of the newest values of keys, which each account has.
func (l *link) stateConfig() jetstream.StreamConfig {
	state := l.systemStream(stateStream, "state.>")
	state.MaxMsgsPerSubject, state.Duplicates = 1, 0
	state.AllowDirect = false // what is read is compared and swapped: only the leader's word counts
	return state
}

const (
	controlStream = "capo_control"
	stateStream   = "capo_state"
	resultStream  = "capo_results"
	logStream     = "capo_logs"
	blobBucket    = "capo_blobs"
)

// prepare waits for the system's streams, with find, which may make them where it is told so. Any server may, as the same
// configuration is the same stream; ranks keep them from all trying at once.
func (l *link) prepare(ctx context.Context, find func(ctx context.Context, may bool) error) error {
	started := time.Now()
	patience := time.Duration(l.cfg.Rank) * 2 * time.Second
	wait := 50 * time.Millisecond
	if l.cfg.Server == nil {
		wait = 150 * time.Millisecond
	}
	for {
		err := fmt.Errorf("%w: %s", ErrUnavailable, strings.Join(l.nc.Servers(), " "))
		if l.nc.IsConnected() {
			try, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
			err = find(try, l.cfg.Server != nil && time.Since(started) >= patience)
			cancel()
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for its streams: %w (last: %w)", context.Cause(ctx), err)
		case <-time.After(wait):
		}
	}
}

// findStreams looks for streams, and makes those that are missing if it may.
func (l *link) findStreams(ctx context.Context, may bool, streams ...jetstream.StreamConfig) error {
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
	var err error
	for range streams {
		err = errors.Join(err, <-errs)
	}
	return err
}

// nextID names an append for the server's duplicate check: the producer and a counter.
func (l *link) nextID() string {
	return l.cfg.Name + ":" + strconv.FormatUint(l.counter.Add(1), 36)
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
