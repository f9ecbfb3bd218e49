package fleet

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// crowdOf returns an agent of the given id that knows of other nodes, of whom those with a hello
// have answered it.
func crowdOf(t *testing.T, id string, sighted []string, hellos ...Hello) *Agent {
	t.Helper()
	f, err := New("crowd")
	if err != nil {
		t.Fatal(err)
	}
	a, err := newAgent(Config{Membership: f.Membership, ID: id, Boot: "00000001", Clock: func() time.Time { return t0 }})
	if err != nil {
		t.Fatal(err)
	}
	a.small = 3
	for _, other := range sighted {
		a.peers[other] = &peer{addr: other, said: ref(other)}
	}
	for _, h := range hellos {
		h.Boot = ref(h.ID).Boot
		a.peers[h.ID] = &peer{addr: h.ID, hello: &h, answered: t0}
	}
	return a
}

func asks(a *Agent) []string {
	var list []string
	for _, p := range a.audience(t0) {
		list = append(list, p.addr)
	}
	return list
}

func TestWhomANodeAsksInACrowd(t *testing.T) {
	low := []Hello{{ID: "a"}, {ID: "b"}, {ID: "c"}, {ID: "d"}, {ID: "e"}}
	others := []string{"0", "1", "2", "3", "4", "x", "y"} // of whom nothing is known but that they were seen
	waiting := Hello{ID: "a", LastLog: "0123456789abcdef"}
	proposal := &ProposalInfo{Servers: []Ref{{"m", "00000001"}, ref("x")}}
	for _, tt := range []struct {
		name  string
		agent *Agent
		want  []string
	}{
		{"few", crowdOf(t, "m", []string{"x", "y"}), []string{"x", "y"}},
		{"one that knows nobody lower, all in order", crowdOf(t, "m", []string{"y", "x", "z"}), []string{"x", "y", "z"}},
		{"a voter, the lowest five, answered or not", crowdOf(t, "m", others, low...), []string{"0", "1", "2", "3", "4"}},
		{"one with four lower ids, all", crowdOf(t, "m", []string{"x", "y"}, low[1:]...), []string{"b", "c", "d", "e", "x", "y"}},
		{"those who wait for a log are no candidates", crowdOf(t, "m", []string{"x", "y"}, append([]Hello{waiting}, low[1:]...)...), []string{"a", "b", "c", "d", "e", "x", "y"}},
		{"a voter, an anchor and who has its own id", crowdOf(t, "m", []string{"x"}, append([]Hello{{ID: "y", Anchor: true}, {ID: "m"}}, low...)...), []string{"a", "b", "c", "d", "e", "m", "y"}},
		{"a voter, whom somebody proposes", crowdOf(t, "n", []string{"x", "y"}, append([]Hello{{ID: "e", Proposal: proposal}}, low[:4]...)...), []string{"a", "b", "c", "d", "e", "x"}},
		{"one that is proposed, all", crowdOf(t, "m", []string{"x", "y"}, append([]Hello{{ID: "e", Proposal: proposal}}, low[:4]...)...), []string{"a", "b", "c", "d", "e", "x", "y"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, asks(tt.agent)); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestWhoDoesNotAnswerIsNotCountedOn(t *testing.T) {
	a := crowdOf(t, "m", []string{"0", "x", "y"}, []Hello{{ID: "a"}, {ID: "b"}, {ID: "c"}, {ID: "d"}, {ID: "e"}}...)
	a.peers["0"].failed = failsOften
	if diff := cmp.Diff([]string{"0", "a", "b", "c", "d", "e"}, asks(a)); diff != "" {
		t.Error(diff)
	}
	if seldom, often := a.interval(a.peers["0"]), a.interval(a.peers["a"]); seldom < 3*often {
		t.Errorf("one that does not answer is asked every %v, one that does every %v", seldom, often)
	}
}

func TestFirstHellosAreFewAtATime(t *testing.T) {
	var many []string
	for i := range 20 {
		many = append(many, fmt.Sprintf("x%02d", i))
	}
	a := crowdOf(t, "m", many)
	for _, p := range a.peers {
		p.seen = t0
	}
	if n := len(a.due()); n != firstAsks {
		t.Fatalf("%d at once, want %d", n, firstAsks)
	}
	if n := len(a.due()); n != 0 {
		t.Fatalf("%d more before they answered", n)
	}
}

func TestVoterShowsWhatTheServersShow(t *testing.T) {
	rules := Rules{Size: 50}
	v := View{Self: ref("m"), Peers: members("a", "b", "c", "d", "e"), Partial: true}
	p := propose(rules.withDefaults(), 0, v)
	show := func(n int, p *Proposal) View {
		w := v
		w.Peers = members("a", "b", "c", "d", "e")
		for i := range n {
			w.Peers[i].Proposal = p
		}
		return w
	}
	if s, out := Step(rules, State{}, t0, show(2, p)); s.Proposal != nil || out.Waiting != "for a, b, c to propose a log" {
		t.Fatalf("two of three servers propose: shows %v, waits %s", s.Proposal, out.Waiting)
	}
	s, out := Step(rules, State{}, t0, show(3, p))
	if !p.equal(s.Proposal) || out.Role != RoleWaiting || out.Waiting != "for a, b, c to form the log" {
		t.Fatalf("all servers propose: shows %v, %s, waits %s", s.Proposal, out.Role, out.Waiting)
	}
	if other, _ := Step(rules, State{}, t0, show(5, &Proposal{Servers: []Ref{ref("c"), ref("d"), ref("e")}})); other.Proposal != nil {
		t.Fatal("agreed to servers that are not the lowest")
	}
	// One server left for another round: the others may carry on.
	if s, _ = Step(rules, s, t0, show(2, p)); !p.equal(s.Proposal) {
		t.Fatal("took its word back while two of three stand by theirs")
	}
	next := &Proposal{Round: 1, Servers: p.Servers}
	all := show(3, next)
	for i := range all.Peers {
		all.Peers[i].Round = 1
	}
	held := all
	held.Peers = held.Peers[2:] // a and b are out of sight
	if s, out := Step(rules, s, t0, held); next.equal(s.Proposal) {
		t.Fatalf("agreed to another proposal while two servers of the first may have formed a log; waits %s", out.Waiting)
	}
	if s, _ = Step(rules, s, t0, all); !next.equal(s.Proposal) {
		t.Fatalf("shows %v, want the next round, which the servers have gone to", s.Proposal)
	}
}
