package queue

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Seat is one server of a log as the server that leads them sees it.
type Seat struct {
	Current bool // it is there, and has all that the leader has
	Silent  bool // the leader has not heard of it for a while
	Left    bool // it said that it ends

	peer string // by which servers know each other; a server that was never heard of has no other name
}

// silence is after how long without a word a server is silent: several heartbeats of servers, which are a second apart.
const silence = 5 * time.Second

// seatOf is a seat as its leader describes it. A leader that was just elected has heard of nobody yet.
func seatOf(p *server.PeerInfo) Seat {
	silent := p.Offline || p.Active <= 0 || p.Active > silence
	return Seat{Current: p.Current && !p.Pending && !silent, Silent: silent, Left: p.Offline, peer: p.Peer}
}

// Is tells whether the seat is that of the server of that name.
func (s Seat) Is(name string) bool { return s.peer == peerID(name) }

// peerID is how a server is called among servers: the first 8 bytes of its name's SHA-256, each as a digit to the
// base of 62 (getHashSize in the server's source).
func peerID(name string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum := sha256.Sum256([]byte(name))
	id := sum[:8]
	for i, b := range id {
		id[i] = digits[int(b)%len(digits)]
	}
	return string(id)
}

// Errors of moving seats.
var (
	// ErrNotLeading: only the server that leads the others can do this.
	ErrNotLeading = errors.New("this log server does not lead the others")
	// ErrNotMember: no server of that name carries the log.
	ErrNotMember = errors.New("no such log server")
)

// Leads tells whether this server leads the log's servers: one of them does, and it alone moves seats.
func (s *Server) Leads() bool { return s.nats.JetStreamIsLeader() }

// Current tells whether this server knows all that the log's servers agreed on.
func (s *Server) Current() bool { return s.nats.JetStreamIsCurrent() }

// Dismissed tells whether this server's seat was given to another while it was away: it carries nothing any more.
func (s *Server) Dismissed() bool { return !s.nats.JetStreamEnabled() }

// Seats lists the log's servers, this one first. Only on the one that leads is it to be relied on
// which of them are current and which silent.
func (s *Server) Seats() ([]Seat, error) {
	info, err := s.nats.Jsz(nil)
	if err != nil {
		return nil, fmt.Errorf("log server %s: list the servers: %w", s.nats.Name(), err)
	}
	own := Seat{Current: info.Meta == nil || s.Current(), peer: peerID(s.nats.Name())}
	seats := []Seat{own}
	if info.Meta == nil {
		return seats, nil
	}
	for _, r := range info.Meta.Replicas {
		if r.Peer != own.peer {
			seats = append(seats, seatOf(r))
		}
	}
	return seats, nil
}

// Remove takes a server's seat away. What it carried is given to the servers that are left. It tries until ctx
// ends. Errors: [ErrNotLeading], [ErrNotMember].
func (s *Server) Remove(ctx context.Context, name string) error {
	if err := s.remove(ctx, peerID(name)); err != nil {
		return fmt.Errorf("remove log server %s: %w", name, err)
	}
	return nil
}

// RemoveOthers takes the seats of all servers away but of those with these names: of one that was let in when it had been
// given up already.
func (s *Server) RemoveOthers(ctx context.Context, names []string) error {
	seats, err := s.Seats()
	if err != nil {
		return err
	}
	for _, seat := range seats {
		if slices.ContainsFunc(names, seat.Is) {
			continue
		}
		if err := s.remove(ctx, seat.peer); err != nil && !errors.Is(err, ErrNotMember) {
			return fmt.Errorf("remove a log server that has no seat: %w", err)
		}
	}
	return nil
}

func (s *Server) remove(ctx context.Context, peer string) error {
	return s.command(ctx, server.JSApiRemoveServer, server.JSApiMetaServerRemoveRequest{Peer: peer})
}

// Evacuate begins to move what a server carries to the others; [Server.Spread] tells how far it is. Errors:
// [ErrNotLeading], [ErrNotMember].
func (s *Server) Evacuate(ctx context.Context, name string) error {
	err := s.command(ctx, server.JSApiEvacuateServer, server.JSApiMetaServerEvacuateRequest{Peer: peerID(name)})
	if err != nil {
		return fmt.Errorf("evacuate log server %s: %w", name, err)
	}
	return nil
}

// StepDown has other servers lead all that this one leads, the servers themselves included, and returns when they do, so
// that this one's end costs nobody an election.
func (s *Server) StepDown(ctx context.Context) error {
	for {
		left, err := s.leadsHere(ctx)
		if err == nil && left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("log server %s: hand over what it leads: %d left: %w", s.nats.Name(), left, errors.Join(context.Cause(ctx), err))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// leadsHere hands over whatever is led here now and returns how much that was.
func (s *Server) leadsHere(ctx context.Context) (int, error) {
	info, err := s.nats.Jsz(&server.JSzOptions{Accounts: true, Streams: true})
	if err != nil {
		return 0, err
	}
	led := 0
	for _, a := range info.AccountDetails {
		for _, str := range a.Streams {
			if str.Cluster == nil || !s.nats.JetStreamIsStreamLeader(a.Name, str.Name) {
				continue
			}
			led++
			if err := s.nats.JetStreamStepdownStream(a.Name, str.Name); err != nil && s.nats.JetStreamIsStreamLeader(a.Name, str.Name) {
				return led, fmt.Errorf("stream %s: %w", str.Name, err)
			}
		}
	}
	if led == 0 && s.Leads() {
		return 1, s.command(ctx, server.JSApiLeaderStepDown, nil)
	}
	return led, nil
}

// command gives the leading server an order of the system account, again while another change of the servers is
// under way.
func (s *Server) command(ctx context.Context, subject string, order any) error {
	nc, err := s.system()
	if err != nil {
		return err
	}
	defer nc.Close()
	var body []byte
	if order != nil {
		if body, err = json.Marshal(order); err != nil {
			return err
		}
	}
	for {
		err := s.commandOnce(ctx, nc, subject, body)
		var refused *server.ApiError
		if err == nil || errors.As(err, &refused) && refused.ErrCode != uint16(server.JSClusterServerMemberChangeInflightErr) {
			if refused != nil && refused.ErrCode == uint16(server.JSClusterServerNotMemberErr) {
				return fmt.Errorf("%w (%w)", ErrNotMember, err)
			}
			return err
		}
		if ctx.Err() != nil {
			return errors.Join(context.Cause(ctx), err)
		}
		if refused == nil && !s.Leads() {
			return fmt.Errorf("%w (%w)", ErrNotLeading, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s *Server) commandOnce(ctx context.Context, nc *nats.Conn, subject string, body []byte) error {
	try, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	msg, err := nc.RequestWithContext(try, subject, body)
	if err != nil {
		return err
	}
	var answer struct {
		Error   *server.ApiError `json:"error"`
		Success bool             `json:"success"`
	}
	if err := json.Unmarshal(msg.Data, &answer); err != nil {
		return fmt.Errorf("answer to %s: %w", subject, err)
	}
	if answer.Error != nil {
		return answer.Error
	}
	if !answer.Success {
		return fmt.Errorf("answer to %s: %.200s", subject, msg.Data)
	}
	return nil
}

// Placement is where one stream of a log is kept.
type Placement struct {
	Stream string
	Leader string // server name; empty while it has none
	Want   int    // how many servers should keep it
	Moving bool   // it is on its way from some servers to others
	On     []Seat // who keeps it, the leader included
}

// Spread is where a log's streams are kept.
type Spread []Placement

// spreadLimit is how long servers may take to answer; one that is lost does not.
const spreadLimit = 500 * time.Millisecond

// Spread asks the log's servers where its streams are kept.
func (s *Server) Spread(ctx context.Context) (Spread, error) {
	nc, err := s.system()
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	seats, err := s.Seats()
	if err != nil {
		return nil, err
	}
	sub, err := nc.SubscribeSync(nc.NewRespInbox())
	if err != nil {
		return nil, fmt.Errorf("ask where the streams are: %w", err)
	}
	order, err := json.Marshal(server.JSzOptions{Accounts: true, Streams: true, Config: true})
	if err != nil {
		return nil, err
	}
	if err := nc.PublishRequest("$SYS.REQ.SERVER.PING.JSZ", sub.Subject, order); err != nil {
		return nil, fmt.Errorf("ask where the streams are: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, spreadLimit)
	defer cancel()
	found := map[string]Placement{}
	for range seats {
		msg, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			break // a server that is on its way out; what it led shows no leader
		}
		if err := take(found, msg.Data); err != nil {
			return nil, err
		}
	}
	var all Spread
	for _, p := range found {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Placement) int { return cmp.Compare(a.Stream, b.Stream) })
	return all, nil
}

// take adds one server's word: what it leads it knows, of the rest only that it is there.
func take(found map[string]Placement, answer []byte) error {
	var word struct {
		Server struct{ Name string } `json:"server"`
		Data   server.JSInfo         `json:"data"`
	}
	if err := json.Unmarshal(answer, &word); err != nil {
		return fmt.Errorf("a server's word about its streams: %w", err)
	}
	for _, a := range word.Data.AccountDetails {
		for _, str := range a.Streams {
			key := a.Name + " " + str.Name
			p := found[key]
			p.Stream = str.Name
			if str.Config != nil {
				p.Want = max(p.Want, str.Config.Replicas)
			}
			if c := str.Cluster; c == nil || c.Leader == word.Server.Name {
				p.Leader, p.On = word.Server.Name, []Seat{{Current: true, peer: peerID(word.Server.Name)}}
				if c != nil {
					p.Moving = c.Desired != nil
					for _, r := range c.Replicas {
						p.On = append(p.On, seatOf(r))
					}
				}
			}
			found[key] = p
		}
	}
	return nil
}

// On is how many streams a server keeps, or is to keep until they have moved.
func (all Spread) On(name string) int {
	n := 0
	for _, p := range all {
		if p.Leader == "" || slices.ContainsFunc(p.On, func(s Seat) bool { return s.Is(name) }) {
			n++
		}
	}
	return n
}

// Lacks names the streams that are not kept whole and current by as many servers as should keep them; with
// without, a server that is about to go, by as many but for that one. Empty: nothing is lacking.
func (all Spread) Lacks(without string) []string {
	if len(all) == 0 {
		return []string{"all streams"}
	}
	var lack []string
	for _, p := range all {
		have, want := 0, p.Want
		for _, s := range p.On {
			switch {
			case s.Is(without):
				want--
			case s.Current:
				have++
			}
		}
		if p.Leader == "" || p.Moving || have < max(want, 1) {
			lack = append(lack, p.Stream)
		}
	}
	return lack
}

// system connects to this server's system account, for the caller to close.
func (s *Server) system() (*nats.Conn, error) {
	nc, err := nats.Connect("", append(s.own(userSystem), nats.Name(s.cfg.Name+"-seats"))...)
	if err != nil {
		return nil, fmt.Errorf("log server %s: system account: %w", s.cfg.Name, err)
	}
	return nc, nil
}
