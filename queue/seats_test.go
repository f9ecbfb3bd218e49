package queue

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/test/need"
)

// bench is a log whose servers come and go, under a writer that never stops.
type bench struct {
	t       *testing.T
	ctx     context.Context
	net     byte
	servers map[int]*Server
	log     *Log
	member  *fleet.Membership

	mu    sync.Mutex // guards what follows
	acked map[string]bool
	last  time.Time
	gap   time.Duration
}

func newBench(t *testing.T) *bench {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	b := &bench{t: t, ctx: ctx, net: nextNet(), servers: map[int]*Server{}, acked: map[string]bool{}}
	_, b.member = newFleet(t)
	var mu sync.Mutex
	var starts sync.WaitGroup
	for i := range 3 {
		starts.Go(func() {
			s, err := StartServer(ctx, b.config(i, 0, 1, 2))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			b.servers[i] = s
		})
	}
	starts.Wait()
	t.Cleanup(func() {
		for _, s := range b.servers {
			s.Close()
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	cfg := Config{Incarnation: "inc", Servers: b.addrs(0, 1, 2), MaxMemory: 256 << 20}
	prepareLog(ctx, t, cfg, b.servers[0], b.servers[1], b.servers[2])
	cfg.ID, cfg.Name, cfg.Authority = "writer", "writer-boot", as(t, b.member, "writer")
	l, err := Open(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	b.log = l
	if _, err := l.EnsureStream(ctx, "busy", 0); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) addrs(list ...int) []netip.Addr {
	var addrs []netip.Addr
	for _, i := range list {
		addrs = append(addrs, netip.AddrFrom4([4]byte{127, 78, b.net, byte(i + 1)}))
	}
	return addrs
}

func (b *bench) name(i int) string { return fmt.Sprintf("n%d-boot", i) }

func (b *bench) config(i int, with ...int) ServerConfig {
	cfg := ServerConfig{Name: b.name(i), Incarnation: "inc", Listen: b.addrs(i)[0], Authority: as(b.t, b.member, fmt.Sprintf("n%d", i)), StoreDir: tmpfs(b.t), MaxMemory: 256 << 20}
	for j, addr := range b.addrs(with...) {
		cfg.Peers = append(cfg.Peers, Peer{Name: b.name(with[j]), Addr: addr})
	}
	return cfg
}

// write appends, a thousand times a second at most, until the test is done with it.
func (b *bench) write() (stop func()) {
	ctx, cancel := context.WithCancel(b.ctx)
	b.last = time.Now()
	var done sync.WaitGroup
	done.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			text := fmt.Sprint(n)
			if _, err := b.log.Append(ctx, "busy", Record{Key: text, Body: []byte(text)}); err == nil {
				b.took(text)
			}
			time.Sleep(time.Millisecond)
		}
	})
	return func() { cancel(); done.Wait() }
}

func (b *bench) took(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.acked[text] = true
	b.gap = max(b.gap, time.Since(b.last))
	b.last = time.Now()
}

// longest is the longest time without an append that was acknowledged since it was last asked for.
func (b *bench) longest() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	gap := max(b.gap, time.Since(b.last))
	b.gap = 0
	return gap
}

// until waits for something that takes seconds at most.
func (b *bench) until(what string, f func() bool) {
	b.t.Helper()
	for end := time.Now().Add(30 * time.Second); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// leader is the server that leads the others.
func (b *bench) leader(among ...int) int {
	b.t.Helper()
	found := -1
	b.until("a leader", func() bool {
		found = slices.IndexFunc(among, func(i int) bool { return b.servers[i].Leads() })
		return found >= 0
	})
	return among[found]
}

// join has server i take a seat beside those that carry the log, and returns when it is current.
func (b *bench) join(i int, with ...int) {
	b.t.Helper()
	cfg := b.config(i, append(slices.Clone(with), i)...)
	cfg.Join = true
	for _, j := range with {
		b.servers[j].SetServers(cfg.Peers)
	}
	s, err := StartServer(b.ctx, cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	b.servers[i] = s
	b.until("the new server is current", func() bool {
		seats, err := b.servers[b.leader(with...)].Seats()
		return err == nil && slices.ContainsFunc(seats, func(s Seat) bool { return s.Is(b.name(i)) && s.Current })
	})
}

// close ends a server as a planned shutdown does.
func (b *bench) close(i int) {
	b.servers[i].Close()
	delete(b.servers, i)
}

// whole waits until each stream is kept by three of these servers.
func (b *bench) whole(among ...int) {
	b.t.Helper()
	b.until("streams are whole", func() bool {
		all, err := b.servers[b.leader(among...)].Spread(b.ctx)
		return err == nil && len(all.Lacks("")) == 0 && all.On(b.name(among[0])) == len(all)
	})
}

// checkAcked reads the stream and misses nothing that was acknowledged.
func (b *bench) checkAcked() {
	b.t.Helper()
	r, err := b.log.Read(b.ctx, "busy", ReadOptions{})
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Close()
	n := 0
	for {
		rec, err := r.Next(b.ctx)
		if errors.Is(err, ErrEnd) {
			break
		}
		if err != nil {
			b.t.Fatal(err)
		}
		if b.acked[rec.Key] {
			n++
		}
		delete(b.acked, rec.Key)
	}
	if len(b.acked) > 0 {
		b.t.Errorf("%d acknowledged records are lost", len(b.acked))
	}
	b.t.Logf("%d acknowledged records, all there", n)
}

func TestALostLogServerIsReplacedByANewOne(t *testing.T) {
	b := newBench(t)
	stop := b.write()
	dead := b.leader(0, 1, 2)
	left := slices.DeleteFunc([]int{0, 1, 2}, func(i int) bool { return i == dead })
	b.close(dead) // as near to a kill as one process comes: it keeps its seat
	start := time.Now()
	b.join(3, left...)
	t.Logf("current after %v", time.Since(start))
	if err := b.log.SetServers(b.addrs(left[0], left[1], 3)); err != nil {
		t.Fatal(err)
	}
	lead := b.leader(append(left, 3)...)
	if err := b.servers[lead].Remove(b.ctx, b.name(dead)); err != nil {
		t.Fatal(err)
	}
	b.whole(left[0], left[1], 3)
	t.Logf("whole after %v, longest time without an acknowledged append %v", time.Since(start), b.longest())
	if err := b.servers[lead].Remove(b.ctx, b.name(dead)); !errors.Is(err, ErrNotMember) {
		t.Errorf("removing a removed server: %v, want %v", err, ErrNotMember)
	}
	stop()
	b.checkAcked()
}

func TestASeatIsHandedOverWithoutAnElectionWait(t *testing.T) {
	b := newBench(t)
	stop := b.write()
	old := b.leader(0, 1, 2)
	rest := slices.DeleteFunc([]int{0, 1, 2}, func(i int) bool { return i == old })
	b.longest()
	start := time.Now()
	b.join(3, 0, 1, 2)
	t.Logf("current after %v", time.Since(start))
	if err := b.servers[old].Evacuate(b.ctx, b.name(old)); err != nil {
		t.Fatal(err)
	}
	b.until("the old server keeps nothing", func() bool {
		all, err := b.servers[b.leader(0, 1, 2, 3)].Spread(b.ctx)
		return err == nil && all.On(b.name(old)) == 0 && len(all.Lacks("")) == 0
	})
	t.Logf("moved after %v", time.Since(start))
	if err := b.servers[old].StepDown(b.ctx); err != nil {
		t.Fatal(err)
	}
	rest = append(rest, 3)
	if err := b.servers[b.leader(rest...)].Remove(b.ctx, b.name(old)); err != nil {
		t.Fatal(err)
	}
	if err := b.log.SetServers(b.addrs(rest...)); err != nil {
		t.Fatal(err)
	}
	t.Logf("removed after %v", time.Since(start))
	b.close(old)
	time.Sleep(300 * time.Millisecond)
	gap := b.longest()
	t.Logf("longest time without an acknowledged append %v", gap)
	if gap > time.Second {
		t.Errorf("a planned hand-over held appends up for %v", gap)
	}
	stop()
	b.checkAcked()
}

func TestAServerWithoutASpareStepsDownBeforeItGoes(t *testing.T) {
	b := newBench(t)
	stop := b.write()
	old := b.leader(0, 1, 2)
	b.until("all is current", func() bool {
		all, err := b.servers[old].Spread(b.ctx)
		return err == nil && len(all.Lacks(b.name(old))) == 0
	})
	b.longest()
	start := time.Now()
	if err := b.servers[old].StepDown(b.ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("stepped down after %v", time.Since(start))
	b.close(old)
	time.Sleep(300 * time.Millisecond)
	if gap := b.longest(); gap > time.Second {
		t.Errorf("a planned shutdown held appends up for %v", gap)
	} else {
		t.Logf("longest time without an acknowledged append %v", gap)
	}
	other := (old + 1) % 3
	all, err := b.servers[other].Spread(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(all.Lacks(b.name(other))) == 0 {
		t.Error("with one server gone another one may go")
	}
	stop()
	b.checkAcked()
}

func TestAllServersAreReplacedOneAfterAnotherLong(t *testing.T) {
	need.Long(t)
	b := newBench(t)
	stop := b.write()
	members := []int{0, 1, 2}
	for next := 3; next < 9; next++ {
		b.close(members[0])
		gone := members[0]
		members = members[1:]
		b.join(next, members...)
		members = append(members, next)
		if err := b.log.SetServers(b.addrs(members...)); err != nil {
			t.Fatal(err)
		}
		if err := b.servers[b.leader(members...)].Remove(b.ctx, b.name(gone)); err != nil {
			t.Fatal(err)
		}
		b.whole(members...)
		t.Logf("server %d in place of %d, longest time without an acknowledged append %v", next, gone, b.longest())
	}
	stop()
	b.checkAcked()
}
