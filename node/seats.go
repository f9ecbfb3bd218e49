package node

import (
	"fmt"
	"slices"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/queue"
)

// seatsKey is the state key that says who carries the log.
const seatsKey = "log.servers"

// seats is its value: who carries the log, and the one change of that which is under way. The node whose server leads
// the others writes it, by a compare-and-set; a server that wants to leave asks in it.
type seats struct {
	Servers []seat     `json:"servers"`
	Joining *seat      `json:"joining,omitempty"` // takes a seat beside them, for the one that goes
	Leaving *fleet.Ref `json:"leaving,omitempty"` // asked to give its seat up
	Given   int        `json:"given"`             // how many were given since the log was formed
}

// seat is a server of the log.
type seat struct {
	fleet.Server
	// N is which of the seats that were given it is, 0 for one of those that formed the log. A server that was
	// dismissed is not let in again for minutes under the name it had.
	N int `json:"n,omitempty"`
}

// name is the server's name among log servers.
func (s seat) name() string {
	name := s.ID + "-" + s.Boot
	if s.N > 0 {
		name += fmt.Sprintf(".%d", s.N)
	}
	return name
}

// formed is what a log begins with.
func formed(servers []fleet.Server) seats {
	var s seats
	for _, o := range servers {
		s.Servers = append(s.Servers, seat{Server: o})
	}
	return s
}

// list is who carries the log.
func (s seats) list() []fleet.Server {
	var list []fleet.Server
	for _, o := range s.Servers {
		list = append(list, o.Server)
	}
	return list
}

// names is how the servers that may carry the log are called among themselves.
func (s seats) names() []string {
	var names []string
	for _, o := range s.Servers {
		names = append(names, o.name())
	}
	if s.Joining != nil {
		names = append(names, s.Joining.name())
	}
	return names
}

// peers are the servers that may carry the log, as another one knows them.
func (s seats) peers() []queue.Peer {
	all := s.Servers
	if s.Joining != nil {
		all = append(slices.Clone(all), *s.Joining)
	}
	var peers []queue.Peer
	for _, o := range all {
		peers = append(peers, queue.Peer{Name: o.name(), Addr: o.Addr})
	}
	return peers
}

// of finds the seat of one run of a node: the one that it has, or the one that it shall take.
func (s seats) of(ref fleet.Ref) (seat, bool) {
	all := slices.Clone(s.Servers)
	if s.Joining != nil {
		all = append(all, *s.Joining)
	}
	for _, o := range all {
		if o.Ref() == ref {
			return o, true
		}
	}
	return seat{}, false
}

// seatView is what the node that moves seats sees.
type seatView struct {
	gone    func(seat) bool // its node is lost, or was started again
	seated  func(seat) bool // the log's servers count it as one of them
	current func(seat) bool // and it has all that they agreed on
	keeps   func(seat) bool // streams are kept there, or would not be whole without it
	leads   func(seat) bool // it is the one that leads the others
	late    bool            // who is to take a seat has not done so for too long
	spares  []fleet.Server  // who could take one, best first
}

// seatMove is what is to be done next about the seats.
type seatMove string

const (
	seatsRest    seatMove = ""         // nothing, or to wait
	seatPromote  seatMove = "promote"  // give a spare node a seat
	seatForget   seatMove = "forget"   // take it away again
	seatRemove   seatMove = "remove"   // take the seat of the one that goes
	seatEvacuate seatMove = "evacuate" // have what the one that goes keeps moved to the others
	seatStepDown seatMove = "stepdown" // have another server lead
	seatSettle   seatMove = "settle"   // write down that the one has the other's seat
)

// next says what is to be done about the seats, and about whom. One seat moves at a time: a spare takes its place, and when
// it is current, the one that is lost or wants to leave goes.
func (s seats) next(v seatView) (seatMove, seat) {
	out, planned, found := s.goer(v)
	if s.Joining == nil {
		if !found || len(s.Servers) < 2 || len(v.spares) == 0 {
			return seatsRest, out
		}
		return seatPromote, seat{Server: v.spares[0], N: s.Given + 1}
	}
	in := *s.Joining
	switch {
	case v.gone(in), !found, v.late && !(v.seated(in) && v.current(in)):
		return seatForget, in
	case !v.seated(in) || !v.current(in):
		return seatsRest, in
	case !v.seated(out):
		return seatSettle, out
	case planned && v.keeps(out):
		return seatEvacuate, out
	case v.leads(out):
		return seatStepDown, out
	}
	return seatRemove, out
}

// goer is the server whose seat another one should have: one that is lost, or was removed for the one that takes a seat, before one
// that wants to leave.
func (s seats) goer(v seatView) (out seat, planned, found bool) {
	if s.Joining != nil {
		for _, o := range s.Servers {
			if !v.seated(o) {
				return o, false, true
			}
		}
	}
	for _, o := range s.Servers {
		if v.gone(o) {
			return o, false, true
		}
	}
	for _, o := range s.Servers {
		if s.Leaving != nil && o.Ref() == *s.Leaving {
			return o, true, true
		}
	}
	return seat{}, false, false
}

// promote is the record with a seat given.
func (s seats) promote(in seat) seats {
	s.Joining, s.Given = &in, in.N
	return s
}

// forget is the record without the one that was to take a seat.
func (s seats) forget() seats {
	s.Joining = nil
	return s
}

// settle is the record with the seat moved.
func (s seats) settle(out seat) seats {
	s.Servers = slices.Clone(s.Servers)
	for i, o := range s.Servers {
		if o.Ref() == out.Ref() {
			s.Servers[i] = *s.Joining
		}
	}
	if s.Leaving != nil && *s.Leaving == out.Ref() {
		s.Leaving = nil
	}
	s.Joining = nil
	return s
}
