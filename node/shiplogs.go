package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/capodekappa/capo/node/api"
)

// shipper sends what this node and its jobs print to a URL, as JSON lines. It keeps them while there is no network, up to a bound;
// beyond it the oldest go, and how many is said in their place.
type shipper struct {
	to     sender
	name   string              // of the place, without what may be secret
	clean  func(string) string // takes secrets out of a message; nil: there are none
	log    *slog.Logger        // of its own troubles, as they begin and end
	retry  time.Duration       // the first wait after a failure, doubled each time
	filled chan struct{}       // there is something to send

	mu      sync.Mutex // guards what follows
	node    string
	waiting [][]byte
	bytes   int    // of waiting
	gap     uint64 // lines dropped since the last that was taken to be sent
	counts  shipCounts
}

// shipCounts are what a shipper did.
type shipCounts struct{ sent, dropped, failures uint64 }

// Limits of shipping.
const (
	maxWaitingBytes = 2 << 20 // of lines that wait
	maxShipment     = 256 << 10
	shipWithin      = 15 * time.Second // for one batch
	shipGather      = 200 * time.Millisecond
	shipRetry       = 500 * time.Millisecond
	maxShipRetry    = 10 * time.Second
)

// sender takes a batch of lines somewhere. An error that is a *refusedError is for ever, any other one may pass.
type sender interface {
	send(ctx context.Context, lines [][]byte) error
	close()
}

// refusedError is why a batch will never be taken.
type refusedError struct{ reason string }

func (e *refusedError) Error() string { return e.reason }

// newShipper returns one that sends to a URL: http or https (batches are POSTed), tcp or udp (a line is one datagram).
func newShipper(to, node string, clean func(string) string, log *slog.Logger) (*shipper, error) {
	u, err := url.Parse(to)
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("ship logs: that is no URL; write http://HOST/PATH, https://…, tcp://HOST:PORT or udp://HOST:PORT") // without it, as it may hold a password
	case u.User != nil:
		return nil, fmt.Errorf("ship logs to %s: a password has no place in this URL, which everybody on the machine can read", u.Host)
	}
	s := &shipper{name: u.Scheme + "://" + u.Host, clean: clean, log: log, node: node, retry: shipRetry, filled: make(chan struct{}, 1)}
	switch u.Scheme {
	case "http", "https":
		s.to = newHTTPSender(u)
	case "tcp", "udp":
		if u.Port() == "" {
			return nil, fmt.Errorf("ship logs to %s: a port is needed", s.name)
		}
		s.to = &socketSender{network: u.Scheme, address: u.Host}
	default:
		return nil, fmt.Errorf("ship logs to %s: it is to be http, https, tcp or udp", s.name)
	}
	return s, nil
}

// shipLogs has what the node and its jobs print shipped where its configuration says, and returns the node's log. A URL that cannot be
// used is said, and leaves the node without.
func (n *Node) shipLogs(cfg Config) *slog.Logger {
	if cfg.Logs == "" {
		untap(cfg.Log)
		return cfg.Log
	}
	own := slog.New(ownTroubles(cfg.Log.Handler()))
	s, err := newShipper(cfg.Logs, cfg.ID, nil, own) // what comes to it has been cleaned: see newLines and cleanLog
	if err != nil {
		cfg.Log.Error("logs are not shipped", "err", err)
		untap(cfg.Log)
		return cfg.Log
	}
	n.ship, n.lines.also = s, s
	return alsoShip(cfg.Log, s)
}

// ownTroubles is where a shipper may say that it cannot ship: not to itself.
func ownTroubles(h slog.Handler) slog.Handler {
	if t, ok := h.(*tap); ok {
		return t.next
	}
	return h
}

// start runs a shipper until what it returns is called, which waits for its end.
func (s *shipper) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // what is printed while the node ends is shipped too
	done := make(chan struct{})
	go func() { defer close(done); s.run(ctx) }()
	return func() { cancel(); <-done }
}

// put takes a line. It never blocks. A nil shipper takes none.
func (s *shipper) put(l api.Line) {
	if s == nil {
		return
	}
	if s.clean != nil {
		l.Message = s.clean(l.Message)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l.Node = s.node
	s.add(l)
	for s.bytes > maxWaitingBytes {
		s.bytes -= len(s.waiting[0])
		s.waiting[0] = nil
		s.waiting = s.waiting[1:]
		s.gap++
		s.counts.dropped++
	}
	select {
	case s.filled <- struct{}{}:
	default:
	}
}

// add wants mu.
func (s *shipper) add(l api.Line) {
	if data, err := json.Marshal(l); err == nil {
		data = append(data, '\n')
		s.waiting = append(s.waiting, data)
		s.bytes += len(data)
	}
}

// rename has the lines to come be those of a node with another id.
func (s *shipper) rename(node string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.node = node
}

// take returns the oldest lines, as many as fit a batch, and says first how many were dropped before them.
func (s *shipper) take() (batch [][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	size := 0
	if s.gap > 0 {
		l := api.Line{Time: time.Now().UTC(), Node: s.node, Level: "warn", Message: fmt.Sprintf("%d older lines were dropped: they could not be shipped in time", s.gap)}
		if data, err := json.Marshal(l); err == nil {
			batch = append(batch, append(data, '\n'))
		}
		s.gap = 0
	}
	n := 0
	for ; n < len(s.waiting) && size < maxShipment; n++ {
		size += len(s.waiting[n])
	}
	batch = append(batch, s.waiting[:n]...)
	s.waiting = append([][]byte(nil), s.waiting[n:]...) // so that what was sent can be freed
	s.bytes -= size
	return batch
}

// run ships until ctx ends, and then once more what waits, for a moment.
func (s *shipper) run(ctx context.Context) {
	if s == nil {
		return
	}
	defer s.to.close()
	var batch [][]byte
	for ctx.Err() == nil {
		if batch = s.take(); len(batch) > 0 && s.deliver(ctx, batch) {
			batch = nil
			continue
		}
		select {
		case <-ctx.Done():
		case <-s.filled:
			pause(ctx, shipGather) // those that come together go together
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if len(batch) == 0 {
		batch = s.take()
	}
	for ; len(batch) > 0 && s.to.send(last, batch) == nil; batch = s.take() {
		s.note(shipCounts{sent: uint64(len(batch))})
	}
}

// deliver sends a batch, again and again until it is taken, or refused for ever; false: ctx ended before that.
func (s *shipper) deliver(ctx context.Context, batch [][]byte) bool {
	failing := false
	for wait := s.retry; ; wait = min(2*wait, maxShipRetry) {
		try, cancel := context.WithTimeout(ctx, shipWithin)
		err := s.to.send(try, batch)
		cancel()
		refused, ok := err.(*refusedError)
		switch {
		case err == nil:
			s.note(shipCounts{sent: uint64(len(batch))})
			if failing {
				s.log.Info("logs are shipped again", "to", s.name)
			}
			return true
		case ok:
			s.note(shipCounts{dropped: uint64(len(batch)), failures: 1})
			s.log.Warn("shipped logs were refused, and are dropped", "to", s.name, "lines", len(batch), "err", refused)
			return true
		}
		s.note(shipCounts{failures: 1})
		if ctx.Err() != nil {
			return false
		}
		if !failing {
			failing = true
			s.log.Warn("logs cannot be shipped; they are kept and tried again", "to", s.name, "err", err)
		}
		pause(ctx, wait)
	}
}

func (s *shipper) note(more shipCounts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.sent += more.sent
	s.counts.dropped += more.dropped
	s.counts.failures += more.failures
}

// told returns what was done so far, and how many lines wait.
func (s *shipper) told() (counts shipCounts, waiting int) {
	if s == nil {
		return shipCounts{}, 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts, len(s.waiting)
}
