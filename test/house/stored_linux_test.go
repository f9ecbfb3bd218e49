package house

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/queue"
)

// TestLogIsStoredAsDescribed writes one of everything that nodes share to a log of one server and looks at what that has stored, below package queue. What is
// stored in its core is looked at in package queue, since nobody else gets there.
func TestLogIsStoredAsDescribed(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	addr := netip.MustParseAddr("127.77.254.1")
	quiet := slog.New(slog.DiscardHandler)
	f, err := fleet.New("stored")
	if err != nil {
		t.Fatal(err)
	}
	member, err := f.WithToken("stored")
	if err != nil {
		t.Fatal(err)
	}
	authority, _, err := member.Enter("pi-1", trust.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server, err := queue.StartServer(ctx, queue.ServerConfig{Name: "pi-1-boot", Incarnation: goldenLog, Listen: addr, Peers: []queue.Peer{{Name: "pi-1-boot", Addr: addr}},
		Authority: authority, StoreDir: t.TempDir(), MaxMemory: 64 << 20, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	log, err := queue.Open(ctx, queue.Config{Incarnation: goldenLog, Server: server, Servers: []netip.Addr{addr}, ID: "pi-1", Name: "pi-1-boot", MaxMemory: 64 << 20, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	writeOneOfEach(t, ctx, log)
	operator, err := f.Authority()
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect("tls://"+addr.String()+":4222", nats.Secure(operator.Client(nil)), nats.TLSHandshakeFirst())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	golden(t, "stored.txt", stored(t, ctx, nc))
}

func writeOneOfEach(t *testing.T, ctx context.Context, log *queue.Log) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := log.EnsureStream(ctx, "edges.dead", 0)
	must(err)
	_, err = log.Append(ctx, "edges.dead", queue.Record{Key: "cam1", Type: "application/json", Headers: map[string]string{"site": "lab"}, Body: []byte(`{"n":1}`)})
	must(err)
	_, err = log.Append(ctx, "edges.dead", queue.Record{Body: []byte("no key")})
	must(err)
	_, err = log.Append(ctx, "edges.dead", queue.Record{Key: "big", Body: bytes.Repeat([]byte{1}, queue.MaxRecord+1)})
	must(err)
	_, err = log.SwapState(ctx, queue.StateKey("ckpt", "edges", "edges.dead", "3"), []byte("a checkpoint"), 0)
	must(err)
}

// stored shows the messages that a server holds: stream, subject, headers and body. A log line is not waited for when it is written.
func stored(t *testing.T, ctx context.Context, nc *nats.Conn) []byte {
	t.Helper()
	js, err := nc.JetStream(nats.Context(ctx))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, name := range []string{"s_edges~dead", "capo_state"} {
		info, err := js.StreamInfo(name)
		for err == nil && info.State.LastSeq == 0 && ctx.Err() == nil {
			time.Sleep(10 * time.Millisecond)
			info, err = js.StreamInfo(name)
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		fmt.Fprintf(&b, "stream %s takes %s\n", name, strings.Join(info.Config.Subjects, " "))
		for seq := info.State.FirstSeq; seq <= info.State.LastSeq; seq++ {
			msg, err := js.GetMsg(name, seq)
			if err != nil {
				t.Fatalf("%s %d: %v", name, seq, err)
			}
			fmt.Fprintf(&b, "  %d %s\n", seq, msg.Subject)
			for _, key := range slices.Sorted(maps.Keys(msg.Header)) {
				fmt.Fprintf(&b, "    %s: %s\n", key, msg.Header.Get(key))
			}
			fmt.Fprintf(&b, "    %q\n", msg.Data)
		}
	}
	return b.Bytes()
}
