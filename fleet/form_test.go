package fleet

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

var t0 = time.Unix(1000, 0)

func ref(id string) Ref { return Ref{id, "0000000" + id} }

func members(list ...string) []Member {
	var all []Member
	for _, id := range list {
		all = append(all, Member{Ref: ref(id)})
	}
	return all
}

// agreeing returns peers of which the first n show the proposal of the three lowest of them and a.
func agreeing(n int, list ...string) []Member {
	all := members(list...)
	p := propose(Rules{Servers: 3}, 0, View{Self: ref("a"), Peers: all})
	for i := range all[:n] {
		all[i].Proposal = p
	}
	return all
}

func servers(list ...string) []Server {
	var all []Server
	for _, id := range list {
		all = append(all, Server{ID: id, Boot: ref(id).Boot, Addr: netip.MustParseAddr("10.0.0.1")})
	}
	return all
}

// settled steps twice, with the time between that a view must not change for.
func settled(rules Rules, v View) (State, Outcome) {
	s, _ := Step(rules, State{}, t0, v)
	return Step(rules, s, t0.Add(Settle), v)
}

func TestStepWaitsFor(t *testing.T) {
	for _, tt := range []struct {
		name  string
		rules Rules
		peers []Member
		want  string
	}{
		{"alone", Rules{}, nil, "1 of 3 nodes needed to form a log (capo.expect=3, capo.size=unset); sees no other node"},
		{"two of three", Rules{Size: 3}, members("b"), "2 of 3 nodes needed to form a log (capo.expect=3, capo.size=3); sees: b"},
		{"half of six", Rules{Size: 6}, members("b", "c"), "3 of 4 nodes needed to form a log (capo.expect=3, capo.size=6); sees: b, c"},
		{"expect four", Rules{Expect: 4}, members("b", "c"), "3 of 4 nodes needed"},
		{"one of three, expecting one", Rules{Expect: 1, Size: 3}, nil, "1 of 2 nodes needed"},
		{"a twin", Rules{}, append(members("b"), Member{Ref: Ref{"a", "ffffffff"}}), "two nodes have the id a"},
		{"those who were in a log do not count", Rules{}, append(members("b"), Member{Ref: ref("c"), LastLog: "0123456789abcdef"}), "2 of 3 nodes needed"},
		{"lower ids to agree", Rules{}, members("0", "1", "2"), "for 0, 1, 2 to agree"},
		{"a majority to agree", Rules{Size: 4}, agreeing(3, "0", "1", "2"), "for 0, 1, 2 to form the log"},
		{"the others to agree", Rules{}, members("b", "c"), "for b, c to agree on the servers a, b, c"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, out := settled(tt.rules, View{Self: ref("a"), Peers: tt.peers})
			if out.Role != RoleWaiting || !strings.Contains(out.Waiting, tt.want) {
				t.Fatalf("%s, waiting %q, want %q", out.Role, out.Waiting, tt.want)
			}
		})
	}
}

func TestStepProposesOnlyAStableView(t *testing.T) {
	v := View{Self: ref("a"), Peers: members("b", "c")}
	s, _ := Step(Rules{}, State{}, t0, v)
	if s, _ = Step(Rules{}, s, t0.Add(Settle-time.Millisecond), v); s.Proposal != nil {
		t.Fatal("proposed before the view was stable")
	}
	v.Peers = members("b", "c", "d")
	if s, _ = Step(Rules{}, s, t0.Add(Settle), v); s.Proposal != nil {
		t.Fatal("proposed when a node had just come")
	}
	if s, _ = Step(Rules{}, s, t0.Add(2*Settle), v); s.Proposal == nil || ids(s.Proposal.Servers) != "a, b, c" {
		t.Fatalf("proposal %+v, want a, b, c", s.Proposal)
	}
}

func TestStepPutsAnchorsFirst(t *testing.T) {
	peers := members("b", "c", "d", "e")
	peers[3].Anchor = true
	if s, _ := settled(Rules{}, View{Self: ref("a"), Peers: peers}); ids(s.Proposal.Servers) != "a, b, e" {
		t.Fatalf("servers %s, want a, b, e", ids(s.Proposal.Servers))
	}
}

func TestStepStartsWhenAllShowTheSame(t *testing.T) {
	v := View{Self: ref("a"), Peers: members("b", "c")}
	s, _ := settled(Rules{}, v)
	v.Peers[0].Proposal = s.Proposal
	v.Peers[1].Proposal = &Proposal{Round: 1, Servers: s.Proposal.Servers}
	if _, out := Step(Rules{}, State{members: s.members, since: s.since}, t0.Add(Settle), v); out.Role == RoleServer {
		t.Fatal("started although one showed another round")
	}
	v.Peers[1].Proposal = s.Proposal
	s, out := Step(Rules{}, s, t0.Add(Settle), v)
	if out.Role != RoleServer || !out.Forms.equal(s.Proposal) {
		t.Fatalf("%+v, want a server", out)
	}
	v.Peers = nil
	if _, out = Step(Rules{}, s, t0.Add(Settle+FormTimeout-time.Second), v); out.Role != RoleServer {
		t.Fatalf("%+v: a server stays until the time is over", out)
	}
}

func TestStepFormsAloneWhenOneIsExpected(t *testing.T) {
	if _, out := settled(Rules{Expect: 1, Size: 1}, View{Self: ref("a")}); out.Role != RoleServer || len(out.Forms.Servers) != 1 {
		t.Fatalf("%+v, want the only server", out)
	}
	if _, out := settled(Rules{Expect: 2, Size: 2}, View{Self: ref("b"), Peers: members("a")}); out.Role != RoleWaiting || !strings.Contains(out.Waiting, "for a to agree") {
		t.Fatalf("%+v, want to wait for a, the one server", out)
	}
}

func TestStepJoinsALogThatIsThere(t *testing.T) {
	log := &LogInfo{Incarnation: "0123456789abcdef", Role: RoleClient, Servers: servers("b", "c", "d"), Nodes: 4}
	peers := append(members("b", "c"), Member{Ref: ref("e"), Log: log})
	if _, out := Step(Rules{}, State{}, t0, View{Self: ref("a"), Peers: peers}); out.Role != RoleClient || out.Log != log {
		t.Fatalf("%+v, want a client at once", out)
	}
	if _, out := Step(Rules{}, State{}, t0, View{Self: ref("b"), Peers: peers}); out.Role != RoleServer {
		t.Fatalf("%+v, want a server again, for the same run", out)
	}
	again := View{Self: Ref{"b", "ffffffff"}, Peers: peers[2:]}
	if _, out := Step(Rules{}, State{}, t0, again); out.Role != RoleClient {
		t.Fatalf("%+v: another run of a server is a client", out)
	}
}

// started returns a, which started its server of a, b, c and had no success.
func started(t *testing.T) (State, View) {
	t.Helper()
	v := View{Self: ref("a"), Peers: members("b", "c")}
	p := &Proposal{Servers: []Ref{ref("a"), ref("b"), ref("c")}}
	v.Peers[0].Proposal, v.Peers[1].Proposal = p, p
	s, out := settled(Rules{}, v)
	if out.Role != RoleServer {
		t.Fatalf("%+v, want a server", out)
	}
	return s, v
}

func TestStepStartsOnlyWithAMajorityThatAgrees(t *testing.T) {
	v := View{Self: ref("a"), Peers: agreeing(2, "b", "c", "d", "e")}
	if _, out := settled(Rules{Size: 7}, v); out.Role != RoleWaiting || !strings.Contains(out.Waiting, "for d, e to agree") {
		t.Fatalf("%+v, want to wait for d or e", out)
	}
	v.Peers = agreeing(3, "b", "c", "d", "e")
	if _, out := settled(Rules{Size: 7}, v); out.Role != RoleServer {
		t.Fatalf("%+v, want a server: four of seven agree", out)
	}
	v.Peers[2].Stale = true
	if _, out := settled(Rules{Size: 7}, v); out.Role != RoleWaiting {
		t.Fatalf("%+v: what d said long ago does not count", out)
	}
}

func TestStepWhoAgreedToALogAgreesToNoOther(t *testing.T) {
	v := View{Self: ref("d"), Peers: members("a", "b", "c")}
	p := &Proposal{Servers: []Ref{ref("a"), ref("b"), ref("c")}}
	for i := range v.Peers {
		v.Peers[i].Proposal = p
	}
	s, out := settled(Rules{Size: 4}, v)
	if out.Role != RoleWaiting || !s.Proposal.equal(p) {
		t.Fatalf("%+v, proposal %+v: want to agree", out, s.Proposal)
	}
	v.Peers = members("e", "f", "g")
	s, _ = Step(Rules{Size: 4}, s, t0.Add(time.Minute), v)
	if s, out = Step(Rules{Size: 4}, s, t0.Add(time.Hour), v); s.Proposal != nil || !strings.Contains(out.Waiting, "for word from a, b, c") {
		t.Fatalf("%+v, proposal %+v: want to wait for word from a, b, c", out, s.Proposal)
	}
}

func TestStepTriesAgainWithAnotherIncarnation(t *testing.T) {
	s, v := started(t)
	first := s.Proposal.Incarnation("f")
	v.Peers[0].Proposal, v.Peers[1].Proposal = nil, nil
	s, out := Step(Rules{}, s, t0.Add(Settle+FormTimeout), v)
	if out.Role != RoleWaiting {
		t.Fatalf("%+v, want the server to stop", out)
	}
	s, _ = Step(Rules{}, s, t0.Add(2*Settle+FormTimeout), v)
	if s.Proposal == nil || s.Proposal.Round != 1 || s.Proposal.Incarnation("f") == first {
		t.Fatalf("proposal %+v, want the same servers in round 1", s.Proposal)
	}
}

func TestStepDoesNotFormBesideALogItMayHaveFormed(t *testing.T) {
	s, v := started(t)
	v.Peers = members("d", "e", "f") // b and c are out of sight
	for _, at := range []time.Duration{0, Settle, time.Hour} {
		var out Outcome
		if s, out = Step(Rules{}, s, t0.Add(Settle+FormTimeout+at), v); out.Role != RoleWaiting || s.Proposal != nil {
			t.Fatalf("after %v: %+v, proposal %+v", at, out, s.Proposal)
		}
	}
	v.Peers = append(v.Peers, Member{Ref: Ref{"b", "ffffffff"}}) // booted again: its log is gone
	s, _ = Step(Rules{}, s, t0.Add(2*time.Hour), v)
	if s, _ = Step(Rules{}, s, t0.Add(3*time.Hour), v); s.Proposal == nil {
		t.Fatal("does not propose although a majority of the old servers gave up")
	}
}

func TestIncarnationDependsOnFleetRoundAndBoots(t *testing.T) {
	p := func(round int, boot string) *Proposal { return &Proposal{round, []Ref{{"a", boot}}} }
	seen := map[string]bool{}
	for _, i := range []string{
		p(0, "00000001").Incarnation("f"), p(1, "00000001").Incarnation("f"),
		p(0, "00000002").Incarnation("f"), p(0, "00000001").Incarnation("g"),
	} {
		if seen[i] || !hashPattern.MatchString(i) {
			t.Fatalf("incarnation %q is not new", i)
		}
		seen[i] = true
	}
}
