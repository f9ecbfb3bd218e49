package fleet

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// answers makes the peers answer agent a with the given hellos now.
func answers(a *Agent, hellos ...Hello) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, h := range hellos {
		h.V, h.Fleet, h.Port = 2, a.cfg.Membership.ID(), DefaultPort
		addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})
		p := a.peers[h.ID]
		if p == nil {
			p = &peer{addr: h.ID, static: true}
			a.peers[h.ID] = p
		}
		a.answer(p, &h, netip.AddrPortFrom(addr, DefaultPort), netip.MustParseAddr("10.0.0.99"), nil)
	}
}

func TestNodeThatLeftItsLogProposesNoOther(t *testing.T) {
	now := t0
	a := testAgent(t, Config{ID: "a", Boot: "0000000a", Clock: func() time.Time { return now }})
	a.SetLog(&LogState{Incarnation: "0123456789abcdef", Role: RoleClient, Servers: servers("x", "y", "z"), Ready: true})
	a.SetLog(nil)
	for range 100 {
		now = now.Add(simTick)
		answers(a, Hello{ID: "b", Boot: "0000000b"}, Hello{ID: "c", Boot: "0000000c"})
		a.step()
	}
	h := a.Hello()
	if h.Proposal != nil || h.LastLog != "0123456789abcdef" || !strings.Contains(h.Waiting, "forms no other") {
		t.Fatalf("hello %+v: it must not propose, and say why", h)
	}
}

func TestSilentLogIsNotShownAndItsServerRunsOn(t *testing.T) {
	now := t0
	a := testAgent(t, Config{ID: "a", Boot: "0000000a", Clock: func() time.Time { return now }})
	in := LogState{Incarnation: "0123456789abcdef", Role: RoleServer, Servers: servers("a", "b", "c"), Ready: true}
	a.SetLog(&in)
	if a.Hello().Log == nil {
		t.Fatal("a log that answers is shown")
	}
	in.Ready = false
	a.SetLog(&in)
	for range 100 {
		now = now.Add(simTick)
		a.step()
	}
	if h := a.Hello(); h.Log != nil || !strings.Contains(h.Waiting, "0123456789abcdef to answer") {
		t.Fatalf("hello %+v: want no log, and what it waits for", h)
	}
	select {
	case d := <-a.Decisions():
		t.Fatalf("told to %+v", d)
	default:
	}
}

func TestPeersAreAskedAtOnceWhenTheLogFallsSilent(t *testing.T) {
	now := t0
	a := testAgent(t, Config{ID: "a", Boot: "0000000a", Clock: func() time.Time { return now }})
	in := LogState{Incarnation: "0123456789abcdef", Role: RoleClient, Servers: servers("x", "y", "z"), Ready: true}
	a.SetLog(&in)
	answers(a, Hello{ID: "b", Boot: "0000000b"})
	if list := a.due(); len(list) != 0 {
		t.Fatalf("%d peers are to be asked that do not carry the log", len(list))
	}
	in.Ready = false
	a.SetLog(&in)
	if list := a.due(); len(list) != 1 {
		t.Fatalf("%d peers are to be asked, want the one", len(list))
	}
}

func TestDecisionSaysHowToReachTheServers(t *testing.T) {
	now := t0
	a := testAgent(t, Config{ID: "a", Boot: "0000000a", Clock: func() time.Time { return now }})
	p := &Proposal{Servers: []Ref{{"a", "0000000a"}, {"b", "0000000b"}, {"c", "0000000c"}}}
	shown := &ProposalInfo{p.Servers, 0, p.Incarnation(a.cfg.Membership.ID())}
	for range 20 {
		now = now.Add(simTick)
		answers(a, Hello{ID: "b", Boot: "0000000b", Proposal: shown}, Hello{ID: "c", Boot: "0000000c", Proposal: shown})
		a.step()
	}
	d := <-a.Decisions()
	want := []Server{
		{"a", "0000000a", netip.MustParseAddr("10.0.0.99")},
		{"b", "0000000b", netip.MustParseAddr("10.0.0.1")},
		{"c", "0000000c", netip.MustParseAddr("10.0.0.2")},
	}
	if d.Role != RoleServer || d.Self != want[0].Addr || len(d.Servers) != 3 || d.Servers[0] != want[0] || d.Servers[1] != want[1] || d.Servers[2] != want[2] {
		t.Fatalf("decision %+v, want a server with %v", d, want)
	}
}

func TestConsoleIsToldOnceAMinuteWhatTheNodeWaitsFor(t *testing.T) {
	now := t0
	var out bytes.Buffer
	a := testAgent(t, Config{Size: 3, Clock: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(&out, nil))})
	for range 150 {
		now = now.Add(time.Second)
		a.step()
	}
	if got := strings.Count(out.String(), "still waiting 1 of 3 nodes needed"); got != 2 {
		t.Fatalf("told %d times in 150 seconds, want 2:\n%s", got, &out)
	}
}

func TestOtherFleetsAreIgnoredAndLoggedOnce(t *testing.T) {
	var out bytes.Buffer
	a := testAgent(t, Config{Log: slog.New(slog.NewTextHandler(&out, nil))})
	for range 3 {
		a.sighted(sighting{Fleet: "0000000000000000", Ref: Ref{"b", "0000000b"}, Port: 1, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.2")}})
	}
	if len(a.peers) != 0 || strings.Count(out.String(), "another fleet") != 1 {
		t.Fatalf("peers %v, log:\n%s", a.peers, &out)
	}
}

func TestConfigIsChecked(t *testing.T) {
	m := testMembership()
	for _, tt := range []struct {
		name string
		cfg  Config
	}{
		{"no membership", Config{ID: "a"}},
		{"no id", Config{Membership: m}},
		{"an id with capitals", Config{Membership: m, ID: "A"}},
		{"an id too long for a suffix", Config{Membership: m, ID: strings.Repeat("a", maxConfiguredID+1)}},
		{"a port out of range", Config{Membership: m, ID: "a", Port: 70000}},
		{"a negative size", Config{Membership: m, ID: "a", Size: -1}},
	} {
		if _, err := Start(t.Context(), tt.cfg); err == nil {
			t.Errorf("%s: no error", tt.name)
		}
	}
}
