package queue

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/capodekappa/capo/test/need"
)

// plainCluster starts three log servers as they are but for TLS and who may connect, as what TLS costs is measured against.
func plainCluster(t testing.TB, ctx context.Context) []string {
	t.Helper()
	base := nextNet()
	var peers []Peer
	var urls []string
	for i := range 3 {
		addr := netip.AddrFrom4([4]byte{127, 78, base, byte(i + 1)})
		peers = append(peers, Peer{Name: fmt.Sprintf("p%d-boot", i), Addr: addr})
		urls = append(urls, serverURL("nats", addr, ClientPort))
	}
	for _, p := range peers {
		opts := &server.Options{}
		dir, err := os.MkdirTemp("/dev/shm", "capo-plain-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		text := serverConfig(ServerConfig{Name: p.Name, Incarnation: "plain", Listen: p.Addr, Peers: peers, StoreDir: dir, MaxMemory: 256 << 20})
		if err := opts.ProcessConfigString(text); err != nil {
			t.Fatal(err)
		}
		opts.NoSigs = true
		ns, err := server.NewServer(opts)
		if err != nil {
			t.Fatal(err)
		}
		if acc, err := ns.LookupAccount(accountData); err == nil {
			opts.CustomClientAuthentication = anybody{acc}
		}
		go ns.Start()
		t.Cleanup(func() { ns.Shutdown(); ns.WaitForShutdown() })
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		nc, err := nats.Connect(urls[0])
		if err != nil {
			continue
		}
		js, _ := jetstream.New(nc)
		try, cancel := context.WithTimeout(ctx, time.Second)
		_, err = js.AccountInfo(try)
		cancel()
		nc.Close()
		if err == nil {
			return urls
		}
	}
	t.Fatal("the plain servers form no log")
	return nil
}

// anybody lets every client into one account.
type anybody struct{ account *server.Account }

func (a anybody) Check(c server.ClientAuthentication) bool {
	c.RegisterUser(&server.User{Username: "anybody", Account: a.account})
	return true
}

// appendMany appends n records of size bytes, asynchronously as Log.Append does, and returns how long it took and the CPU time of the process.
func appendMany(t testing.TB, nc *nats.Conn, n, size int) (wall, cpu time.Duration) {
	t.Helper()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(1024))
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(strings.Repeat("x", size))
	var before, after syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for i := range n {
		if _, err := js.PublishAsync("in.bench."+strconv.Itoa(i%64), body, jetstream.WithStallWait(30*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-time.After(60 * time.Second):
		t.Fatal("the appends are not acknowledged")
	}
	wall = time.Since(start)
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
		t.Fatal(err)
	}
	used := func(r syscall.Rusage) time.Duration {
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	return wall, used(after) - used(before)
}

// benchStream makes a stream of three replicas that keeps little.
func benchStream(t testing.TB, ctx context.Context, nc *nats.Conn) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	_, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: "s_bench", Subjects: []string{"in.bench.*"}, Storage: jetstream.MemoryStorage, Replicas: 3, MaxBytes: 32 << 20, AllowDirect: true})
	if err != nil {
		t.Fatal(err)
	}
}

// TestWhatTLSCostsTheLogLong compares the log's throughput, three servers and a client of them in this process, with that of the same servers without TLS: runs of each
// in turn, and the ratio of their medians. The promise is 15 %.
func TestWhatTLSCostsTheLogLong(t *testing.T) {
	need.Long(t)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	logs, _, _ := cluster(t, 3)
	secure := logs[0].nc
	benchStream(t, ctx, secure)
	plain, err := nats.Connect(strings.Join(plainCluster(t, ctx), ","))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	benchStream(t, ctx, plain)
	for _, size := range []int{100, 1024, 16 << 10} {
		n := min(40000, 60<<20/size)
		var walls, cpus [2][]time.Duration
		for run := range 11 {
			for turn := range 2 {
				i := (turn + run) % 2 // neither always comes after the other
				wall, cpu := appendMany(t, []*nats.Conn{secure, plain}[i], n, size)
				if run > 0 { // the first warms up
					walls[i], cpus[i] = append(walls[i], wall), append(cpus[i], cpu)
				}
			}
		}
		median := func(d []time.Duration) time.Duration { slices.Sort(d); return d[len(d)/2] }
		s, p := median(walls[0]), median(walls[1])
		loss := 1 - float64(p)/float64(s)
		t.Logf("%5d B: TLS %.0f records/s (%.1f µs CPU each), plain %.0f (%.1f): throughput lost %.1f %%, target 15", size,
			float64(n)/s.Seconds(), float64(median(cpus[0]).Microseconds())/float64(n), float64(n)/p.Seconds(), float64(median(cpus[1]).Microseconds())/float64(n), 100*loss)
		if loss > 0.5 {
			t.Errorf("%d B: TLS costs %.0f %% of the log's throughput", size, 100*loss)
		}
	}
}
