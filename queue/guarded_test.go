package queue

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
)

// guarded is a log whose servers each believe for themselves, and the fleet whose people knock at them.
type guarded struct {
	t       *testing.T
	fleet   *fleet.Fleet
	members []*fleet.Membership // of the servers' images, each with a join token of its own
	peers   []Peer
	servers []*Server
	views   []*trust.Authority // what each server believes
	log     *Log               // of node n0
	core    *Core

	mu      sync.Mutex // guards refused
	refused []string
}

// guard starts n log servers, whose job edges takes records from the stream frames; other is a stream beside it.
func guard(t *testing.T, n int) *guarded {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	f, first := newFleet(t)
	g := &guarded{t: t, fleet: f, servers: make([]*Server, n), views: make([]*trust.Authority, n)}
	base := nextNet()
	var addrs []netip.Addr
	for i := range n {
		addrs = append(addrs, netip.AddrFrom4([4]byte{127, 78, base, byte(i + 1)}))
		g.peers = append(g.peers, Peer{Name: fmt.Sprintf("n%d-boot", i), Addr: addrs[i]})
		m, err := f.WithToken(fmt.Sprint("image ", i))
		if err != nil {
			t.Fatal(err)
		}
		g.members = append(g.members, m)
		if g.views[i], _, err = m.Enter(fmt.Sprintf("n%d", i), trust.Options{Count: g.count}); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { g.start(ctx, i) })
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	cfg := Config{Incarnation: "inc", Servers: addrs, MaxMemory: 64 << 20}
	g.core = prepareLog(ctx, t, cfg, g.servers...)
	cfg.ID, cfg.Name, cfg.Authority = "n0", "n0-boot", as(t, first, "n0")
	var err error
	if g.log, err = Open(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.log.Close)
	for _, s := range []string{"frames", "other"} {
		if _, err := g.log.EnsureStream(ctx, s, 0); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func (g *guarded) start(ctx context.Context, i int) {
	inputs := func(job string) []string { return map[string][]string{"edges": {"frames"}}[job] }
	s, err := StartServer(ctx, ServerConfig{Name: g.peers[i].Name, Incarnation: "inc", Listen: g.peers[i].Addr, Peers: g.peers, Authority: g.views[i],
		Inputs: inputs, StoreDir: tmpfs(g.t), MaxMemory: 64 << 20})
	if err != nil {
		g.t.Error(err)
		return
	}
	g.servers[i] = s
	g.t.Cleanup(s.Close)
}

func (g *guarded) count(reason string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused = append(g.refused, reason)
}

// counted wants refusals to have been counted under a reason.
func (g *guarded) counted(reason string) {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if !slices.Contains(g.refused, reason) {
		g.t.Errorf("refusals were counted as %v, want %s among them", g.refused, reason)
	}
}

// token is one that the operator signed.
func (g *guarded) token(role trust.Role, life time.Duration) (text, id string) {
	g.t.Helper()
	c := trust.Claims{Fleet: g.fleet.ID(), ID: trust.NewTokenID(), Role: role, Issued: time.Now().Unix() - 1, Expires: time.Now().Add(life).Unix()}
	if role == trust.RoleCaller {
		c.Job = "edges"
	}
	text, err := c.Sign(g.fleet.Key)
	if err != nil {
		g.t.Fatal(err)
	}
	return text, c.ID
}

// guest is somebody at a server, with the standard client.
type guest struct {
	t *testing.T
	*nats.Conn
	errs   chan error
	closed chan struct{}
}

// dial connects with server i.
func (g *guarded) dial(i int, opts ...nats.Option) (*guest, error) {
	c := &guest{g.t, nil, make(chan error, 64), make(chan struct{})}
	opts = append([]nats.Option{nats.NoReconnect(), nats.Timeout(5 * time.Second), nats.TLSHandshakeFirst(), nats.ClosedHandler(func(*nats.Conn) { close(c.closed) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { c.errs <- err })}, opts...)
	var err error
	c.Conn, err = nats.Connect(serverURL("tls", g.peers[i].Addr, ClientPort), opts...)
	return c, err
}

func (g *guarded) guest(i int, opts ...nats.Option) *guest {
	g.t.Helper()
	c, err := g.dial(i, opts...)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(c.Close)
	return c
}

// by is how the bearer of a token comes.
func by(token, inbox string) []nats.Option {
	return []nats.Option{nats.Token(token), nats.Secure(&tls.Config{InsecureSkipVerify: true}), nats.CustomInboxPrefix(inbox)}
}

// asNode is how a node of an image comes.
func (g *guarded) asNode(image int, id string) []nats.Option {
	return []nats.Option{nats.UserInfo(ClientUser("inc"), ""), nats.Secure(as(g.t, g.members[image], id).Client(nil)), nats.CustomInboxPrefix("_INBOX." + id)}
}

// asOperator is how the operator's command comes.
func (g *guarded) asOperator() []nats.Option {
	g.t.Helper()
	a, err := g.fleet.Authority()
	if err != nil {
		g.t.Fatal(err)
	}
	return []nats.Option{nats.Secure(a.Client(nil))}
}

// violated waits for the server's word about a subject that is forbidden.
func (c *guest) violated(what string) {
	c.t.Helper()
	_ = c.FlushTimeout(2 * time.Second)
	select {
	case err := <-c.errs:
		if !errors.Is(err, nats.ErrPermissionViolation) {
			c.t.Errorf("%s: %v", what, err)
		}
	case <-time.After(2 * time.Second):
		c.t.Errorf("%s: the server let it pass", what)
	}
}

// mayNotPublish wants each subject to be refused.
func (c *guest) mayNotPublish(subjects ...string) {
	c.t.Helper()
	for _, s := range subjects {
		if err := c.Publish(s, []byte("{}")); err != nil {
			c.t.Fatal(err)
		}
		c.violated("publish " + s)
	}
}

// mayNotSubscribe wants each subject to be refused.
func (c *guest) mayNotSubscribe(subjects ...string) {
	c.t.Helper()
	for _, s := range subjects {
		if _, err := c.Subscribe(s, func(*nats.Msg) {}); err != nil {
			c.t.Fatal(err)
		}
		c.violated("subscribe " + s)
	}
}

// may wants an answer that is no error.
func (c *guest) may(subject, body string) string {
	c.t.Helper()
	m, err := c.Request(subject, []byte(body), 5*time.Second)
	if err != nil {
		c.t.Errorf("%s: %v", subject, err)
		return ""
	}
	if strings.Contains(string(m.Data), `"error"`) || m.Header.Get("Status") != "" {
		c.t.Errorf("%s: %s %v", subject, m.Data, m.Header)
	}
	return string(m.Data)
}

// ended wants the connection to end.
func (c *guest) ended(within time.Duration) {
	c.t.Helper()
	select {
	case <-c.closed:
	case <-time.After(within):
		c.t.Errorf("the connection goes on after %v", within)
	}
}

// holds is how many records a stream has.
func (g *guarded) holds(stream string) uint64 {
	g.t.Helper()
	info, err := g.log.Stream(g.t.Context(), stream)
	if err != nil {
		g.t.Fatal(err)
	}
	return info.Messages
}

// append puts records into frames.
func (g *guarded) append(bodies ...string) {
	g.t.Helper()
	for _, b := range bodies {
		if _, err := g.log.Append(g.t.Context(), "frames", Record{Key: "k", Body: []byte(b)}); err != nil {
			g.t.Fatal(err)
		}
	}
}
