package queue

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/capodekappa/capo/fleet/trust"
)

// shortly is a context for what has no end of its own.
func shortly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestAConnectionEndsWithItsToken(t *testing.T) {
	t.Parallel()
	g := guard(t, 1)
	token, _ := g.token(trust.RoleViewer, 2*time.Second)
	c := g.guest(0, by(token, "_INBOX")...)
	c.may("$JS.API.INFO", "")
	c.ended(3 * time.Second)
	if _, err := g.dial(0, by(token, "_INBOX")...); err == nil {
		t.Error("it came in again with a token that has expired")
	}
	g.counted("expired")
}

func TestRevokingEndsConnections(t *testing.T) {
	t.Parallel()
	g := guard(t, 1)
	viewer, viewerID := g.token(trust.RoleViewer, time.Hour)
	second, _ := g.token(trust.RoleOperator, time.Hour)
	image, err := g.fleet.WithToken("another image")
	if err != nil {
		t.Fatal(err)
	}
	g.members = append(g.members, image)
	keep := g.guest(0, g.asNode(0, "n5")...)
	for _, c := range []struct {
		name   string
		opts   []nats.Option
		revoke func()
	}{
		{"a token", by(viewer, "_INBOX"), func() { g.views[0].Revoke("token:" + viewerID) }},
		{"a node", g.asNode(0, "n1"), func() { g.views[0].Revoke("node:n1") }},
		{"an image", g.asNode(1, "n2"), func() { g.views[0].Revoke("image:" + image.Token.Serial()) }},
		{"a key", g.asNode(0, "n3"), func() {}},
		{"the token of an operator who is removed", by(second, "_INBOX"), nil},
		{"an operator who is removed", g.asOperator(), func() { g.views[0].RemoveOperator(trust.OperatorFingerprint(g.fleet.Membership.Operators[0])) }},
	} {
		if c.name == "a key" {
			a := as(t, g.members[0], "n3")
			c.opts = []nats.Option{nats.UserInfo(ClientUser("inc"), ""), nats.Secure(a.Client(nil)), nats.CustomInboxPrefix("_INBOX.n3")}
			c.revoke = func() { g.views[0].Revoke("key:" + trust.Fingerprint(a.Own().Leaf.RawSubjectPublicKeyInfo)) }
		}
		live := g.guest(0, c.opts...)
		live.may("$JS.API.INFO", "")
		if c.revoke == nil {
			defer func() { live.ended(2 * time.Second) }() // with its operator
			continue
		}
		c.revoke()
		live.ended(2 * time.Second)
		if again, err := g.dial(0, c.opts...); err == nil {
			again.Close()
			t.Errorf("%s: came in again", c.name)
		}
	}
	keep.may("in.frames.k", "x")
	g.counted("revoked")
	g.counted("unknown_signer")
}

// TestRevokingAServerCutsItOff: the others end its routes at once, and it cannot come back.
func TestRevokingAServerCutsItOff(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"node", "image"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			g := guard(t, 3)
			mark := map[string]string{"node": "node:n2", "image": "image:" + g.members[2].Token.Serial()}[kind]
			if n := g.routesTo(2); n == 0 {
				t.Fatal("there is no route to it")
			}
			var all sync.WaitGroup
			for i := range 2 {
				all.Go(func() { g.views[i].Revoke(mark) })
			}
			started := time.Now()
			all.Wait()
			for g.routesTo(2) > 0 && time.Since(started) < 5*time.Second {
				time.Sleep(10 * time.Millisecond)
			}
			if took := time.Since(started); took > 2*time.Second {
				t.Errorf("its routes ended after %v", took)
			}
			for end := time.Now().Add(2500 * time.Millisecond); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
				if n := g.routesTo(2); n > 0 {
					t.Fatalf("it came back with %d routes", n)
				}
			}
			g.counted("revoked")
			g.append("the others go on")
			if info, err := g.log.Stream(t.Context(), "frames"); err != nil || info.Messages != 1 {
				t.Errorf("%+v, %v", info, err)
			}
		})
	}
}

// routesTo is how many routes the other servers have to one.
func (g *guarded) routesTo(i int) (n int) {
	for j, s := range g.servers {
		if j == i {
			continue
		}
		info, err := s.nats.Routez(&server.RoutezOptions{})
		if err != nil {
			g.t.Fatal(err)
		}
		for _, r := range info.Routes {
			if r.RemoteName == g.peers[i].Name {
				n++
			}
		}
	}
	return n
}

func TestNobodyIsHeardWithoutTLS(t *testing.T) {
	t.Parallel()
	g := guard(t, 3)
	token, _ := g.token(trust.RoleOperator, time.Hour)
	for _, port := range []int{ClientPort, RoutePort} {
		conn, err := net.Dial("tcp", net.JoinHostPort(g.peers[0].Addr.String(), fmt.Sprint(port)))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
		in := bufio.NewReader(conn)
		if info, err := in.ReadString('\n'); err == nil && !strings.Contains(info, `"tls_required":true`) {
			t.Errorf("port %d: %s", port, info)
		}
		fmt.Fprintf(conn, "CONNECT {\"auth_token\":%q,\"user\":\"core\",\"verbose\":true}\r\nPUB in.frames.k 1\r\nx\r\nPING\r\n", token)
		for {
			line, err := in.ReadString('\n')
			if strings.HasPrefix(line, "PONG") || strings.HasPrefix(line, "+OK") {
				t.Errorf("port %d answered %q", port, line)
			}
			if err != nil {
				break
			}
		}
	}
	if c, err := nats.Connect("nats://"+net.JoinHostPort(g.peers[0].Addr.String(), fmt.Sprint(ClientPort)), nats.Token(token), nats.Timeout(3*time.Second)); err == nil {
		defer c.Close()
		if _, tls := c.TLSConnectionState(); tls != nil {
			t.Error("the client came in without TLS")
		}
	}
	if n := g.holds("frames"); n != 0 {
		t.Errorf("%d records came in", n)
	}
	// One that knows nothing of beginning with TLS is asked for it.
	g.guest(0, append(by(token, "_INBOX"), func(o *nats.Options) error { o.TLSHandshakeFirst = false; return nil })...)
}
