package fleet

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"
)

// serve runs an agent at an address of its own on the loopback interface, with its hello.
func serve(t *testing.T, m *Membership, id string, size int) (*Agent, func()) {
	t.Helper()
	addr := netip.AddrFrom4([4]byte{127, byte(100 + rand.N(100)), byte(rand.N(250)), byte(1 + rand.N(250))})
	listener, err := net.Listen("tcp", netip.AddrPortFrom(addr, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	authority := member(t, m, id)
	a, err := Start(t.Context(), Config{Membership: m, Authority: authority, ID: id, Listen: addr, Port: port, Size: size})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: a.Handler()}
	go server.Serve(authority.Listener(listener))
	return a, func() { a.Close(); server.Close() }
}

func TestDiscoverFindsTheNodesOfTheFleet(t *testing.T) {
	m := newMembership(t, "dev")
	stranger := newMembership(t, "other")
	for _, id := range []string{"a", "b"} {
		_, stop := serve(t, m, id, 3)
		defer stop()
	}
	_, stop := serve(t, stranger, "c", 3)
	defer stop()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	found, err := Discover(ctx, member(t, m, "z"), []string{"lo"})
	if err != nil || len(found) != 2 || found[0].Hello.ID != "a" || found[1].Hello.ID != "b" {
		t.Fatalf("found %v, error %v, want a and b", found, err)
	}
	if ctx.Err() != nil {
		t.Fatal("did not return before its time was over")
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	m := newMembership(t, "dev")
	before := runtime.NumGoroutine()
	a, stop := serve(t, m, "a", 3)
	b, stopB := serve(t, m, "b", 3)
	time.Sleep(1500 * time.Millisecond)
	files := openFiles(t)
	time.Sleep(4 * time.Second)
	if now := openFiles(t); now > files+8 {
		t.Errorf("%d files were open, four seconds of browsing later %d", files, now)
	}
	if len(a.Peers()) != 1 || len(b.Peers()) != 1 {
		t.Errorf("peers %v and %v, want each other", a.Peers(), b.Peers())
	}
	stop()
	stopB()
	deadline := time.Now().Add(6 * time.Second)
	for runtime.NumGoroutine() > before+2 && time.Now().Before(deadline) {
		time.Sleep(100 * time.Millisecond)
	}
	if now := runtime.NumGoroutine(); now > before+2 {
		stack := make([]byte, 1<<16)
		t.Fatalf("%d goroutines before, %d after:\n%s", before, now, stack[:runtime.Stack(stack, true)])
	}
}

// TestStaticPeersNeedNoMulticast: nodes that are told of one another find each other where mDNS
// finds nothing.
func TestStaticPeersNeedNoMulticast(t *testing.T) {
	m := newMembership(t, "dev")
	a, stop := serve(t, m, "a", 3)
	defer stop()
	b, err := Start(t.Context(), Config{
		Membership: m, Authority: member(t, m, "b"), ID: "b", Size: 3, Interfaces: []string{"none"},
		Peers: []string{netip.AddrPortFrom(a.cfg.Listen, uint16(a.cfg.Port)).String()},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for range 100 {
		if list := b.Peers(); len(list) == 1 && list[0].ID == "a" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("peers %v, want a", b.Peers())
}

func TestChangesAnnounceAnewAndAClosedChannelDoesNot(t *testing.T) {
	changes := make(chan struct{}, 4)
	a := testAgent(t, Config{Changes: changes})
	for range 4 {
		changes <- struct{}{}
	}
	if <-a.changes; !a.changed(t.Context()) || len(changes) != 0 {
		t.Fatalf("four changes at once are one, %d are left", len(changes))
	}
	close(changes)
	if <-a.changes; a.changed(t.Context()) || a.changes != nil {
		t.Fatal("a closed channel is no change")
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// newMembership is that of the nodes of a new fleet.
func newMembership(t *testing.T, name string) *Membership {
	t.Helper()
	f, err := New(name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.WithToken("test")
	if err != nil {
		t.Fatal(err)
	}
	return m
}
