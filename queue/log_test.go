package queue

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"
)

// cluster starts n log servers on their own loopback addresses, opens a client to each over the network, and the core in
// the process of one.
func cluster(t *testing.T, n int) ([]*Log, []*Server, *Core) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	base := nextNet()
	_, member := newFleet(t)
	peers := make([]Peer, n)
	addrs := make([]netip.Addr, n)
	for i := range peers {
		addrs[i] = netip.AddrFrom4([4]byte{127, 78, base, byte(i + 1)})
		peers[i] = Peer{Name: fmt.Sprintf("n%d-boot", i), Addr: addrs[i]}
	}
	servers := make([]*Server, n)
	errs := make(chan error, n)
	for i := range peers {
		go func() {
			var err error
			servers[i], err = StartServer(ctx, ServerConfig{Name: peers[i].Name, Incarnation: "inc", Listen: addrs[i], Peers: peers,
				Authority: as(t, member, fmt.Sprintf("n%d", i)), StoreDir: tmpfs(t), MaxMemory: 256 << 20})
			errs <- err
		}()
	}
	for range peers {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, s := range servers {
			s.Close()
		}
	})
	cfg := Config{Incarnation: "inc", Servers: addrs, MaxMemory: 256 << 20}
	core := prepareLog(ctx, t, cfg, servers...)
	logs := make([]*Log, n)
	for i := range logs {
		cfg.Servers = append([]netip.Addr{addrs[i]}, addrs...)
		cfg.ID, cfg.Name, cfg.Rank = fmt.Sprintf("n%d", i), peers[i].Name, i
		cfg.Authority = as(t, member, cfg.ID)
		l, err := Open(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(l.Close)
		logs[i] = l
	}
	return logs, servers, core
}

// tmpfs is a folder as a log server's should be: in memory, where there is such a place.
func tmpfs(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "capo-queue-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

var nets = make(chan byte, 256)

func init() {
	for i := range 250 {
		nets <- byte(i + 1)
	}
}

func nextNet() byte { return <-nets }

func TestRecordsOfAKeyStayInOrderInOnePartition(t *testing.T) {
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d servers", n), func(t *testing.T) {
			start := time.Now()
			logs, _, _ := cluster(t, n)
			t.Logf("usable after %v", time.Since(start))
			ctx := t.Context()
			start = time.Now()
			if _, err := logs[0].EnsureStream(ctx, "frames.in", 0); err != nil {
				t.Fatal(err)
			}
			t.Logf("stream made in %v", time.Since(start))
			var recs []Record
			for i := range 100 {
				recs = append(recs, Record{Key: fmt.Sprintf("k %d", i%7), Type: "text/plain", Headers: map[string]string{"n": fmt.Sprint(i)}, Body: []byte(fmt.Sprint(i))})
			}
			recs = append(recs, Record{Key: "large", Body: make([]byte, MaxRecord+1)})
			seqs, err := logs[0].Append(ctx, "frames.in", recs...)
			if err != nil {
				t.Fatal(err)
			}
			r, err := logs[n-1].Read(ctx, "frames.in", ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			part, last := map[string]int{}, map[string]uint64{}
			count := 0
			for {
				rec, err := r.Next(ctx)
				if err == ErrEnd {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if p, ok := part[rec.Key]; ok && p != rec.Partition {
					t.Errorf("key %s in partitions %d and %d", rec.Key, p, rec.Partition)
				}
				part[rec.Key] = rec.Partition
				if rec.Seq != seqs[count] {
					t.Errorf("record %d has sequence %d, the append said %d", count, rec.Seq, seqs[count])
				}
				last[rec.Key] = rec.Seq
				if rec.Key == "large" && len(rec.Body) != MaxRecord+1 {
					t.Errorf("large record came back with %d bytes", len(rec.Body))
				}
				count++
			}
			if count != 101 {
				t.Errorf("read %d records, want 101", count)
			}
		})
	}
}

func TestNodesMakeAStreamAtTheSameTime(t *testing.T) {
	logs, _, _ := cluster(t, 3)
	for i := range 20 {
		name := fmt.Sprintf("stream%d", i)
		start := time.Now()
		errs := make(chan error, len(logs))
		for _, l := range logs {
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				_, err := l.EnsureStream(ctx, name, l.Patience())
				errs <- err
			}()
		}
		for range logs {
			if err := <-errs; err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		t.Logf("%s after %v", name, time.Since(start))
	}
}

func TestServerURLEscapesTheZone(t *testing.T) {
	got := serverURL("nats", netip.MustParseAddr("fe80::1%eth0"), 4222)
	if want := "nats://[fe80::1%25eth0]:4222"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
