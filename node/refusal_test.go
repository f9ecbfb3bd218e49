package node

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue/control"
)

func TestWhoMayNotIsRefusedByNameAndCounted(t *testing.T) {
	t.Parallel()
	f := newTrusted(t, "127.78.210.")
	f.up(nil)
	_, stranger, _ := ed25519.GenerateKey(rand.Reader)
	get := func(token, path string) func() error {
		return func() error { return ask(t, f.bearer(token), "GET", path, "") }
	}
	send := func(token, method, path, body string) func() error {
		return func() error { return ask(t, f.bearer(token), method, path, body) }
	}
	good := func(role trust.Role) string { s, _ := f.token(role, time.Hour); return s }
	expired, _ := f.token(trust.RoleViewer, -time.Second)
	foreign, _ := f.tokenBy(f.fleet.Key, "0123456789abcdef", trust.RoleViewer, time.Hour)
	unknown, _ := f.tokenBy(stranger, f.fleet.ID(), trust.RoleViewer, time.Hour)
	taken, takenID := f.token(trust.RoleViewer, time.Hour)
	f.say(control.KindRevoke, takenID, api.Revoke{Marks: []string{"token:" + takenID}})
	viewer, caller, operator := good(trust.RoleViewer), good(trust.RoleCaller), good(trust.RoleOperator)
	node := f.node("n9", "n1")
	standing, err := f.operator().Generation(t.Context(), "job", "x")
	if err != nil {
		t.Fatal(err)
	}
	core := "/v1/core/" + standing.Log
	stream := api.StreamSet{MaxBytes: 1 << 20}
	for _, c := range []struct {
		name, reason string
		status       int
		text         string
		do           func() error
	}{
		{"nothing", "no_credentials", 401, "no certificate and no token", get("", "/v1/nodes")},
		{"a token that is none", "bad_token", 401, "not a valid token", get("capo.x.y", "/v1/nodes")},
		{"a token that was cut off", "bad_token", 401, "not a valid token", get(viewer[:len(viewer)-2], "/v1/nodes")},
		{"a token that has expired", "expired", 401, "expired", get(expired, "/v1/nodes")},
		{"a token of another fleet", "other_fleet", 403, "another fleet", get(foreign, "/v1/nodes")},
		{"a token of a stranger", "unknown_signer", 403, "not an operator", get(unknown, "/v1/nodes")},
		{"a token that was revoked", "revoked", 403, "revoked", get(taken, "/v1/nodes")},
		{"a one-use token", "role", 403, "may not", get(good(trust.RoleJoin), "/v1/nodes")},
		{"a viewer who deploys code", "role", 403, "may not", send(viewer, "PUT", "/v1/blobs/"+control.Digest([]byte("x")), "x")},
		{"a viewer who deploys", "role", 403, "may not", send(viewer, "POST", "/v1/log", string(f.record(control.KindStream, "s", stream, nil, nil)))},
		{"a viewer who appends", "role", 403, "may not", send(viewer, "POST", "/v1/streams/s", "x")},
		{"a viewer who ends the log", "role", 403, "may not", send(viewer, "POST", "/v1/reform?size=1", "")},
		{"an operator's token that ends the log", "role", 403, "may not", send(operator, "POST", "/v1/reform?size=1", "")},
		{"a caller who reads another stream", "role", 403, "may not", get(caller, "/v1/streams/frames")},
		{"a caller who appends to another stream", "role", 403, "may not", send(caller, "POST", "/v1/streams/frames", "x")},
		{"a caller who looks around", "role", 403, "may not", get(caller, "/v1/nodes")},
		{"a caller who reads metrics", "role", 403, "may not", get(caller, "/metrics")},
		{"a viewer in the core", "role", 403, "may not", get(viewer, core+"/control")},
		{"an operator in the core", "role", 403, "may not", func() error { return ask(t, f.operator(), "GET", core+"/control", "") }},
		{"a node that looks around", "role", 403, "may not", func() error { return ask(t, node, "GET", "/v1/nodes", "") }},
		{"a node that appends a control record", "role", 403, "may not", func() error { return ask(t, node, "POST", "/v1/log", "{}") }},
		{"a node that publishes a control record", "control_signer", 403, "unknown signer", func() error {
			return ask(t, node, "POST", core+"/control", string(f.record(control.KindStream, "s", stream, nil, stranger)))
		}},
		{"a node that speaks for another", "other_id", 403, "another id", func() error { return ask(t, node, "PUT", core+"/state/node.n1", `{"id":"n1"}`) }},
		{"a node's heartbeat with another's name", "other_id", 403, "another id", func() error { return ask(t, node, "PUT", core+"/state/node.n9", `{"id":"n1"}`) }},
		{"a node that answers for another", "other_id", 403, "another id", func() error { return ask(t, node, "POST", core+"/results/1", `{"node":"n1"}`) }},
		{"a record of another fleet", "control_other_fleet", 403, "another fleet", func() error {
			return ask(t, f.operator(), "POST", "/v1/log", string(f.record(control.KindStream, "s", stream, func(c *control.Record) { c.Fleet = "0123456789abcdef" }, nil)))
		}},
		{"a record of another log", "control_other_log", 403, "another log", func() error {
			return ask(t, f.operator(), "POST", "/v1/log", string(f.record(control.KindStream, "s", stream, func(c *control.Record) { c.Log = "0123456789abcdef" }, nil)))
		}},
		{"a record of a stranger", "control_signer", 403, "unknown signer", func() error {
			return ask(t, f.operator(), "POST", "/v1/log", string(f.record(control.KindStream, "s", stream, nil, stranger)))
		}},
		{"a record that was changed", "control_signature", 403, "signature", func() error {
			return ask(t, f.operator(), "POST", "/v1/log", strings.Replace(string(f.record(control.KindStream, "s", stream, nil, nil)), `"target":"s"`, `"target":"t"`, 1))
		}},
	} {
		f.wantRefusal(c.name, c.reason, c.status, c.text, c.do)
	}
	for name, allowed := range map[string]func() error{"a viewer": get(viewer, "/v1/nodes"), "an operator's token": get(operator, "/v1/log"), "a viewer's metrics": get(viewer, "/metrics"),
		"a stream by an operator's token": send(operator, "POST", "/v1/streams/mine", "x")} {
		if err := allowed(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Run("a token in a URL", func(t *testing.T) {
		for _, path := range []string{"/v1/nodes?token=x", "/v1/nodes?access_token=x", "/v1/nodes?Authorization=Bearer", "/v1/nodes?x=" + viewer, "/v1/nodes?" + viewer,
			"/v1/nodes?x=" + strings.Replace(viewer, ".", "%2E", -1), "/v1/jobs/" + viewer, "/v1/jobs/" + strings.Replace(viewer, "capo.", "%63apo%2e", 1), "/" + viewer + "/v1/nodes", "/v1/fleet?token=x", "/v1/enrol?x=" + url.QueryEscape(viewer)} {
			method := "GET"
			if strings.HasPrefix(path, "/v1/enrol") {
				method = "POST"
			}
			f.wantRefusal(path, "token_in_url", 400, "has no place in a URL", func() error { return ask(t, f.bearer(viewer), method, path, "") })
		}
		f.wantRefusal("before the host", "bad_token", 401, "Authorization: Bearer", func() error {
			c := f.bearer("")
			c.Base = strings.Replace(c.Base, "https://", "https://x:"+viewer+"@", 1)
			return ask(t, c, "GET", "/v1/nodes", "")
		})
		if err := ask(t, f.operator(), "GET", "/v1/jobs/capo.edges", ""); !api.IsStatus(err, http.StatusNotFound) {
			t.Errorf("a name that begins like a token: %v", err)
		}
	})
}

func TestAnOperatorsKeyIsRotated(t *testing.T) {
	t.Parallel()
	f := newTrusted(t, "127.78.211.")
	f.up(nil)
	old := *f.fleet
	oldClient := f.operator()
	token, _ := f.token(trust.RoleOperator, time.Hour)
	public, key, _ := ed25519.GenerateKey(rand.Reader)
	set := func(k ed25519.PublicKey, remove bool) (string, api.OperatorSet) {
		return trust.OperatorFingerprint(k)[:16], api.OperatorSet{Key: base64.StdEncoding.EncodeToString(k), Remove: remove}
	}
	oldKey := old.Key.Public().(ed25519.PublicKey)
	target, only := set(oldKey, true)
	if err := ask(t, oldClient, "POST", "/v1/log", string(f.record(control.KindOperator, target, only, nil, nil))); !api.IsStatus(err, 400) || !strings.Contains(err.Error(), "last operator") {
		t.Errorf("the last operator: %v", err)
	}
	target, add := set(public, false)
	f.say(control.KindOperator, target, add)
	f.fleet.Key = key
	late := f.record(control.KindStream, "late", api.StreamSet{}, nil, old.Key)
	target, remove := set(oldKey, true)
	f.say(control.KindOperator, target, remove)
	deadline := time.Now().Add(2 * time.Second)
	for f.bearerWorks(token) && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	f.wantRefusal("the old key's token", "unknown_signer", 403, "not an operator", func() error { return ask(t, f.bearer(token), "GET", "/v1/nodes", "") })
	f.wantRefusal("the old key's record", "control_signer", 403, "unknown signer", func() error { return ask(t, f.operator(), "POST", "/v1/log", string(late)) })
	before := f.refused("unknown_signer")
	if err := ask(t, oldClient, "GET", "/v1/nodes", ""); err == nil {
		t.Error("the old key's certificate is believed, over the connection that it has or another")
	}
	if f.refused("unknown_signer") == before {
		t.Error("the old key's certificate was not counted")
	}
	target, last := set(public, true)
	f.wantRefusal("the last operator", "control_malformed", 400, "last operator", func() error {
		return ask(t, f.operator(), "POST", "/v1/log", string(f.record(control.KindOperator, target, last, nil, nil)))
	})
	if _, err := f.operator().Nodes(t.Context()); err != nil {
		t.Errorf("the new key: %v", err)
	}
}

func (f *trusted) bearerWorks(token string) bool {
	return ask(f.t, f.bearer(token), "GET", "/v1/nodes", "") == nil
}

func TestAnOldRecordMeansNothingToALaterLog(t *testing.T) {
	t.Parallel()
	f := newTrusted(t, "127.78.212.")
	stop := f.up(nil)
	old := f.record(control.KindStream, "s", api.StreamSet{MaxBytes: 1 << 20}, nil, nil)
	if err := ask(t, f.operator(), "POST", "/v1/log", string(old)); err != nil {
		t.Fatal(err)
	}
	stop()
	f.up(nil)
	f.wantRefusal("the record", "control_other_log", 403, "another log", func() error { return ask(t, f.operator(), "POST", "/v1/log", string(old)) })
	if err := ask(t, f.operator(), "GET", "/v1/streams/s", ""); !api.IsStatus(err, http.StatusNotFound) {
		t.Errorf("the stream: %v", err)
	}
}

func TestANodeThatDoesNotKnowTheTimeTakesNoTokenThatExpires(t *testing.T) {
	t.Parallel()
	f := newTrusted(t, "127.78.213.")
	f.up(func(c *Config) { c.ClockKnown, c.Built = false, time.Now().Add(-time.Hour) })
	token, _ := f.token(trust.RoleViewer, time.Hour)
	ended, _ := f.token(trust.RoleViewer, -2*time.Hour)
	if err := ask(t, f.bearer(token), "GET", "/v1/nodes", ""); !api.IsStatus(err, 401) || !strings.Contains(err.Error(), "does not know the time") {
		t.Errorf("before anybody has told it: %v", err)
	}
	if err := ask(t, f.bearer(ended), "GET", "/v1/nodes", ""); !api.IsStatus(err, 401) || !strings.Contains(err.Error(), "expired") {
		t.Errorf("one that ended before the program was built: %v", err)
	}
	if n := f.refused("clock"); n != 1 {
		t.Errorf("counted %v times", n)
	}
	if err := ask(t, f.bearer(token), "GET", "/v1/nodes", ""); !api.IsStatus(err, 401) {
		t.Errorf("after a command that only looked at metrics: %v", err)
	}
	if _, err := f.operator().Nodes(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := ask(t, f.bearer(token), "GET", "/v1/nodes", ""); err != nil {
		t.Errorf("after an operator's command: %v", err)
	}
}

// TestWhatIsFollowedEndsWithItsCredential and with no other's.
func TestWhatIsFollowedEndsWithItsCredential(t *testing.T) {
	t.Parallel()
	f := newTrusted(t, "127.78.214.")
	f.up(nil)
	follow := func(c *api.Client) chan struct{} {
		done := make(chan struct{})
		resp, err := c.Do(t.Context(), "GET", "/v1/logs?follow=true", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer close(done)
			defer resp.Body.Close()
			_, _ = io.Copy(io.Discard, resp.Body) // until it ends, in whatever way
		}()
		return done
	}
	short, _ := f.token(trust.RoleViewer, 2*time.Second)
	taken, takenID := f.token(trust.RoleViewer, time.Hour)
	kept, _ := f.token(trust.RoleViewer, time.Hour)
	ends, revoked, goesOn := follow(f.bearer(short)), follow(f.bearer(taken)), follow(f.bearer(kept))
	f.say(control.KindRevoke, takenID, api.Revoke{Marks: []string{"token:" + takenID}})
	for name, done := range map[string]chan struct{}{"revoked": revoked, "expired": ends} {
		select {
		case <-done:
		case <-time.After(3 * time.Second):
			t.Errorf("%s: it is followed still", name)
		}
	}
	select {
	case <-goesOn:
		t.Error("another's was ended too")
	default:
	}
}

// TestThePortIsTLS13Alone is a scan of the API's port.
func TestThePortIsTLS13Alone(t *testing.T) {
	t.Parallel()
	f := newTrusted(t, "127.78.215.")
	f.up(nil)
	address := f.address("n1") + ":8470"
	for v := uint16(tls.VersionTLS10); v < tls.VersionTLS13; v++ {
		if c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MinVersion: v, MaxVersion: v}); err == nil {
			c.Close()
			t.Errorf("speaks %s", tls.VersionName(v))
		}
	}
	resp, err := http.Get("http://" + address + "/v1/fleet")
	if err == nil {
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("HTTP without TLS: %s", resp.Status)
		}
	}
}
