package fleet

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/capodekappa/capo/fleet/canon"
)

// Agent announces a node, watches its fleet, and decides with the others who carries the log. The
// node serves Handler at the configured port, acts on Decisions, and tells the agent by SetLog
// what came of it.
type Agent struct {
	cfg   Config
	log   *slog.Logger
	asker *asker
	start time.Time
	small int // so many nodes all ask each other

	decisions chan Decision
	refresh   chan struct{}   // wakes discover
	wake      chan struct{}   // wakes poll
	changes   <-chan struct{} // of cfg; nil once it was closed; for discover only
	cancel    context.CancelFunc
	done      sync.WaitGroup

	mu       sync.Mutex // guards the fields below
	id       string     // the effective one
	state    string     // of the node, as hello shows it
	form     State
	in       *LogState // the log that the node is in
	was      string    // the last log that the node was in since it booted
	silent   time.Time // since when that log does not answer
	merge    merge
	waiting  string
	links    []link
	letIn    bool             // the node has a certificate of the fleet
	seek     bool             // ask once more by mDNS who is there
	peers    map[string]*peer // by HOST:PORT
	strange  map[string]bool  // other fleets that were logged
	heard    time.Time        // when the first peer answered
	last     Decision
	lastWarn time.Time // when the console was last told what the node waits for

	reforms    int                      // of how many nodes an operator has a new log formed; 0: none
	unapproved map[string]Unapproved    // by fingerprint
	times      map[string]time.Duration // by id: how far ahead of this node's clock another one's is
}

// Decision is what a node should do about the log.
type Decision struct {
	Role        Role
	Incarnation string     // the log's name; "" while waiting
	Servers     []Server   // who carries it, by the addresses where this node reaches them
	Self        netip.Addr // this node's address on the servers' segment
	Lost        string     // the incarnation that gave way: stop writing to it, and join this one
	Why         string     // what the node waits for
}

// repeats reports whether d asks of the node what old did. An address that changed alone does not
// count: a server stays where it was started.
func (d Decision) repeats(old Decision) bool {
	return d.Role == old.Role && d.Incarnation == old.Incarnation && (d.Lost == old.Lost || d.Lost == "")
}

// LogState is the log that a node is in, as the node tells its agent.
type LogState struct {
	Incarnation string
	Role        Role     // RoleServer or RoleClient
	Servers     []Server // as they are now
	Nodes       int      // how many are in it
	Anchor      bool     // one of its servers is an anchor
	MergeInto   string   // the log it gives way to; the agent knows it too
	Ready       bool     // the log answers; hello does not show one that does not
}

// Start announces the node and begins to form. Everything ends with ctx or Close.
func Start(ctx context.Context, cfg Config) (*Agent, error) {
	a, err := newAgent(cfg)
	if err != nil {
		return nil, fmt.Errorf("start the fleet's agent: %w", err)
	}
	ctx, a.cancel = context.WithCancel(ctx)
	a.done.Go(func() { a.discover(ctx) })
	a.done.Go(func() { a.poll(ctx) })
	return a, nil
}

// newAgent returns an agent that does nothing by itself.
func newAgent(cfg Config) (*Agent, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	a := &Agent{
		cfg: cfg, log: cfg.Log, asker: newAsker(cfg.Authority, cfg.Listen), start: cfg.Clock(), small: smallFleet,
		decisions: make(chan Decision, 1), refresh: make(chan struct{}, 1), wake: make(chan struct{}, 1), changes: cfg.Changes,
		id: cfg.ID, state: StateJoining, waiting: "for other nodes",
		peers: map[string]*peer{}, strange: map[string]bool{},
		unapproved: map[string]Unapproved{}, times: map[string]time.Duration{},
	}
	a.lastWarn = a.start
	a.addStatic()
	return a, nil
}

// Close stops the agent and waits for it.
func (a *Agent) Close() {
	a.cancel()
	a.done.Wait()
	a.asker.close()
}

// Decisions returns the channel of decisions; one that was not taken yet is replaced by the next.
// It is never closed.
func (a *Agent) Decisions() <-chan Decision { return a.decisions }

// ID returns the node's effective id: the configured one, with a suffix when another node had it
// first. It is settled before the first decision for a role other than waiting.
func (a *Agent) ID() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.id
}

// Boot returns the nonce of this run.
func (a *Agent) Boot() string { return a.cfg.Boot }

// Waiting says what the node waits for, or "".
func (a *Agent) Waiting() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.waiting
}

// SetState sets the node's state as hello shows it.
func (a *Agent) SetState(state string) {
	a.mu.Lock()
	a.state = state
	a.mu.Unlock()
	if a.cfg.StateSet != nil {
		a.cfg.StateSet(state)
	}
}

// SetLog tells the agent which log the node is in, each time that something about it changes. A
// log that stops answering is one that is not Ready: the node stays in it, and its server runs on,
// until a Decision says otherwise. Nil is for a node that has left its log and stopped its server.
// Once it was ready in a log, a node never proposes again.
func (a *Agent) SetLog(s *LogState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s == nil {
		if a.in != nil && a.last.Lost == "" {
			a.last = Decision{} // so that the node is told again what to do
		}
		a.in, a.merge = nil, merge{}
		a.beginAnew()
		a.hurry()
		return
	}
	c := *s
	c.Servers = slices.Clone(s.Servers)
	if a.in != nil && a.in.Incarnation != c.Incarnation {
		a.merge = merge{}
	}
	if c.Ready {
		a.was = c.Incarnation
	} else if a.in != nil && a.in.Ready {
		a.silent = a.cfg.Clock()
		a.hurry()
		a.rescan()
	}
	a.in = &c
}

// Handler serves GET /v1/hello.
func (a *Agent) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := canon.Marshal(a.Hello())
		if err != nil {
			a.log.Error("cannot encode the hello", "error", err)
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(body)
	})
}

// Hello returns what the node says about itself, without a proof.
func (a *Agent) Hello() Hello {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.cfg
	h := Hello{
		V: 2, Fleet: c.Membership.ID(), ID: a.id, Boot: c.Boot, Name: c.Name, Board: c.Board, Arch: c.Arch, Version: c.Version,
		State: a.state, Port: c.Port, Anchor: c.Anchor, Waiting: a.waiting, Round: a.form.Round, LastLog: a.was, SinceMS: c.Clock().Sub(a.start).Milliseconds(),
	}
	if p := a.form.Proposal; p != nil && a.was == "" {
		h.Proposal = &ProposalInfo{p.Servers, p.Round, p.Incarnation(c.Membership.ID())}
	}
	if c.Authority != nil {
		if now, known := c.Authority.Clock().Now(); known {
			h.TimeMS = now.UnixMilli()
		}
	}
	h.Log = a.logInfo()
	return h
}

// logInfo returns the log that the node is in as hello shows it. The caller holds mu.
func (a *Agent) logInfo() *LogInfo {
	if a.in == nil || !a.in.Ready || len(a.in.Servers) == 0 {
		return nil
	}
	into := a.in.MergeInto
	if a.merge.into != "" {
		into = a.merge.into
	}
	return &LogInfo{a.in.Incarnation, a.in.Role, a.in.Servers, a.in.Nodes, a.in.Anchor, into}
}

// decide publishes a decision if it is a new one. The caller holds mu.
func (a *Agent) decide(d Decision) {
	if d.repeats(a.last) {
		return
	}
	a.last = d
	a.log.Info("decision about the log", "role", d.Role, "incarnation", d.Incarnation, "servers", serverIDs(d.Servers), "lost", d.Lost, "why", d.Why)
	select {
	case <-a.decisions:
	default:
	}
	a.decisions <- d
}

func serverIDs(servers []Server) []string {
	var list []string
	for _, s := range servers {
		list = append(list, s.ID)
	}
	return list
}
