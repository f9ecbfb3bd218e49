package node

import (
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capodekappa/capo/fleet"
)

func server(id, boot string) fleet.Server {
	return fleet.Server{ID: id, Boot: boot, Addr: netip.MustParseAddr("127.0.0.1")}
}

// view is a fleet whose servers are all there, seated and current, and that has no spare node.
func view(change ...func(*seatView)) seatView {
	yes, no := func(seat) bool { return true }, func(seat) bool { return false }
	v := seatView{gone: no, seated: yes, current: yes, keeps: yes, leads: no}
	for _, c := range change {
		c(&v)
	}
	return v
}

func only(ids ...string) func(seat) bool {
	return func(s seat) bool {
		for _, id := range ids {
			if s.ID == id {
				return true
			}
		}
		return false
	}
}

func gone(ids ...string) func(*seatView)   { return func(v *seatView) { v.gone = only(ids...) } }
func seated(ids ...string) func(*seatView) { return func(v *seatView) { v.seated = only(ids...) } }
func current(ids ...string) func(*seatView) {
	return func(v *seatView) { v.current = only(ids...) }
}
func leads(id string) func(*seatView) { return func(v *seatView) { v.leads = only(id) } }
func empty(v *seatView)               { v.keeps = only() }
func late(v *seatView)                { v.late = true }
func spare(ids ...string) func(*seatView) {
	return func(v *seatView) {
		for _, id := range ids {
			v.spares = append(v.spares, server(id, "05"))
		}
	}
}

func TestOneSeatMovesAtATime(t *testing.T) {
	three := formed([]fleet.Server{server("a", "01"), server("b", "02"), server("c", "03")})
	leaving := three
	leaving.Leaving = &fleet.Ref{ID: "b", Boot: "02"}
	joining := func(s seats) seats { return s.promote(seat{Server: server("d", "05"), N: 1}) }
	tests := []struct {
		name  string
		seats seats
		view  seatView
		move  seatMove
		who   string
	}{
		{"all is well", three, view(spare("d")), seatsRest, ""},
		{"one is lost and nobody can take its seat", three, view(gone("c")), seatsRest, ""},
		{"one is lost", three, view(gone("c"), spare("d", "e")), seatPromote, "d"},
		{"one that is lost goes before one that wants to leave", joining(leaving), view(gone("c")), seatRemove, "c"},
		{"a log on one server cannot move", formed([]fleet.Server{server("a", "01")}), view(gone("a"), spare("d")), seatsRest, ""},
		{"the new one is not there yet", joining(three), view(gone("c"), seated("a", "b", "c")), seatsRest, ""},
		{"the new one is not current", joining(three), view(gone("c"), current("a", "b")), seatsRest, ""},
		{"the new one is current", joining(three), view(gone("c")), seatRemove, "c"},
		{"the lost one has no seat any more", joining(three), view(gone("c"), seated("a", "b", "d")), seatSettle, "c"},
		{"the lost one was removed and is not known to be lost", joining(three), view(seated("a", "b", "d")), seatSettle, "c"},
		{"the new one is lost too", joining(three), view(gone("c", "d"), seated("a", "b", "c")), seatForget, "d"},
		{"the new one does not come", joining(three), view(gone("c"), seated("a", "b", "c"), late), seatForget, "d"},
		{"the lost one is back", joining(three), view(), seatForget, "d"},
		{"one wants to leave", leaving, view(spare("d")), seatPromote, "d"},
		{"one wants to leave and nobody can take its seat", leaving, view(), seatsRest, ""},
		{"one that wants to leave keeps streams", joining(leaving), view(leads("b")), seatEvacuate, "b"},
		{"one that wants to leave keeps nothing but leads", joining(leaving), view(empty, leads("b")), seatStepDown, "b"},
		{"one that wants to leave is ready to", joining(leaving), view(empty), seatRemove, "b"},
		{"one that wanted to leave has left", joining(leaving), view(empty, seated("a", "c", "d")), seatSettle, "b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			move, who := tt.seats.next(tt.view)
			if move == seatsRest {
				who.ID = ""
			}
			if move != tt.move || who.ID != tt.who {
				t.Errorf("%q %s, want %q %s", move, who.ID, tt.move, tt.who)
			}
		})
	}
}

func TestASettledSeatIsTheOthersPlace(t *testing.T) {
	s := formed([]fleet.Server{server("a", "01"), server("b", "02"), server("c", "03")})
	s.Leaving = &fleet.Ref{ID: "b", Boot: "02"}
	before, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	got := s.promote(seat{Server: server("d", "05"), N: s.Given + 1}).settle(s.Servers[1])
	want := formed([]fleet.Server{server("a", "01"), server("d", "05"), server("c", "03")})
	want.Servers[1].N, want.Given = 1, 1
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	if name := got.Servers[1].name(); name != "d-05.1" {
		t.Errorf("the new server is called %s", name)
	}
	if after, err := json.Marshal(s); err != nil || string(after) != string(before) {
		t.Errorf("settling changed what it was made from: %s, %v", after, err)
	}
}
