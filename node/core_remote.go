package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
	"github.com/capodekappa/capo/queue/control"
)

// Times of asking a log server.
const (
	coreAlive = 5 * time.Second     // a follower is told at least this often that its server is there
	coreGone  = 2*coreAlive + 500e6 // without a word for so long, it goes to the next one
	coreTry   = 4 * time.Second     // for one request
	coreAgain = 150 * time.Millisecond
	coreGreet = 300 * time.Millisecond // longer than that nothing waits for the first connection
)

// remoteCore is the core as a node has it that is not a log server.
type remoteCore struct {
	authority *trust.Authority
	http      *http.Client
	port      int
	path      string // of the log's core in a server's API
	lines     chan api.Line
	stop      context.CancelFunc
	done      sync.WaitGroup
	greeted   chan struct{} // closed when there is a first connection, or none could be made

	mu      sync.Mutex // guards what follows
	servers []string   // host:port of the servers' APIs; the first is asked
}

func newRemoteCore(ctx context.Context, a *trust.Authority, incarnation string, local netip.Addr, port int, servers []netip.Addr) *remoteCore {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c := &remoteCore{authority: a, http: api.Transport(a.Client(nil), local), port: port, path: "/v1/core/" + incarnation, lines: make(chan api.Line, 256), stop: cancel, greeted: make(chan struct{})}
	c.SetServers(servers)
	c.done.Go(func() { c.shipLines(ctx) })
	c.done.Go(func() { defer close(c.greeted); c.greet(ctx) })
	return c
}

// greet makes the connection that all requests share. Those that come at once before there is one would make one each, and a handshake takes
// a small processor a tenth of a second.
func (c *remoteCore) greet(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, coreTry)
	defer cancel()
	if response, err := c.server().Do(ctx, http.MethodGet, "/healthz", "", nil); err == nil {
		response.Body.Close() // what it says does not matter
	}
}

// awaitGreeting waits for the first connection, a moment at most: its server may be gone, and the next is asked then.
func (c *remoteCore) awaitGreeting(ctx context.Context) {
	select {
	case <-c.greeted:
	case <-time.After(coreGreet):
	case <-ctx.Done():
	}
}

// SetServers says who carries the log now.
func (c *remoteCore) SetServers(servers []netip.Addr) {
	var list []string
	for _, a := range servers {
		list = append(list, net.JoinHostPort(a.String(), strconv.Itoa(c.port)))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.servers) > 0 && slices.Contains(list, c.servers[0]) {
		for list[0] != c.servers[0] {
			list = append(list[1:], list[0])
		}
	}
	c.servers = list
}

// Close ends the connection.
func (c *remoteCore) Close() {
	c.stop()
	c.done.Wait()
	c.http.CloseIdleConnections()
}

// server is a client of the server to ask now.
func (c *remoteCore) server() *api.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &api.Client{Base: "https://" + c.servers[0], HTTP: c.http}
}

// next has another server asked from now on, unless that has been done since.
func (c *remoteCore) next(failed *api.Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.servers) > 1 && "https://"+c.servers[0] == failed.Base {
		c.servers = append(c.servers[1:], c.servers[0])
	}
}

// passing tells an error that another try, or another server, may not meet.
func passing(err error) bool {
	var s *api.StatusError
	if errors.As(err, &s) {
		return s.Problem.Status == http.StatusServiceUnavailable || s.Problem.Status == http.StatusBadGateway
	}
	return true
}

// do asks for something that is answered at once, of one server after another until ctx ends.
func (c *remoteCore) do(ctx context.Context, ask func(ctx context.Context, server *api.Client) error) error {
	for {
		server := c.server()
		try, cancel := context.WithTimeout(ctx, coreTry)
		err := ask(try, server)
		cancel()
		if err == nil || !passing(err) {
			return unwrapStatus(err)
		}
		c.next(server)
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", queue.ErrUnavailable, err)
		case <-time.After(coreAgain):
		}
	}
}

// unwrapStatus turns a server's answer into the error that it stands for.
func unwrapStatus(err error) error {
	if api.IsStatus(err, http.StatusNotFound) {
		return fmt.Errorf("%w: %w", queue.ErrNotFound, err)
	}
	return err
}

// follow reads rows until ctx ends or fn fails, from another server where one fails. path is asked anew each time.
func (c *remoteCore) follow(ctx context.Context, path func() string, fn func(coreRow) error) error {
	for ctx.Err() == nil {
		server := c.server()
		err := c.followOnce(ctx, server, path(), fn)
		var stop stopError
		switch {
		case errors.As(err, &stop):
			return stop.error
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && !passing(err):
			return unwrapStatus(err)
		}
		c.next(server)
		pause(ctx, coreAgain)
	}
	return context.Cause(ctx)
}

// stopError is an error of the one who follows.
type stopError struct{ error }

func (c *remoteCore) followOnce(ctx context.Context, server *api.Client, path string, fn func(coreRow) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(coreGone, func() { cancel(fmt.Errorf("%w: the log server fell silent", queue.ErrUnavailable)) })
	defer watch.Stop()
	return server.Lines(ctx, path, func(line []byte) error {
		watch.Reset(coreGone)
		var row coreRow
		if err := json.Unmarshal(line, &row); err != nil {
			return fmt.Errorf("a log server's answer: %w", err)
		}
		if row.Alive {
			return nil
		}
		if row.Broken != "" {
			return fmt.Errorf("%w: %s", queue.ErrUnavailable, row.Broken)
		}
		if err := fn(row); err != nil {
			return stopError{err}
		}
		return nil
	})
}

// AppendControl has a server append a record, which it verifies first.
func (c *remoteCore) AppendControl(ctx context.Context, r *control.Record) (uint64, error) {
	data, err := r.Encode()
	if err != nil {
		return 0, err
	}
	var a api.Appended
	err = c.do(ctx, func(ctx context.Context, s *api.Client) error {
		return s.PostJSON(ctx, c.path+"/control", data, &a)
	})
	return a.Seq, err
}

// FollowControl is queue.Core.FollowControl.
func (c *remoteCore) FollowControl(ctx context.Context, from uint64, atEnd func(), fn func(queue.ControlEntry) error) error {
	ended := false
	path := func() string { return c.path + "/control?from=" + strconv.FormatUint(from, 10) }
	return c.follow(ctx, path, func(row coreRow) error {
		if row.End {
			if !ended && atEnd != nil {
				atEnd()
			}
			ended = true
			return nil
		}
		e := queue.ControlEntry{Seq: row.Seq, Time: time.UnixMilli(row.Time)}
		if e.Record, e.Err = control.Parse(row.Data); e.Err != nil && row.Error != "" {
			e.Err = errors.New(row.Error)
		}
		from = row.Seq + 1
		return fn(e)
	})
}

// PutState puts the node's own heartbeat: no other state is a node's to set.
func (c *remoteCore) PutState(ctx context.Context, key string, value []byte) error {
	return c.do(ctx, func(ctx context.Context, s *api.Client) error {
		return s.Send(ctx, http.MethodPut, c.path+"/state/"+key, value)
	})
}

// FollowState is queue.Core.FollowState.
func (c *remoteCore) FollowState(ctx context.Context, prefix string, atEnd func(), fn func(queue.StateEntry) error) error {
	ended := false
	path := func() string { return c.path + "/state?" + url.Values{"prefix": {prefix}}.Encode() }
	return c.follow(ctx, path, func(row coreRow) error {
		if row.End {
			if !ended && atEnd != nil {
				atEnd()
			}
			ended = true
			return nil
		}
		return fn(queue.StateEntry{Key: row.Key, Value: row.Data, Seq: row.Seq, Time: time.UnixMilli(row.Time)})
	})
}

// PutResult puts this node's answer to a run.
func (c *remoteCore) PutResult(ctx context.Context, seq uint64, _ string, data []byte) error {
	return c.do(ctx, func(ctx context.Context, s *api.Client) error {
		return s.Send(ctx, http.MethodPost, fmt.Sprintf("%s/results/%d", c.path, seq), data)
	})
}

// HasResult tells whether a node has answered a run.
func (c *remoteCore) HasResult(ctx context.Context, seq uint64, node string) bool {
	err := c.do(ctx, func(ctx context.Context, s *api.Client) error {
		return s.Send(ctx, http.MethodHead, fmt.Sprintf("%s/results/%d?node=%s", c.path, seq, url.QueryEscape(node)), nil)
	})
	return err == nil
}

// FollowResults is queue.Core.FollowResults.
func (c *remoteCore) FollowResults(ctx context.Context, seq uint64, fn func(node string, data []byte) error) error {
	told := map[string]bool{}
	return c.follow(ctx, func() string { return fmt.Sprintf("%s/results/%d", c.path, seq) }, func(row coreRow) error {
		if row.End || told[row.Key] {
			return nil
		}
		told[row.Key] = true
		return fn(row.Key, row.Data)
	})
}

// FollowLines is queue.Core.FollowLines.
func (c *remoteCore) FollowLines(ctx context.Context, q queue.LineFilter, fn func(seq uint64, at time.Time, data []byte) error) error {
	last := uint64(0)
	path := func() string {
		v := url.Values{"node": {q.Node}, "job": {q.Job}, "follow": {strconv.FormatBool(q.Follow)}}
		if !q.Since.IsZero() {
			v.Set("since_ms", strconv.FormatInt(q.Since.UnixMilli(), 10))
		}
		return c.path + "/lines?" + v.Encode()
	}
	end := errors.New("end")
	err := c.follow(ctx, path, func(row coreRow) error {
		switch {
		case row.End && !q.Follow:
			return end
		case row.End || row.Seq <= last:
			return nil
		}
		last = row.Seq
		return fn(row.Seq, time.UnixMilli(row.Time), row.Data)
	})
	if errors.Is(err, end) {
		return nil
	}
	return err
}
