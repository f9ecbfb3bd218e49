package node

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/queue"
)

// errDismissed ends the session of a server whose seat was given to another, so that it goes on as a client.
var errDismissed = errors.New("the seat of this log server was given to another node")

// seatRetry is how long to wait before a server is started again that did not start.
const seatRetry = time.Second

// keeper is a session's part in carrying its log.
type keeper struct {
	mu      sync.Mutex // guards what follows
	role    fleet.Role
	server  *queue.Server // nil on a client
	core    *queue.Core   // in that server, where the session began without one
	store   string        // its folder
	servers []fleet.Server
	record  seats  // as last read
	seq     uint64 // its sequence; 0 while the log has none
	parting bool   // this server gives its seat up: it stays until its node ends
	changed chan struct{}

	dismissed chan struct{} // closed when its seat is known to be another node's
	once      sync.Once     // closes it
}

func newKeeper(role fleet.Role, servers []fleet.Server) *keeper {
	return &keeper{role: role, servers: servers, record: formed(servers), changed: make(chan struct{}), dismissed: make(chan struct{})}
}

func (k *keeper) roleNow() fleet.Role {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.role
}

// carrier is the log server of this node, or nil.
func (k *keeper) carrier() *queue.Server {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.server
}

// carried is the log server of this node, or nil, with the newest record of the seats and its sequence.
func (k *keeper) carried() (*queue.Server, seats, uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.server, k.record, k.seq
}

// list is who carries the log, by the addresses where this node reaches them.
func (k *keeper) list() []fleet.Server {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.servers
}

// now is the newest record of the seats that this node read, with its sequence, and a channel that is closed at the next one.
func (k *keeper) now() (seats, uint64, <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.record, k.seq, k.changed
}

// take notes a record that was read, and reports whether it is news.
func (k *keeper) take(record seats, seq uint64, servers []fleet.Server) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if seq <= k.seq {
		return false
	}
	k.record, k.seq, k.servers = record, seq, servers
	close(k.changed)
	k.changed = make(chan struct{})
	return true
}

// relocate notes who carries the log, as others say, until the log itself says so.
func (k *keeper) relocate(servers []fleet.Server) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.servers = servers
}

// seat notes the server that this node runs from now on; one that it ran is the caller's to close.
func (k *keeper) seat(server *queue.Server, store string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.server, k.store, k.role = server, store, fleet.RoleServer
	close(k.changed)
	k.changed = make(chan struct{})
}

// untilServer waits until this node carries the log, and reports whether it does before ctx ends.
func (k *keeper) untilServer(ctx context.Context) bool {
	for k.roleNow() != fleet.RoleServer {
		_, _, changed := k.now()
		if k.roleNow() == fleet.RoleServer {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		}
	}
	return true
}

// has notes the core in the server that this node runs.
func (k *keeper) has(core *queue.Core) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.core = core
}

// inside is the core in the server that the node came to run since it joined, or nil.
func (k *keeper) inside() *queue.Core {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.core
}

// part says whether this server is about to leave, and shall stay when its seat is gone until its node ends.
func (k *keeper) part(on bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.parting = on
	close(k.changed)
	k.changed = make(chan struct{})
}

func (k *keeper) isParting() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.parting
}

// farewellLimit is for how long a server that ends tries to have others lead in its place, which saves them an election of
// seconds; where all end at once there is nobody to.
const farewellLimit = 700 * time.Millisecond

// close ends the server that this node runs.
func (k *keeper) close() {
	k.mu.Lock()
	server, store, core := k.server, k.store, k.core
	k.server, k.core = nil, nil
	k.mu.Unlock()
	if core != nil {
		core.Close()
	}
	if server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), farewellLimit)
		_ = server.StepDown(ctx) // where it cannot, the others elect
		cancel()
		server.Close()
		_ = os.RemoveAll(store)
	}
}

// ref names this run of this node.
func (s *session) ref() fleet.Ref { return fleet.Ref{ID: s.id, Boot: s.boot} }

// followSeats takes note of who carries the log, as that changes.
func (s *session) followSeats(ctx context.Context) error {
	return s.core.FollowState(ctx, "log", nil, func(e queue.StateEntry) error {
		if e.Key == seatsKey {
			s.noteSeats(e)
		}
		return nil
	})
}

// noteSeats has the node reach the log's servers as a record says that they are.
func (s *session) noteSeats(e queue.StateEntry) {
	var record seats
	if err := decodeJSON(e.Value, &record); err != nil || len(record.Servers) == 0 {
		s.slog.Warn("record of the log servers that cannot be read", "seq", e.Seq, "err", err)
		return
	}
	if !s.keeper.take(record, e.Seq, s.n.agent.Locate(record.list())) {
		return
	}
	s.reach(s.keeper.list())
}

// redirect is for a node whose log did not answer, and that heard from others who carries it now.
func (s *session) redirect(d fleet.Decision) {
	if d.Role == fleet.RoleClient && s.keeper.roleNow() == fleet.RoleServer {
		if !s.keeper.isParting() {
			s.dismiss()
		}
		return
	}
	s.keeper.relocate(d.Servers)
	s.reach(d.Servers)
}

// dismiss ends the session of a server that has no seat any more.
func (s *session) dismiss() {
	s.slog.Warn("another node has this log server's seat", "log", s.inc)
	s.keeper.once.Do(func() { close(s.keeper.dismissed) })
}

// reach has the node's connections know these servers.
func (s *session) reach(servers []fleet.Server) {
	var addrs []netip.Addr
	for _, o := range servers {
		if o.Ref() == s.ref() {
			addrs = slices.Insert(addrs, 0, o.Addr)
		} else {
			addrs = append(addrs, o.Addr)
		}
	}
	if err := s.log.SetServers(addrs); err != nil {
		s.slog.Warn("the log's servers have changed, which its connection could not be told", "err", err)
	}
	if remote, ok := s.core.(*remoteCore); ok {
		remote.SetServers(addrs)
	}
	if server, record, seq := s.keeper.carried(); server != nil && seq > 0 {
		server.SetServers(record.peers())
	}
	s.n.agent.SetLog(s.logState())
}

// keepSeat runs a log server where the record gives this node a seat, and ends the session where it gives away the one that
// this node had.
func (s *session) keepSeat(ctx context.Context) error {
	for ctx.Err() == nil {
		record, seq, changed := s.keeper.now()
		own, seated := record.of(s.ref())
		server := s.keeper.carrier()
		retry := time.Duration(1 << 62)
		switch {
		case seq == 0: // as the log was formed
		case seated && server == nil:
			if err := s.sit(ctx, record, own); err != nil {
				s.slog.Warn("a seat among the log servers could not be taken", "err", err)
				retry = seatRetry
			}
		case !seated && server != nil && !s.keeper.isParting():
			s.dismiss()
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-time.After(retry):
		}
	}
	return nil
}

// sit starts a log server beside those that carry the log.
func (s *session) sit(ctx context.Context, record seats, own seat) error {
	ctx, cancel := context.WithTimeout(ctx, joinLimit)
	defer cancel()
	all := record.Servers
	if record.Joining != nil {
		all = append(slices.Clone(all), *record.Joining)
	}
	var peers []queue.Peer
	for _, o := range all {
		if o.Ref() != s.ref() && s.isLost(o.Server) {
			continue // its address may be another's by now
		}
		at := s.n.agent.Locate([]fleet.Server{o.Server})
		peers = append(peers, queue.Peer{Name: o.name(), Addr: at[0].Addr})
	}
	pause(ctx, seatNotice)
	server, store, err := s.n.startServer(ctx, queue.ServerConfig{Name: own.name(), Incarnation: s.inc, Peers: peers, Inputs: s.want.inputs, Join: true})
	if err != nil {
		return err
	}
	core, err := queue.OpenCore(ctx, queue.Config{Incarnation: s.inc, Server: server, Authority: s.n.authority, ID: s.id, Name: s.id + "-" + s.boot + "-core", Rank: len(peers), MaxMemory: s.cfg.MaxMemory, Log: s.slog})
	if err != nil {
		server.Close()
		_ = os.RemoveAll(store)
		return err
	}
	s.keeper.seat(server, store)
	s.keeper.has(core)
	s.slog.Info("carries the log now", "log", s.inc, "server", own.name())
	s.tell()
	s.n.agent.SetLog(s.logState())
	return nil
}

// isLost tells whether a server's node is lost to this one, or runs anew.
func (s *session) isLost(o fleet.Server) bool {
	b, ok := s.roster.find(o.ID)
	return ok && (b.Boot != o.Boot || b.State == fleet.StateLost)
}

// seatNotice is how long a server waits for those that are there to learn of it, before which they do not let it in.
const seatNotice = 250 * time.Millisecond

// joinLimit is how long a server may take to start beside those that are there.
const joinLimit = 20 * time.Second

// startServer starts a log server of this node, and returns it with its folder.
func (n *Node) startServer(ctx context.Context, cfg queue.ServerConfig) (*queue.Server, string, error) {
	store := filepath.Join(n.cfg.StoreDir, "log-"+cfg.Incarnation+"-"+cfg.Name)
	if err := os.MkdirAll(store, 0o700); err != nil {
		return nil, "", fmt.Errorf("log server's folder: %w", err)
	}
	cfg.Listen, cfg.Authority, cfg.StoreDir, cfg.MaxMemory, cfg.Log = n.cfg.Address, n.authority, store, n.cfg.MaxMemory, n.cfg.Log
	server, err := queue.StartServer(ctx, cfg)
	if err != nil {
		_ = os.RemoveAll(store)
		return nil, "", err
	}
	return server, store, nil
}
