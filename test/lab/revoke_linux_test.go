package lab

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
	"github.com/capodekappa/capo/queue/control"
)

// revoke has the operator take marks back, at node 0.
func (l *lab) revoke(f *fleet.Fleet, marks ...string) {
	l.t.Helper()
	target := control.Digest([]byte(strings.Join(marks, "\n")))[:16]
	standing, err := l.client(0).Generation(l.t.Context(), "revoke", target)
	if err != nil {
		l.t.Fatal(err)
	}
	c := &control.Record{Fleet: f.ID(), Log: standing.Log, Kind: control.KindRevoke, Target: target, Generation: standing.Generation + 1}
	if err := errors.Join(c.Seal(api.Revoke{Marks: marks}), c.Sign(f.Key)); err != nil {
		l.t.Fatal(err)
	}
	data, err := c.Encode()
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := l.client(0).AppendControl(l.t.Context(), data); err != nil {
		l.t.Fatal(err)
	}
}

// gone waits until node i shows others, which were there, as lost or not at all, and that this stays so.
func (l *lab) gone(i int, who ...string) {
	l.t.Helper()
	ready := func() error {
		rows, err := l.rows(i)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if slices.Contains(who, r.ID) && r.State == fleet.StateReady {
				return fmt.Errorf("node %d shows %s as ready", i, r.ID)
			}
		}
		return nil
	}
	l.Eventually(within, "the revoked are gone", ready)
	l.Always(2*time.Second, "the revoked stay away", ready)
}

// TestRevokedNodesAreCutOff: an image that was stolen, and then a node that carries the log.
func TestRevokedNodesAreCutOff(t *testing.T) {
	t.Parallel()
	l := onLoopback(t)
	l.Rules = fleet.Rules{Size: 4, Expect: 4}
	f := l.Found("dev")
	stolen, err := f.WithToken("stolen")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		l.Run(i, id(i), f.Membership)
	}
	l.Run(3, id(3), stolen)
	log := l.ready(0, 1, 2, 3)
	thief, _, err := stolen.Enter("n9", trust.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var ended sync.WaitGroup
	started := make(chan time.Time, 1)
	late := make(chan string, 16)
	for _, s := range log.Servers {
		i := int(s.ID[1] - '0')
		c := dialNATS(t, l.Place.Addr(i), queue.ClientPort, thief.Client(nil))
		if answer := c.connect(map[string]any{"user": queue.ClientUser(log.Incarnation)}); answer != "PONG" {
			t.Fatalf("before it was revoked: %q", answer)
		}
		resp, err := l.clientAs(i, thief.Client(nil)).Do(t.Context(), http.MethodGet, "/v1/core/"+log.Incarnation+"/control", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		note := func(what string) {
			at := <-started
			started <- at
			if took := time.Since(at); took > 2*time.Second {
				late <- fmt.Sprintf("%s of server %s ended after %v", what, s.ID, took)
			}
		}
		ended.Go(func() {
			for line := c.line(); line == "PING" || strings.HasPrefix(line, "INFO ") || strings.HasPrefix(line, "-ERR"); line = c.line() {
			}
			note("the log's port")
		})
		ended.Go(func() {
			defer resp.Body.Close()
			_, _ = io.Copy(io.Discard, resp.Body) // until it ends, in whatever way
			note("the API")
		})
	}
	l.revoke(f, "image:"+stolen.Token.Serial())
	started <- time.Now()
	ended.Wait()
	close(late)
	for what := range late {
		t.Error(what)
	}
	for i := range 3 {
		wantNoConnection(t, l.clientAs(i, believing(thief)))
	}

	carries := ""
	for _, s := range l.OneLog(within, 0, 1, 2).Servers {
		if s.ID == "n1" || s.ID == "n2" {
			carries = s.ID
		}
	}
	l.revoke(f, "node:"+carries)
	l.gone(0, "n3", carries)
	if _, err := l.client(0).Put(t.Context(), "frames", []api.PutRecord{{Key: "k"}}); err != nil {
		t.Errorf("the others go on: %v", err)
	}
}
