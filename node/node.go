package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/jsrt/cell"
	"github.com/capodekappa/capo/node/api"
)

// Node is a running node.
type Node struct {
	cfg     Config
	agent   *fleet.Agent
	boot    string
	started time.Time
	lines   *lines
	recent  *recent // of its own log

	authority *trust.Authority
	speaker   *trust.Speaker
	refusals  *refusals
	admin     admin  // what admin jobs did to it
	slots     *tally // of scheduled jobs, by job and outcome
	secrets   *secrets
	served    *served
	kernels   *kernels

	kernelCalls *tally   // over HTTP, by job and kernel
	ship        *shipper // nil: nothing is shipped

	mu       sync.Mutex     // guards what follows
	decision fleet.Decision // of the session
	current  *session       // nil while joining
	strength cell.Strength
	told     bool          // OnReady was called
	ready    chan struct{} // closed then
}

// Run is a node's life: it returns when ctx ends, after stopping jobs and handing over the log, or
// with what makes the node impossible, such as an address that is taken.
func Run(ctx context.Context, cfg Config) error {
	cfg = cfg.withDefaults()
	held, err := newSecrets()
	if err != nil {
		return err
	}
	n := &Node{boot: fleet.NewBoot(), started: time.Now(), lines: newLines(held.clean), secrets: held, recent: &recent{}, refusals: newRefusals(), slots: newTally(), served: newServed(), kernelCalls: newTally(), ready: make(chan struct{})}
	for _, l := range cfg.Previous {
		n.lines.put("", "warn", l)
	}
	n.refusals.register()
	total, _ := machineMemory()
	n.kernels = newKernels(total, runtime.GOMAXPROCS(0))
	cfg.Log = n.shipLogs(cfg)
	defer n.ship.start(ctx)()
	cfg.Log = slog.New(cleanLog{remember(cfg.Log, n.recent).Handler(), n.secrets})
	n.cfg = cfg
	n.strength = cell.Strength{Missing: []string{"not tried yet"}}
	if err := n.enter(); err != nil {
		return err
	}
	listener, err := listen(ctx, cfg)
	if err != nil {
		return err
	}
	listener = n.authority.Listener(listener, "h2", "http/1.1")
	agent, err := fleet.Start(ctx, fleet.Config{
		Membership: cfg.Membership, Authority: n.authority, Approved: n.approved, Renamed: n.rename, StateSet: cfg.OnState, ID: cfg.ID, Boot: n.boot, Name: cfg.Name, Board: cfg.Board, Arch: cfg.Arch, Version: cfg.Version,
		Port: cfg.Port, Listen: cfg.Address, Interfaces: cfg.Interfaces, Size: cfg.Size, Expect: cfg.Expect, Servers: cfg.Servers,
		Peers: cfg.Peers, Changes: cfg.Changes, Log: cfg.Log,
	})
	if err != nil {
		listener.Close()
		return err
	}
	defer agent.Close()
	n.agent = agent
	api := &http.Server{Handler: n.handler(), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 32 << 10, BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: withIdentity, ErrorLog: slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug), IdleTimeout: 2 * time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- api.Serve(listener) }()
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if api.Shutdown(stop) != nil {
			api.Close()
		}
	}()
	done := make(chan struct{})
	go func() { defer close(done); n.sessions(ctx) }()
	go n.keepCertificate(ctx)
	if !n.approved() {
		agent.SetState(fleet.StateUnapproved)
		go n.enrolByInvite(ctx)
	}
	go n.tryCell(ctx)
	select {
	case <-done:
	case err = <-failed:
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
	}
	return err
}

// listen opens the API's socket; an address that is just coming up is tried again for a while.
func listen(ctx context.Context, cfg Config) (net.Listener, error) {
	host := ""
	if cfg.Address.IsValid() {
		host = cfg.Address.String()
	}
	address := net.JoinHostPort(host, strconv.Itoa(cfg.Port))
	var lc net.ListenConfig
	for start := time.Now(); ; {
		l, err := lc.Listen(ctx, "tcp", address)
		if err == nil {
			return l, nil
		}
		if time.Since(start) > 3*time.Second || ctx.Err() != nil {
			return nil, fmt.Errorf("the API cannot listen on %s: %w", address, err)
		}
		pause(ctx, 200*time.Millisecond)
	}
}

// sessions lives one session after another, as the agent decides.
func (n *Node) sessions(ctx context.Context) {
	var next fleet.Decision
	for ctx.Err() == nil {
		if next.Role == "" || next.Role == fleet.RoleWaiting {
			select {
			case <-ctx.Done():
				return
			case next = <-n.agent.Decisions():
			}
			continue
		}
		next = n.live(ctx, next)
	}
}

// live is one session. It returns the decision that ended it.
func (n *Node) live(ctx context.Context, d fleet.Decision) fleet.Decision {
	sctx, cancel := context.WithCancel(ctx)
	defer cancel()
	after := make(chan fleet.Decision, 1)
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		n.watchDecisions(sctx, d, after, cancel)
	}()
	n.setDecision(d)
	err := n.liveIn(sctx, &d)
	if err != nil && sctx.Err() == nil {
		n.cfg.Log.Warn("session in the log ended", "log", d.Incarnation, "err", err)
		pause(sctx, 500*time.Millisecond)
	}
	cancel()
	<-watching
	select {
	case next := <-after:
		return next
	default:
		return d // the same log again
	}
}

// watchDecisions ends a session when the agent decides for another log.
func (n *Node) watchDecisions(ctx context.Context, d fleet.Decision, after chan<- fleet.Decision, end func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case next := <-n.agent.Decisions():
			if n.settled(d, next) {
				continue
			}
			if next.Lost == d.Incarnation && next.Lost != "" {
				n.giveWay(ctx, next)
			}
			after <- next
			end()
			return
		}
	}
}

// settled tells whether a decision asks for no other session than that of d. What it says of the log's servers is told
// to the session.
func (n *Node) settled(d, next fleet.Decision) bool {
	if next.Incarnation != d.Incarnation {
		return false
	}
	s := n.session()
	if s == nil {
		return next.Role == d.Role
	}
	s.redirect(next)
	return true
}

// liveIn is a session in the log that d names. Where the node loses its seat in it, d is changed to say so.
func (n *Node) liveIn(ctx context.Context, d *fleet.Decision) error {
	s, closeAll, err := openSession(ctx, n, *d)
	if err != nil {
		return err
	}
	if n.cfg.OnJoin != nil {
		n.cfg.OnJoin()
	}
	n.cfg.Log.Info("joined the log", "log", d.Incarnation, "role", d.Role, "since_boot", n.cfg.SinceBoot().Round(time.Millisecond))
	n.setSession(s)
	n.agent.SetLog(s.logState())
	defer func() {
		n.setSession(nil)
		n.agent.SetState(fleet.StateJoining)
		n.agent.SetLog(nil)
		closeAll()
	}()
	err = s.run(ctx)
	if errors.Is(err, errDismissed) {
		d.Role, d.Servers = fleet.RoleClient, s.keeper.list()
	}
	return err
}

func (n *Node) setDecision(d fleet.Decision) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.decision = d
}

func (n *Node) setSession(s *session) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.current = s
}

// session is the log that the node is in, or nil.
func (n *Node) session() *session {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.current
}

// trialWaits is how long a node of one processor puts off its trial of a cell, which takes as much of that as joining a log does.
const trialWaits = 10 * time.Second

// tryCell starts an empty program once, to learn how well this host confines cells.
func (n *Node) tryCell(ctx context.Context) {
	if runtime.NumCPU() == 1 {
		select {
		case <-n.ready:
		case <-time.After(trialWaits):
		case <-ctx.Done():
			return
		}
	}
	strength, err := cell.Probe(ctx, cell.Config{Name: "trial", Exec: n.cfg.CellExec, CgroupParent: n.cfg.CgroupParent, Logger: n.cfg.Log})
	if err != nil {
		n.cfg.Log.Error("no cell can be started here; jobs will not run", "err", err)
		strength = cell.Strength{Missing: []string{"cells: " + err.Error()}}
	}
	n.noteStrength(strength)
	if s := n.session(); s != nil {
		s.tell()
	}
}

func (n *Node) noteStrength(s cell.Strength) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.strength = s
}

// becameReady is called once in a session, when the API answers from a folded control log and the jobs
// placed here have begun.
func (n *Node) becameReady(s *session) {
	n.agent.SetState(n.state(true))
	n.mu.Lock()
	told := n.told
	n.told = true
	n.mu.Unlock()
	if !told {
		close(n.ready)
	}
	var times []slog.Attr
	if !told && n.cfg.ReadyAttrs != nil {
		times = n.cfg.ReadyAttrs()
	}
	attrs := append(times, slog.String("log", s.inc), slog.String("id", s.id), slog.Duration("since_boot", s.readyAt.Round(time.Millisecond)))
	n.cfg.Log.LogAttrs(context.Background(), slog.LevelInfo, "ready", attrs...)
	if !told && n.cfg.OnReady != nil {
		n.cfg.OnReady()
	}
}

// row is what the node says of itself, but for what depends on the log.
func (n *Node) row() api.Node {
	n.mu.Lock()
	strength, self := n.strength, n.decision.Self
	n.mu.Unlock()
	total, free := machineMemory()
	address := ""
	if self.IsValid() {
		address = net.JoinHostPort(self.String(), strconv.Itoa(n.cfg.Port))
	}
	return api.Node{
		ID: n.agent.ID(), Name: n.cfg.Name, Address: address, Board: n.cfg.Board, Arch: n.cfg.Arch, Version: n.cfg.Version,
		State: fleet.StateJoining, UptimeMS: time.Since(n.started).Milliseconds(), MemTotal: total, MemFree: free,
		Cells: strength.String(), CellsLack: strength.Missing, FPGAs: []api.FPGA{}, Jobs: []string{}, Clock: n.authority.Clock().Source(), Labels: n.admin.over(n.givenLabels()), Boot: n.boot, Resident: resident(),
	}
}

// givenLabels are the labels that the node began with.
func (n *Node) givenLabels() map[string]string {
	labels := map[string]string{}
	maps.Copy(labels, n.cfg.Membership.Labels)
	maps.Copy(labels, n.cfg.Labels)
	return labels
}
