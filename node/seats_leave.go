package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/queue"
)

// errAlone: a log on one server cannot outlive it.
var errAlone = errors.New("this node carries the log alone: what it holds would be lost")

// handOver readies the log for the end of this node; it is called before a planned one. Where this node is one of the log's servers
// and another node can take its seat, that one does. Otherwise the other servers must hold all that there is, and this one
// then leads nothing any more. It waits for that until ctx ends; then the node must stay, and what it waited for is the error.
// The node works on, and writes to the log, after either.
func (s *session) handOver(ctx context.Context) error {
	server := s.keeper.carrier()
	if server == nil {
		return nil
	}
	s.keeper.part(true)
	err := s.giveUp(ctx, server)
	if err != nil {
		s.stayOn(context.WithoutCancel(ctx))
		return fmt.Errorf("hand over the log: %w", err)
	}
	return nil
}

// stayOn takes a hand-over back, as far as the seat is still there; a server whose seat is gone goes on as a client.
func (s *session) stayOn(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	err := s.changeSeats(ctx, func(record seats) (seats, error) {
		if record.Leaving != nil && *record.Leaving == s.ref() {
			record.Leaving = nil
		}
		return record, nil
	})
	if err != nil {
		s.slog.Warn("the log server stays, which the others do not know yet", "err", err)
	}
	s.keeper.part(false)
}

// errBusy: another server is leaving already.
var errBusy = errors.New("another server leaves the log at the moment")

// giveUp asks for another server in this one's place, and waits until there is one or it can be spared.
func (s *session) giveUp(ctx context.Context, server *queue.Server) error {
	var why error
	for {
		record, err := s.askToLeave(ctx)
		switch {
		case errors.Is(err, errAlone):
			return err
		case err != nil:
			why = err
		case !seatedIn(record, s.ref()):
			return nil // another node has the seat
		case record.Joining != nil || len(s.spares(record)) > 0:
			why = errors.New("another node is taking this one's seat")
		default:
			if why = s.spared(ctx, server, record); why == nil {
				return server.StepDown(ctx)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", why, context.Cause(ctx))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func seatedIn(record seats, ref fleet.Ref) bool {
	_, ok := record.of(ref)
	return ok
}

// askToLeave has the record say that this server wants to leave. One does at a time.
func (s *session) askToLeave(ctx context.Context) (asked seats, err error) {
	err = s.changeSeats(ctx, func(record seats) (seats, error) {
		asked = record
		switch {
		case len(record.Servers) < 2:
			return record, errAlone
		case !seatedIn(record, s.ref()):
			return record, nil
		case record.Leaving == nil:
			ref := s.ref()
			record.Leaving = &ref
		case *record.Leaving != s.ref():
			return record, fmt.Errorf("%w: %s", errBusy, record.Leaving.ID)
		}
		asked = record
		return record, nil
	})
	return asked, err
}

// spared says what keeps this server from going, nil if the others hold all that there is without it.
func (s *session) spared(ctx context.Context, server *queue.Server, record seats) error {
	own, _ := record.of(s.ref())
	for _, o := range record.Servers {
		if o.Ref() != s.ref() && s.isLost(o.Server) {
			return fmt.Errorf("the log server %s is lost: the log would not outlive this one", o.ID)
		}
	}
	all, err := server.Spread(ctx)
	if err != nil {
		return err
	}
	if lack := all.Lacks(own.name()); len(lack) > 0 {
		return fmt.Errorf("the other servers do not hold everything yet: %s", strings.Join(lack, ", "))
	}
	return nil
}

// changeSeats changes the record of the seats, again where another node was faster.
func (s *session) changeSeats(ctx context.Context, change func(seats) (seats, error)) error {
	for {
		record, seq, err := s.readSeats(ctx)
		if err != nil && ctx.Err() == nil && errors.Is(err, queue.ErrUnavailable) {
			continue
		}
		if err != nil {
			return err
		}
		changed, err := change(record)
		if err != nil {
			return err
		}
		if same(record, changed) {
			return nil
		}
		if err = s.swapSeats(ctx, changed, seq); !errors.Is(err, queue.ErrConflict) {
			return err
		}
	}
}

// same tells whether two records say the same of who wants to leave, which is all that a server changes in one.
func same(a, b seats) bool {
	return (a.Leaving == nil) == (b.Leaving == nil) && (a.Leaving == nil || *a.Leaving == *b.Leaving)
}
