package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
	"github.com/capodekappa/capo/queue/control"
)

// session is a node's membership in one log.
type session struct {
	n      *Node
	cfg    Config
	id     string
	boot   string
	inc    string
	log    *queue.Log
	core   core
	keeper *keeper // of its seat among the log's servers
	slog   *slog.Logger
	want   *desired
	roster *roster
	lines  *lines

	folded  chan struct{} // closed when the control log was read to its end
	kick    chan struct{} // converge anew
	pulse   chan struct{} // beat soon
	runs    sync.WaitGroup
	oneshot chan struct{} // bounds runs at a time

	fetching atomic.Bool // secrets, as a log server

	mu       sync.Mutex // guards what follows
	runners  map[string]*runner
	ready    bool
	readyAt  time.Duration
	leaving  bool      // gives way to another log: nothing is written any more
	beaten   time.Time // when the last heartbeat was written
	answered time.Time // when the log last took one
	silent   bool      // it has not for too long
	sequence uint64
}

// openSession joins the log that d names: it starts a server where d says so, connects, and
// waits until the log answers.
func openSession(ctx context.Context, n *Node, d fleet.Decision) (*session, func(), error) {
	cfg := n.cfg
	id := n.agent.ID()
	name := id + "-" + n.boot
	closers := []func(){}
	closeAll := func() {
		for _, f := range slices.Backward(closers) {
			f()
		}
	}
	rank := len(d.Servers)
	addrs := []netip.Addr{}
	peers := []queue.Peer{}
	for i, s := range d.Servers {
		peers = append(peers, queue.Peer{Name: s.ID + "-" + s.Boot, Addr: s.Addr})
		if s.ID == id && s.Boot == n.boot {
			rank = i
			addrs = slices.Insert(addrs, 0, s.Addr)
			continue
		}
		addrs = append(addrs, s.Addr)
	}
	cfgQueue := queue.Config{Incarnation: d.Incarnation, Servers: addrs, Authority: n.authority, ID: id, Name: name, Rank: rank, MaxMemory: cfg.MaxMemory, Log: cfg.Log}
	want := newDesired(control.Verifier{Fleet: cfg.Membership.ID(), Log: d.Incarnation, Operators: n.authority.Operators(), Authority: n.authority})
	keeper := newKeeper(d.Role, d.Servers)
	closers = append(closers, keeper.close)
	n.secrets.enter(d.Incarnation)
	if d.Role == fleet.RoleServer {
		server, store, err := n.startServer(ctx, queue.ServerConfig{Name: name, Incarnation: d.Incarnation, Peers: peers, Inputs: want.inputs})
		if err != nil {
			return nil, nil, err
		}
		cfgQueue.Server = server
		keeper.seat(server, store)
	}
	core, err := openCore(ctx, cfgQueue, cfg)
	if err != nil {
		closeAll()
		return nil, nil, err
	}
	closers = append(closers, core.Close)
	log, err := queue.Open(ctx, cfgQueue)
	if err != nil {
		closeAll()
		return nil, nil, err
	}
	closers = append(closers, log.Close)
	if remote, ok := core.(*remoteCore); ok {
		remote.awaitGreeting(ctx)
	}
	s := &session{n: n, cfg: cfg, id: id, boot: n.boot, inc: d.Incarnation, log: log, core: core, keeper: keeper, slog: cfg.Log,
		want:   want,
		roster: newRoster(time.Now), lines: n.lines,
		folded: make(chan struct{}), kick: make(chan struct{}, 1), pulse: make(chan struct{}, 1), oneshot: make(chan struct{}, 4),
		runners: map[string]*runner{}, answered: time.Now()}
	return s, closeAll, nil
}

// openCore opens the core in this process, where a log server is, or that of another.
func openCore(ctx context.Context, q queue.Config, cfg Config) (core, error) {
	if q.Server != nil {
		return queue.OpenCore(ctx, q)
	}
	return newRemoteCore(ctx, q.Authority, q.Incarnation, cfg.Address, cfg.Port, q.Servers), nil
}

// run lives until ctx ends or the log is lost for good; it stops all jobs before it returns.
func (s *session) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	spawn := func(name string, f func(context.Context) error) {
		all.Go(func() {
			if err := guarded(ctx, s.slog, name, f); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	spawn("control log", s.followControl)
	spawn("heartbeats of the others", s.followRoster)
	spawn("heartbeat", s.beat)
	spawn("giving way", s.followMerge)
	spawn("the log's servers", s.followSeats)
	spawn("seat in the log", s.keepSeat)
	spawn("dismissal", func(ctx context.Context) error {
		select {
		case <-s.keeper.dismissed:
			cancel(errDismissed)
		case <-ctx.Done():
		}
		return nil
	})
	spawn("the log's seats", s.moveSeats)
	spawn("jobs", s.converge)
	spawn("approvals", s.approve)
	spawn("seal key", s.tellSealKey)
	spawn("lines", func(ctx context.Context) error { return s.lines.ship(ctx, s.id, s.core) })
	<-ctx.Done()
	all.Wait()
	s.runs.Wait()
	s.stopAll()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// guarded runs f again and again until ctx ends, so that a passing trouble of the log, or a panic over
// bytes from outside, costs a part of a session and not the node.
func guarded(ctx context.Context, log *slog.Logger, name string, f func(context.Context) error) error {
	for ctx.Err() == nil {
		err := recovered(ctx, f)
		if ctx.Err() != nil {
			return nil
		}
		log.Warn("part of the node begins again", "part", name, "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
	return nil
}

func recovered(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f(ctx)
}

// followControl folds the control log, from where it got to.
func (s *session) followControl(ctx context.Context) error {
	s.want.mu.Lock()
	from := s.want.applied + 1
	s.want.mu.Unlock()
	atEnd := func() {
		select {
		case <-s.folded:
		default:
			close(s.folded)
		}
		s.poke()
	}
	return s.core.FollowControl(ctx, from, atEnd, func(e queue.ControlEntry) error {
		o, err := s.want.fold(e)
		if err != nil {
			kind, target := "?", "?"
			if e.Record != nil {
				kind, target = e.Record.Kind, e.Record.Target
			}
			s.n.refusals.Count(controlReason(err))
			s.slog.Warn("control record refused", "seq", e.Seq, "kind", kind, "target", target, "reason", err)
			s.lines.put("", "warn", fmt.Sprintf("control record %d (%s %s) refused: %v", e.Seq, kind, target, err))
			return nil
		}
		s.obey(ctx, o)
		s.poke()
		return nil
	})
}

// obey does what a record asks for once.
func (s *session) obey(ctx context.Context, o order) {
	if o.signed > 0 {
		s.n.authority.Clock().Tell(time.UnixMilli(o.signed))
	}
	s.n.believe(o)
	if o.revoke != nil {
		s.roster.drop(o.revoke.Marks)
	}
	switch {
	case o.secret:
		s.learn(o.target)
	case o.run != nil && o.run.Nodes[s.id] == s.boot:
		s.runs.Go(func() { s.runOnce(ctx, o.seq, o.run) })
	case o.stream != nil && s.keeper.roleNow() == fleet.RoleServer:
		set := queue.StreamSettings{MaxBytes: o.stream.MaxBytes, Keep: time.Duration(o.stream.KeepMS) * time.Millisecond,
			Partitions: o.stream.Partitions, Replicas: o.stream.Replicas, Compact: o.stream.Compact}
		s.runs.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
			defer cancel()
			if _, err := s.log.SetStream(ctx, o.target, set); err != nil {
				s.slog.Warn("stream settings not applied", "stream", o.target, "err", err)
				s.lines.put("", "error", err.Error())
			}
		})
	}
}

func (s *session) followRoster(ctx context.Context) error {
	return s.core.FollowState(ctx, "node", s.poke, func(e queue.StateEntry) error {
		moves, err := s.roster.take(e.Value)
		if err != nil {
			s.slog.Warn("heartbeat that cannot be read", "key", e.Key, "err", err)
		}
		own := e.Key == queue.StateKey("node", s.id)
		if moves || own { // what jobs here have come to counts for being ready
			s.poke()
		}
		if !own && s.beatsAlong() {
			s.tell()
		}
		return nil
	})
}

// poke has the jobs converged soon.
func (s *session) poke() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// tell has a heartbeat written soon.
func (s *session) tell() {
	select {
	case s.pulse <- struct{}{}:
	default:
	}
}

func (s *session) isFolded() bool {
	select {
	case <-s.folded:
		return true
	default:
		return false
	}
}

// beat writes a heartbeat at once, then every few seconds and after each change.
func (s *session) beat(ctx context.Context) error {
	tick := time.NewTimer(beatEvery)
	defer tick.Stop()
	for {
		if err := s.beatOnce(ctx); err != nil {
			return err
		}
		tick.Reset(s.beatInterval())
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-s.pulse:
		}
	}
}

// beatsAlong reports whether to write a heartbeat since another node does: in a large log, when it is soon due. So
// those of all come together, and every node is woken a few times by many, not many times by one.
func (s *session) beatsAlong() bool {
	every := s.beatInterval()
	s.mu.Lock()
	defer s.mu.Unlock()
	return every > beatEvery && time.Since(s.beaten) > every*3/4
}

func (s *session) beatOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, beatEvery)
	defer cancel()
	s.mu.Lock()
	s.beaten = time.Now()
	s.mu.Unlock()
	b := s.heartbeat()
	if server := s.keeper.carrier(); server != nil {
		b.LogFull = server.Used() > s.cfg.MaxMemory
	}
	data, err := encodeJSON(b)
	if err != nil {
		return err
	}
	err = s.core.PutState(ctx, queue.StateKey("node", s.id), data)
	s.noteAnswer(err == nil)
	if err != nil {
		return err
	}
	s.n.agent.SetLog(s.logState())
	return nil
}

// noteAnswer has the node call itself lost when its log takes no heartbeat for as long as the others take to
// call it so, and no longer when it does again.
func (s *session) noteAnswer(ok bool) {
	every := s.beatInterval()
	s.mu.Lock()
	was := s.silent
	if ok {
		s.answered = time.Now()
	}
	s.silent = time.Since(s.answered) > every+lateAfter
	silent, ready := s.silent, s.ready
	s.mu.Unlock()
	switch {
	case silent && !was:
		s.slog.Warn("the log does not answer; this node is lost to its fleet until it does", "log", s.inc)
		s.n.agent.SetState(fleet.StateLost)
		s.n.agent.SetLog(s.logState())
	case !silent && was:
		s.slog.Info("the log answers again", "log", s.inc)
		s.n.agent.SetState(s.n.state(ready))
	}
}

func (s *session) beatInterval() time.Duration { return beatInterval(s.roster.count()) }

func (s *session) isSilent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.silent
}

func (s *session) heartbeat() heartbeat {
	every := s.beatInterval()
	s.mu.Lock()
	b := heartbeat{Folded: s.isFolded() && !s.leaving, EveryMS: every.Milliseconds(), Leaving: s.n.admin.isLeaving(), Stats: map[string]jobReport{}}
	b.ReadyMS = s.readyAt.Milliseconds()
	state := s.n.state(s.ready)
	for name, r := range s.runners {
		report := r.snapshot()
		b.Stats[name] = report
		b.Jobs = append(b.Jobs, name+"@"+report.Version)
	}
	s.mu.Unlock()
	slices.Sort(b.Jobs)
	row := s.n.row()
	b.Unapproved = s.waiting()
	row.State, row.Jobs, row.ReadyMS, row.Log = state, b.Jobs, b.ReadyMS, string(s.keeper.roleNow())
	b.Node = row
	return b
}

func (s *session) logState() *fleet.LogState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &fleet.LogState{Incarnation: s.inc, Role: s.keeper.roleNow(), Servers: s.keeper.list(), Nodes: max(s.roster.count(), 1), Ready: !s.silent}
}

// jobRow sums a job up over the fleet.
func (s *session) jobRow(j desiredJob, detail bool) api.Job {
	return sumUp(j, s.roster.all(), s.roster.live(), detail)
}
