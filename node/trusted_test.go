package node

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue/control"
)

// trusted is a fleet whose nodes run in this process, and those who speak to them.
type trusted struct {
	t       *testing.T
	fleet   *fleet.Fleet
	member  *fleet.Membership // with a join token
	network string            // the first three parts of the nodes' addresses
}

func newTrusted(t *testing.T, network string) *trusted {
	t.Helper()
	f, err := fleet.New("test")
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.WithToken("test")
	if err != nil {
		t.Fatal(err)
	}
	return &trusted{t, f, m, network}
}

func (f *trusted) address(id string) string { return f.network + strings.TrimPrefix(id, "n") }

// start begins a node; the returned function ends it. The channel is closed when it is ready.
func (f *trusted) start(id string, change func(*Config)) (stop func(), ready chan struct{}) {
	f.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	cfg := Config{ID: id, Board: "host", Arch: "amd64", Membership: f.member, Address: netip.MustParseAddr(f.address(id)), Size: 1, Expect: 1,
		Interfaces: []string{"lo"}, StoreDir: f.t.TempDir(), MaxMemory: 64 << 20, ClockKnown: true, OnReady: func() { close(ready) }}
	if change != nil {
		change(&cfg)
	}
	go func() { ended <- Run(ctx, cfg) }()
	stop = func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				f.t.Error(err)
			}
			ended <- nil
		case <-time.After(20 * time.Second):
			f.t.Errorf("node %s does not end", id)
		}
	}
	f.t.Cleanup(stop)
	return stop, ready
}

// up starts node n1 and waits until it is ready.
func (f *trusted) up(change func(*Config)) (stop func()) {
	f.t.Helper()
	stop, ready := f.start("n1", change)
	select {
	case <-ready:
	case <-time.After(20 * time.Second):
		f.t.Fatal("the node does not become ready")
	}
	return stop
}

// operator speaks to n1 with the operator's key as it is now.
func (f *trusted) operator() *api.Client {
	f.t.Helper()
	a, err := f.fleet.Authority()
	if err != nil {
		f.t.Fatal(err)
	}
	return api.New(f.address("n1")+":8470", a.Client(nil))
}

// node speaks to another as a node with that id would.
func (f *trusted) node(id, to string) *api.Client {
	f.t.Helper()
	a, _, err := f.member.Enter(id, trust.Options{})
	if err != nil {
		f.t.Fatal(err)
	}
	settings := a.Client(nil)
	settings.VerifyConnection = nil // the other one may have no certificate yet
	return api.New(f.address(to)+":8470", settings)
}

// bearer speaks to n1 with a token.
func (f *trusted) bearer(token string) *api.Client {
	c := api.New(f.address("n1")+":8470", &tls.Config{InsecureSkipVerify: true})
	c.Token = token
	return c
}

// token is one that the operator signed, good for some time.
func (f *trusted) token(role trust.Role, life time.Duration) (text, id string) {
	f.t.Helper()
	return f.tokenBy(f.fleet.Key, f.fleet.ID(), role, life)
}

func (f *trusted) tokenBy(key ed25519.PrivateKey, of string, role trust.Role, life time.Duration) (text, id string) {
	f.t.Helper()
	c := trust.Claims{Fleet: of, ID: trust.NewTokenID(), Role: role, Issued: 1, Expires: time.Now().Add(life).Unix()}
	if role == trust.RoleCaller {
		c.Job = "edges"
	}
	text, err := c.Sign(key)
	if err != nil {
		f.t.Fatal(err)
	}
	return text, c.ID
}

// record is a control record that says body, signed by the operator for the log that n1 is in.
func (f *trusted) record(kind, target string, body any, change func(*control.Record), key ed25519.PrivateKey) []byte {
	f.t.Helper()
	standing, err := f.operator().Generation(f.t.Context(), control.Class(kind), target)
	if err != nil {
		f.t.Fatal(err)
	}
	c := &control.Record{Fleet: f.fleet.ID(), Log: standing.Log, Kind: kind, Target: target, Generation: standing.Generation + 1}
	if change != nil {
		change(c)
	}
	if key == nil {
		key = f.fleet.Key
	}
	if err := errors.Join(c.Seal(body), c.Sign(key)); err != nil {
		f.t.Fatal(err)
	}
	data, err := c.Encode()
	if err != nil {
		f.t.Fatal(err)
	}
	return data
}

// say has the operator say something that must be taken.
func (f *trusted) say(kind, target string, body any) {
	f.t.Helper()
	if _, err := f.operator().AppendControl(f.t.Context(), f.record(kind, target, body, nil, nil)); err != nil {
		f.t.Fatal(err)
	}
}

// refused is how many refusals n1 has counted for a reason.
func (f *trusted) refused(reason string) float64 {
	f.t.Helper()
	resp, err := f.operator().Do(f.t.Context(), http.MethodGet, "/metrics", "", nil)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return readExposition(f.t, string(text))[fmt.Sprintf("capo_refused_total{reason=%q}", reason)]
}

// wantRefusal does something that must be refused with a status and a text, and be counted once for a reason.
func (f *trusted) wantRefusal(name, reason string, status int, text string, do func() error) {
	f.t.Helper()
	before := f.refused(reason)
	err := do()
	if !api.IsStatus(err, status) || !strings.Contains(err.Error(), text) {
		f.t.Errorf("%s: %v, want %d and %q", name, err, status, text)
	}
	if n := f.refused(reason) - before; n != 1 {
		f.t.Errorf("%s: counted %v times as %s", name, n, reason)
	}
}

// ask sends a request and forgets its answer.
func ask(t *testing.T, c *api.Client, method, path, body string) error {
	resp, err := c.Do(t.Context(), method, path, "application/json", strings.NewReader(body))
	if err == nil {
		resp.Body.Close()
	}
	return err
}
