package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/queue"
)

// Times of moving seats.
const (
	seatsEvery    = 500 * time.Millisecond // how often the node on the leading server looks at the seats
	seatsNone     = 4 * time.Second        // how often one that carries nothing does
	seatsTrust    = 6 * time.Second        // how long it leads before it knows who is silent
	seatsPatience = 5 * time.Second        // with a server that has been silent long enough to be noticed
	seatsLate     = 30 * time.Second       // for a node to take the seat that it was given
	seatsRead     = 2 * time.Second        // for the record to be read: a question that meets an election is not answered
	seatsMoveTime = 20 * time.Second       // for one thing that is done about a seat
	evacuateEvery = 10 * time.Second       // between two requests to move what a server keeps
)

// mover is what the node on the leading server remembers while it leads.
type mover struct {
	s         *session
	server    *queue.Server
	since     time.Time               // since when it leads
	joining   fleet.Ref               // who takes a seat
	begun     time.Time               // since when
	late      map[fleet.Ref]bool      // who was given a seat and did not take it
	silent    map[fleet.Ref]time.Time // since when a server is not heard
	evacuated map[fleet.Ref]time.Time
}

// moveSeats moves the log's seats as long as this node's server leads the others.
func (s *session) moveSeats(ctx context.Context) error {
	var m *mover
	for ctx.Err() == nil {
		server, wait := s.keeper.carrier(), seatsEvery
		switch {
		case server == nil:
			m, wait = nil, seatsNone
		case !server.Leads():
			m = nil
		case m == nil || m.server != server:
			s.slog.Info("leads the log's servers", "log", s.inc)
			m = &mover{s: s, server: server, since: time.Now(), late: map[fleet.Ref]bool{}, silent: map[fleet.Ref]time.Time{}, evacuated: map[fleet.Ref]time.Time{}}
			fallthrough
		default:
			if err := m.step(ctx); err != nil && ctx.Err() == nil {
				s.slog.Warn("the log's seats", "err", err)
			}
		}
		pause(ctx, wait)
	}
	return nil
}

// step does what is next about the seats.
func (m *mover) step(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, seatsMoveTime)
	defer cancel()
	record, seq, err := m.s.readSeats(ctx)
	if err != nil {
		return err
	}
	if seq == 0 {
		return m.s.swapSeats(ctx, record, seq)
	}
	if err := m.server.RemoveOthers(ctx, record.names()); err != nil {
		return err
	}
	view, err := m.look(ctx, record)
	if err != nil {
		return err
	}
	move, who := record.next(view)
	if move == seatsRest || move == seatEvacuate && time.Since(m.evacuated[who.Ref()]) < evacuateEvery {
		return nil
	}
	m.s.slog.Info("the log's seats", "do", string(move), "server", who.name())
	if err := m.do(ctx, move, who, record, seq); err != nil {
		return fmt.Errorf("%s %s: %w", move, who.name(), err)
	}
	return nil
}

func (m *mover) do(ctx context.Context, move seatMove, who seat, record seats, seq uint64) error {
	switch move {
	case seatPromote:
		return m.s.swapSeats(ctx, record.promote(who), seq)
	case seatForget:
		m.late[who.Ref()] = true
		if err := m.server.Remove(ctx, who.name()); err != nil && !errors.Is(err, queue.ErrNotMember) {
			return err
		}
		return m.s.swapSeats(ctx, record.forget(), seq)
	case seatRemove:
		return m.server.Remove(ctx, who.name())
	case seatEvacuate:
		m.evacuated[who.Ref()] = time.Now()
		return m.server.Evacuate(ctx, who.name())
	case seatStepDown:
		return m.server.StepDown(ctx)
	case seatSettle:
		return m.s.swapSeats(ctx, record.settle(who), seq)
	}
	return nil
}

// look is the fleet as it is now.
func (m *mover) look(ctx context.Context, record seats) (seatView, error) {
	members, err := m.server.Seats()
	if err != nil {
		return seatView{}, err
	}
	member := func(s seat) (queue.Seat, bool) {
		i := slices.IndexFunc(members, func(q queue.Seat) bool { return q.Is(s.name()) })
		if i < 0 {
			return queue.Seat{}, false
		}
		return members[i], true
	}
	v := seatView{
		seated:  func(s seat) bool { _, ok := member(s); return ok },
		current: func(s seat) bool { q, _ := member(s); return q.Current },
		keeps: func(s seat) bool {
			all, err := m.server.Spread(ctx)
			return err != nil || all.On(s.name()) > 0 || len(all.Lacks("")) > 0
		},
		leads: func(s seat) bool { return s.Ref() == m.s.ref() },
		gone: func(s seat) bool {
			q, ok := member(s)
			return m.gone(s, record, q, ok)
		},
		spares: m.s.spares(record),
	}
	slices.SortStableFunc(v.spares, func(a, b fleet.Server) int {
		return cmp.Compare(rankOf(m.late[a.Ref()]), rankOf(m.late[b.Ref()]))
	})
	v.late = m.isLate(record)
	return v, nil
}

func rankOf(late bool) int {
	if late {
		return 1
	}
	return 0
}

// isLate tells whether the node that was given a seat has not taken it for too long.
func (m *mover) isLate(record seats) bool {
	if record.Joining == nil {
		m.joining = fleet.Ref{}
		return false
	}
	if ref := record.Joining.Ref(); ref != m.joining {
		m.joining, m.begun = ref, time.Now()
	}
	return time.Since(m.begun) > seatsLate
}

// gone tells whether a server is gone for good: its node is lost or was started again, or said that it leaves, or the others have
// not heard the server for too long.
func (m *mover) gone(o seat, record seats, as queue.Seat, seated bool) bool {
	b, known := m.s.roster.find(o.ID)
	again, lost := known && b.Boot != o.Boot, known && b.State == fleet.StateLost
	ref := o.Ref()
	switch {
	case ref == m.s.ref():
		return false
	case !seated && record.Joining != nil && ref == record.Joining.Ref():
		return again || lost
	case !seated:
		return true // it was removed
	case !as.Silent:
		delete(m.silent, ref)
		return false
	case !as.Left && time.Since(m.since) < seatsTrust:
		return false
	case again, lost, record.Leaving != nil && *record.Leaving == ref:
		return true
	}
	if _, noted := m.silent[ref]; !noted {
		m.silent[ref] = time.Now()
	}
	return time.Since(m.silent[ref]) > seatsPatience
}

// spares are the nodes that could carry the log and do not: anchors first, then by id.
func (s *session) spares(record seats) []fleet.Server {
	list := slices.DeleteFunc(s.roster.live(), func(b heartbeat) bool {
		_, seated := record.of(fleet.Ref{ID: b.ID, Boot: b.Boot})
		return seated || b.State != fleet.StateReady || b.Leaving
	})
	slices.SortStableFunc(list, func(a, b heartbeat) int {
		return cmp.Or(-cmp.Compare(rankOf(a.Log == anchorRole), rankOf(b.Log == anchorRole)), cmp.Compare(a.ID, b.ID))
	})
	var spares []fleet.Server
	for _, b := range list {
		if at, err := netip.ParseAddrPort(b.Address); err == nil {
			spares = append(spares, fleet.Server{ID: b.ID, Boot: b.Boot, Addr: at.Addr()})
		}
	}
	return s.n.agent.Locate(spares)
}

// anchorRole is how a heartbeat calls a node with a disk.
const anchorRole = "anchor"

// readSeats reads who carries the log, with the record's sequence; where there is no record yet (sequence 0), those that formed it.
func (s *session) readSeats(ctx context.Context) (seats, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, seatsRead)
	defer cancel()
	c, err := s.inside()
	if err != nil {
		return seats{}, 0, err
	}
	e, err := c.State(ctx, seatsKey)
	if errors.Is(err, queue.ErrNotFound) {
		return formed(s.keeper.list()), 0, nil
	}
	if err != nil {
		return seats{}, 0, fmt.Errorf("read who carries the log: %w", err)
	}
	var record seats
	if err := decodeJSON(e.Value, &record); err != nil {
		return seats{}, 0, fmt.Errorf("read who carries the log: %w", err)
	}
	return record, e.Seq, nil
}

// swapSeats writes who carries the log, in place of the record with that sequence.
func (s *session) swapSeats(ctx context.Context, record seats, last uint64) error {
	data, err := encodeJSON(record)
	if err != nil {
		return err
	}
	c, err := s.inside()
	if err != nil {
		return err
	}
	if _, err := c.SwapState(ctx, seatsKey, data, last); err != nil {
		return fmt.Errorf("write who carries the log: %w", err)
	}
	return nil
}
