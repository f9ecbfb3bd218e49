package fleet

import (
	"testing"
	"time"
)

func info(incarnation string, nodes int, anchor bool) *LogInfo {
	return &LogInfo{Incarnation: incarnation, Role: RoleServer, Servers: servers("x", "y", "z"), Nodes: nodes, Anchor: anchor}
}

func showing(log *LogInfo, list ...string) []Member {
	var all []Member
	for _, id := range list {
		all = append(all, Member{Ref: ref(id), Log: log})
	}
	return all
}

func stale(peers []Member) []Member {
	for i := range peers {
		peers[i].Stale = true
	}
	return peers
}

func TestWhichLogWins(t *testing.T) {
	for _, tt := range []struct {
		name string
		a, b *LogInfo
		want bool
	}{
		{"an anchor before more nodes", info("b", 3, true), info("a", 9, false), true},
		{"more nodes before a lower hash", info("b", 4, false), info("a", 3, false), true},
		{"the lower hash", info("a", 3, false), info("b", 3, false), true},
		{"not against itself", info("a", 3, false), info("a", 3, false), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := beats(tt.a, tt.b); got != tt.want {
				t.Fatalf("got %v", got)
			}
			if tt.want && beats(tt.b, tt.a) {
				t.Fatal("both win")
			}
		})
	}
}

func TestLogGivesWayAfterNotice(t *testing.T) {
	own := &LogInfo{Incarnation: "b", Role: RoleServer, Servers: servers("a", "b", "c"), Nodes: 3}
	better := info("a", 3, false)
	for _, tt := range []struct {
		name  string
		peers []Member
		role  Role
		into  string // at once
		join  bool   // after the notice
	}{
		{"a better one that is live", showing(better, "x", "y"), RoleServer, "a", true},
		{"what one server of three shows may be old", showing(better, "x"), RoleServer, "", false},
		{"a worse one", showing(info("c", 3, false), "x", "y"), RoleServer, "", false},
		{"a better one that fell silent", stale(showing(better, "x", "y")), RoleServer, "a", false},
		{"a client does not decide", showing(better, "x", "y"), RoleClient, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			mine := *own
			mine.Role = tt.role
			m, log := merge{}.step(t0, &mine, tt.peers)
			if m.into != tt.into || log != nil {
				t.Fatalf("at once: into %q, join %v, want into %q", m.into, log, tt.into)
			}
			if _, log = m.step(t0.Add(mergeNotice), &mine, tt.peers); (log != nil) != tt.join {
				t.Fatalf("after the notice: join %v, want %v", log, tt.join)
			}
		})
	}
}

func TestClientFollowsItsServers(t *testing.T) {
	own := &LogInfo{Incarnation: "b", Role: RoleClient, Servers: servers("a", "b", "c"), Nodes: 4}
	leaving := *own
	leaving.Role, leaving.MergeInto = RoleServer, "a"
	m, log := merge{}.step(t0, own, showing(&leaving, "a"))
	if m.into != "a" || log != nil {
		t.Fatalf("into %q, join %v: want to look for the log a", m.into, log)
	}
	if _, log = m.step(t0, own, append(showing(&leaving, "a"), showing(info("a", 9, false), "x")...)); log == nil || log.Incarnation != "a" {
		t.Fatalf("join %v, want a", log)
	}
}

// TestServersForgetALogThatIsGone: two of them, which each repeat what the other said, would wait for it for ever.
func TestServersForgetALogThatIsGone(t *testing.T) {
	own := &LogInfo{Incarnation: "d", Role: RoleServer, Servers: servers("a", "b", "c"), Nodes: 3}
	fellow := *own
	fellow.MergeInto = "a" // which itself gave way to b
	m, log := merge{into: "a", since: t0}.step(t0.Add(mergeNotice), own, append(showing(&fellow, "b"), showing(info("b", 9, false), "x", "y")...))
	if m.into != "b" || log != nil {
		t.Fatalf("into %q, join %v: want to give way to b, with notice", m.into, log)
	}
	fellow.MergeInto = "b"
	if m, log = m.step(t0.Add(2*mergeNotice), own, append(showing(&fellow, "b"), showing(info("b", 9, false), "x", "y")...)); log == nil {
		t.Fatalf("into %q, join %v: want b", m.into, log)
	}
}

func TestTwoLogsDoNotSwap(t *testing.T) {
	// Each saw more nodes in the other, so that each gives way.
	low := &LogInfo{Incarnation: "a", Role: RoleServer, Servers: servers("a", "b", "c"), Nodes: 3}
	high := info("b", 9, false)
	m, _ := merge{}.step(t0, low, showing(high, "x", "y"))
	if m.into != "b" {
		t.Fatalf("into %q, want b", m.into)
	}
	high.MergeInto = "a"
	if m, log := m.step(t0.Add(mergeNotice), low, showing(high, "x", "y")); m.into != "" || log != nil {
		t.Fatalf("the lower one goes too: into %q", m.into)
	}
}

func TestSilentLogIsReplacedOnlyByALiveOne(t *testing.T) {
	own := &LogInfo{Incarnation: "b", Role: RoleServer, Servers: servers("a", "b", "c")}
	other := showing(info("c", 3, false), "x", "y")
	for _, tt := range []struct {
		name   string
		silent time.Duration
		peers  []Member
		want   bool
	}{
		{"at once", 0, other, false},
		{"after a while", serverPatience, other, true},
		{"not while a peer still has it", serverPatience, append(showing(&LogInfo{Incarnation: "b", Role: RoleServer, Servers: own.Servers}, "b"), other...), false},
		{"not by one that is not live", serverPatience, other[:1], false},
		{"nobody is there", serverPatience, members("x"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := substitute(own, tt.silent, tt.peers); (got != nil) != tt.want {
				t.Fatalf("got %v", got)
			}
		})
	}
}

func TestWhoYieldsAnID(t *testing.T) {
	low, high := Ref{"a", "00000001"}, Ref{"a", "00000002"}
	if yields(low, high, false, false) || !yields(high, low, false, false) {
		t.Error("of two new nodes the higher boot yields")
	}
	if !yields(low, high, false, true) || yields(high, low, true, false) {
		t.Error("the one that is in a log keeps its id")
	}
	if got := suffixed("a", members("a", "a-2", "a-4")); got != "a-3" {
		t.Errorf("suffixed %q, want a-3", got)
	}
}

func TestANodeLearnsOfNewServersOfItsLogFromAMajorityOfThem(t *testing.T) {
	log := func(list ...string) *LogInfo {
		return &LogInfo{Incarnation: "a", Role: RoleServer, Servers: servers(list...), Nodes: 4}
	}
	other := log("w", "y", "z")
	other.Incarnation = "b"
	for _, tt := range []struct {
		name  string
		peers []Member
		want  bool
	}{
		{"two of its new servers say so", showing(log("w", "y", "z"), "w", "y"), true},
		{"one alone", showing(log("w", "y", "z"), "w"), false},
		{"nodes that carry nothing", showing(log("w", "y", "z"), "c", "d", "e"), false},
		{"the servers that it knows", showing(log("z", "y", "x"), "x", "y", "z"), false},
		{"another log", showing(other, "w", "y", "z"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := renewed(servers("x", "y", "z"), "a", tt.peers); (got != nil) != tt.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}
