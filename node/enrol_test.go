package node

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue/control"
)

// invitationOf is the body of a request to be enrolled.
func invitationOf(t *testing.T, token, id string, key []byte) string {
	t.Helper()
	data, err := json.Marshal(invitation{token, id, key})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func publicOf(t *testing.T) []byte {
	t.Helper()
	k, err := trust.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	public, err := k.Public()
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func TestAOneUseTokenLetsOneNodeInOnce(t *testing.T) {
	t.Parallel()
	f := newTrusted(t, "127.78.216.")
	f.up(nil)
	nobody := f.bearer("")
	token, _ := f.token(trust.RoleJoin, time.Hour)
	late, _ := f.token(trust.RoleJoin, -time.Second)
	foreign, _ := f.tokenBy(f.fleet.Key, "0123456789abcdef", trust.RoleJoin, time.Hour)
	viewer, _ := f.token(trust.RoleViewer, time.Hour)
	operator, _ := f.token(trust.RoleOperator, time.Hour)
	unused, unusedID := f.token(trust.RoleJoin, time.Hour)
	f.say(control.KindRevoke, unusedID, api.Revoke{Marks: []string{"token:" + unusedID}})
	key := publicOf(t)
	body := invitationOf(t, token, "n7", key)
	for _, id := range []string{"*", "n7.n8", "", strings.Repeat("n", 80)} {
		if err := ask(t, nobody, "POST", "/v1/enrol", invitationOf(t, token, id, key)); !api.IsStatus(err, 400) {
			t.Errorf("the id %q: %v", id, err)
		}
	}
	if err := ask(t, nobody, "POST", "/v1/enrol", invitationOf(t, token, "n7", []byte("x"))); !api.IsStatus(err, 400) {
		t.Errorf("a key that is none: %v", err)
	}
	resp, err := nobody.Do(t.Context(), "POST", "/v1/enrol", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got chainFile
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	chain, err := trust.ParseChain(got.Chain)
	if err != nil {
		t.Fatal(err)
	}
	view := trust.NewAuthority(f.member.Roots(), trust.Options{})
	if id, err := view.Identify(chain); err != nil || id.ID != "n7" || !bytes.Equal(chain[0].RawSubjectPublicKeyInfo, key) {
		t.Errorf("%+v, %v", id, err)
	}
	enrol := func(token, id string) func() error {
		return func() error { return ask(t, nobody, "POST", "/v1/enrol", invitationOf(t, token, id, key)) }
	}
	f.wantRefusal("the same request once more", "used", 403, "used before", func() error { return ask(t, nobody, "POST", "/v1/enrol", body) })
	f.wantRefusal("the token for another node", "used", 403, "used before", enrol(token, "n8"))
	f.wantRefusal("too late", "expired", 401, "expired", enrol(late, "n8"))
	f.wantRefusal("of another fleet", "other_fleet", 403, "another fleet", enrol(foreign, "n8"))
	f.wantRefusal("a viewer's", "role", 403, "may not", enrol(viewer, "n8"))
	f.wantRefusal("an operator's", "role", 403, "may not", enrol(operator, "n8"))
	f.wantRefusal("revoked", "revoked", 403, "revoked", enrol(unused, "n8"))
	f.wantRefusal("none", "bad_token", 401, "not a valid token", enrol("", "n8"))
}

// waiting starts node n2, whose image has no join token.
func (f *trusted) waiting() (stop func(), ready chan struct{}) {
	f.t.Helper()
	bare := *f.member
	bare.Token = nil
	stop, ready = f.start("n2", func(c *Config) { c.Membership, c.Size = &bare, 2 })
	f.eventually(10*time.Second, func() error {
		c, err := tls.Dial("tcp", f.address("n2")+":8470", &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			c.Close()
		}
		return err
	})
	return stop, ready
}

func (f *trusted) eventually(limit time.Duration, check func() error) {
	f.t.Helper()
	var err error
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	f.t.Fatalf("after %v still: %v", limit, err)
}

// keyOf is the public key that a node shows.
func (f *trusted) keyOf(id string) *x509.Certificate {
	f.t.Helper()
	c, err := tls.Dial("tcp", f.address(id)+":8470", &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		f.t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0]
}

// TestAWaitingNodeTakesItsOwnCertificateFromANodeAlone: no other's, and from nobody else.
func TestAWaitingNodeTakesItsOwnCertificateFromANodeAlone(t *testing.T) {
	t.Parallel()
	f := newTrusted(t, "127.78.217.")
	f.waiting()
	leaf := f.keyOf("n2")
	chain := func(token *trust.Intermediate, id string, public any) string {
		der, err := token.Sign(f.fleet.ID(), id, public, trust.NodeNames(id))
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(chainFile{[][]byte{der, token.Cert.Raw}})
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	own := chain(f.member.Token, "n2", leaf.PublicKey)
	other := newTrusted(t, "127.78.217.")
	mine, _, err := f.member.Enter("n1", trust.Options{})
	if err != nil {
		t.Fatal(err)
	}
	anybody := api.New(f.address("n2")+":8470", &tls.Config{InsecureSkipVerify: true})
	viewer, operator := *anybody, *anybody
	viewer.Token, _ = f.token(trust.RoleViewer, time.Hour)
	operator.Token, _ = f.token(trust.RoleOperator, time.Hour)
	byOperator, err := f.fleet.Authority()
	if err != nil {
		t.Fatal(err)
	}
	settings := byOperator.Client(nil)
	settings.VerifyConnection = nil
	node := f.node("n1", "n2")
	for _, c := range []struct {
		name   string
		by     *api.Client
		body   string
		status int
	}{
		{"nobody brings it", anybody, own, 401},
		{"a viewer brings it", &viewer, own, 403},
		{"an operator's token brings it", &operator, own, 403},
		{"an operator brings it", api.New(f.address("n2")+":8470", settings), own, 403},
		{"it is for another id", node, chain(f.member.Token, "n3", leaf.PublicKey), 403},
		{"it is for another key", node, chain(f.member.Token, "n2", mine.Own().Leaf.PublicKey), 400},
		{"it is of another CA", node, chain(other.member.Token, "n2", leaf.PublicKey), 403},
		{"it is none", node, `{"chain":["AA=="]}`, 400},
		{"it is nothing", node, `{}`, 400},
	} {
		if err := ask(t, c.by, "POST", "/v1/enrol", c.body); !api.IsStatus(err, c.status) {
			t.Errorf("%s: %v, want %d", c.name, err, c.status)
		}
	}
	if err := ask(t, other.node("n1", "n2"), "POST", "/v1/enrol", own); err == nil || api.IsStatus(err, http.StatusNoContent) {
		t.Errorf("another fleet's node brings it: %v", err)
	}
	if got := f.keyOf("n2"); got.CheckSignatureFrom(f.member.Token.Cert) == nil {
		t.Fatal("it has a certificate by now")
	}
	if err := ask(t, node, "POST", "/v1/enrol", own); err != nil {
		t.Error(err)
	}
	if got := f.keyOf("n2"); got.CheckSignatureFrom(f.member.Token.Cert) != nil {
		t.Error("it does not show its certificate")
	}
}

// TestANodeIsLetInByItsFingerprint and by no other; --always after a restart too.
func TestANodeIsLetInByItsFingerprint(t *testing.T) {
	t.Parallel()
	f := newTrusted(t, "127.78.218.")
	f.up(nil)
	stop, ready := f.waiting()
	shown := ""
	row := func(state string) func() error {
		return func() error {
			rows, err := f.operator().Nodes(t.Context())
			if err != nil {
				return err
			}
			for _, r := range rows {
				if r.ID == "n2" && r.State == state {
					shown = r.Fingerprint
					return nil
				}
			}
			return fmt.Errorf("n2 is not %s in %+v", state, rows)
		}
	}
	f.eventually(15*time.Second, row(fleet.StateUnapproved))
	if want := trust.Fingerprint(f.keyOf("n2").RawSubjectPublicKeyInfo); shown != want {
		t.Errorf("shown with the fingerprint %s, its key has %s", shown, want)
	}
	f.say(control.KindApprove, "n2", api.Approve{ID: "n2", Key: strings.Repeat("0", 64)})
	select {
	case <-ready:
		t.Fatal("let in by the fingerprint of another key")
	case <-time.After(1500 * time.Millisecond):
	}
	f.say(control.KindApprove, "n2", api.Approve{ID: "n2", Key: shown})
	select {
	case <-ready:
	case <-time.After(20 * time.Second):
		t.Fatal("not let in")
	}
	stop()
	_, ready = f.waiting()
	select {
	case <-ready:
		t.Fatal("let in after a restart, with another key")
	case <-time.After(1500 * time.Millisecond):
	}
	f.say(control.KindApprove, "n2", api.Approve{ID: "n2", Key: shown, Always: true})
	select {
	case <-ready:
	case <-time.After(20 * time.Second):
		t.Fatal("not let in, with --always")
	}
}
