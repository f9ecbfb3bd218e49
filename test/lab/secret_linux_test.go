package lab

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
)

// The paths of the API that need a credential.
var secretPaths = []string{"GET /v1/nodes", "GET /v1/jobs", "GET /v1/jobs/x", "GET /v1/log", "GET /v1/log/standing", "POST /v1/log", "PUT /v1/blobs/x",
	"GET /v1/results/1", "GET /v1/streams", "POST /v1/streams/x", "GET /v1/streams/x", "GET /v1/logs"}

// wantAnswer asks for everything and wants one status each time.
func wantAnswer(t *testing.T, c *api.Client, as string, status int) {
	t.Helper()
	for _, what := range secretPaths {
		method, path, _ := strings.Cut(what, " ")
		resp, err := c.Do(t.Context(), method, path, "application/json", strings.NewReader("{}"))
		if err == nil {
			resp.Body.Close()
		}
		if !api.IsStatus(err, status) {
			t.Errorf("%s as %s: %v, want %d", what, as, err, status)
		}
	}
}

// wantNoConnection wants the node to refuse even to speak.
func wantNoConnection(t *testing.T, c *api.Client) {
	t.Helper()
	_, err := c.Nodes(t.Context())
	if err == nil || api.IsStatus(err, http.StatusOK) {
		t.Fatalf("%v, want an end of the connection", err)
	}
	// Which of them it is depends on how far the request had come when the other end closed.
	ends := []string{"tls: ", "broken pipe", "reset by peer", "client conn could not be established"}
	if !slices.ContainsFunc(ends, func(end string) bool { return strings.Contains(err.Error(), end) }) {
		t.Errorf("%v, want an end of the connection", err)
	}
}

// believing are the TLS settings of one who speaks as the authority says, and believes any server.
func believing(a *trust.Authority) *tls.Config {
	settings := a.Client(nil)
	settings.VerifyConnection = nil
	return settings
}

func TestNothingOpensWithoutACredential(t *testing.T) {
	t.Parallel()
	l := onLoopback(t)
	f := l.start(3)
	log := l.ready(0, 1, 2)
	other, err := fleet.New("dev")
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := other.WithToken("stranger")
	if err != nil {
		t.Fatal(err)
	}
	foreign, _, err := stranger.Enter("n0", trust.Options{})
	if err != nil {
		t.Fatal(err)
	}
	foreignOperator, err := other.Authority()
	if err != nil {
		t.Fatal(err)
	}
	node, _, err := f.Membership.Enter("n9", trust.Options{})
	if err != nil {
		t.Fatal(err)
	}
	anybody := &tls.Config{InsecureSkipVerify: true}

	t.Run("API", func(t *testing.T) {
		wantAnswer(t, l.clientAs(0, anybody), "nobody", http.StatusUnauthorized)
		wantAnswer(t, l.clientAs(0, node.Client(nil)), "a node", http.StatusForbidden)
		wantNoConnection(t, l.clientAs(0, believing(foreign)))
		wantNoConnection(t, l.clientAs(0, believing(foreignOperator)))
		if _, err := l.rows(0); err != nil {
			t.Errorf("as the operator: %v", err)
		}
	})
	t.Run("NATS", func(t *testing.T) {
		user := map[string]any{"user": queue.ClientUser(log.Incarnation)}
		for name, c := range map[string]struct {
			tls  *tls.Config
			auth map[string]any
		}{
			"nothing": {anybody, user}, "a password": {anybody, map[string]any{"user": "core", "pass": "x"}}, "a token that is none": {anybody, map[string]any{"auth_token": "capo.x.y"}},
			"a node's certificate in another log": {node.Client(nil), map[string]any{"user": queue.ClientUser("0123456789abcdef")}}, "the core's name and a node's certificate": {node.Client(nil), map[string]any{"user": "core"}},
			"another fleet's certificate": {believing(foreign), user}, "another fleet's operator": {believing(foreignOperator), user},
		} {
			if answer := dialNATS(t, l.Place.Addr(0), queue.ClientPort, c.tls).connect(c.auth); !strings.Contains(answer, "Authorization Violation") && !strings.Contains(answer, "tls: ") {
				t.Errorf("with %s: %q, want a refusal", name, answer)
			}
		}
		c := dialNATS(t, l.Place.Addr(0), queue.ClientPort, node.Client(nil))
		if answer := c.connect(user); answer != "PONG" {
			t.Errorf("with a node's certificate: %q", answer)
		}
		for _, subject := range []string{"control.job.x", "log.n0.x", "result.1.n0", "_INBOX.n0.x"} {
			c.send("PUB %s 1\r\nx\r\n", subject)
			if answer := c.line(); !strings.Contains(answer, "Permissions Violation") {
				t.Errorf("a node publishes %s: %q", subject, answer)
			}
		}
	})
	t.Run("route", func(t *testing.T) {
		for name, settings := range map[string]*tls.Config{"nothing": anybody, "the certificate of a node that is no server": node.Client(nil), "another fleet's certificate": believing(foreign)} {
			c := dialNATS(t, l.Place.Addr(0), queue.RoutePort, settings)
			if answer := c.connect(map[string]any{"cluster": log.Incarnation, "name": "evil", "server_id": "NEVIL"}); !strings.Contains(answer, "Authorization Violation") && !strings.Contains(answer, "tls: ") && answer != "EOF" {
				t.Errorf("with %s: %q, want a refusal", name, answer)
			}
		}
	})
}

// TestANodeOfAnotherCADoesNotCount: it says that it is of the fleet and cannot prove it.
func TestANodeOfAnotherCADoesNotCount(t *testing.T) {
	t.Parallel()
	l := onLoopback(t)
	l.Rules = fleet.Rules{Size: 3}
	m := l.Fleet("dev")
	other, err := fleet.New("dev")
	if err != nil {
		t.Fatal(err)
	}
	evil, err := other.WithToken("evil")
	if err != nil {
		t.Fatal(err)
	}
	agent := pretend(t, m, evil, l.Place.Addr(3))
	l.Run(0, id(0), m)
	l.Run(1, id(1), m)
	l.printed(0, "a node that says it is of this fleet is not", l.Place.Addr(3))
	l.printed(1, "a node that says it is of this fleet is not", l.Place.Addr(3))
	l.Waits(within, 0, "2 of 3 nodes needed", "sees: n1")
	l.Outside(4*time.Second, "", 0, 1)
	if h, err := l.Hello(0); err != nil || strings.Contains(h.Waiting, "a-liar") {
		t.Errorf("waits %q, error %v: the liar must not count", h.Waiting, err)
	}
	if why := agent.Waiting(); !strings.Contains(why, "sees no other node") {
		t.Errorf("the liar waits %q: it must not see the fleet", why)
	}
	l.Run(2, id(2), m)
	l.ready(0, 1, 2)
}

// pretend runs the finding part of a node in this process, which says that it is of one fleet and has the certificate of another.
func pretend(t *testing.T, says, is *fleet.Membership, addr string) *fleet.Agent {
	t.Helper()
	authority, _, err := is.Enter("a-liar", trust.Options{})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(addr, fmt.Sprint(fleet.DefaultPort)))
	if err != nil {
		t.Fatal(err)
	}
	agent, err := fleet.Start(context.Background(), fleet.Config{Membership: says, Authority: authority, ID: "a-liar", Name: "a-liar", Listen: netip.MustParseAddr(addr), Size: 3})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: agent.Handler()}
	go func() { _ = server.Serve(authority.Listener(listener)) }()
	t.Cleanup(func() {
		server.Close()
		agent.Close()
	})
	return agent
}

// natsConn speaks to a log server by hand, so that what it is told is what is tested.
type natsConn struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func dialNATS(t *testing.T, host string, port int, settings *tls.Config) *natsConn {
	t.Helper()
	c := dialPlain(t, host, port)
	c.secure(settings)
	return c
}

// secure begins TLS; a handshake that fails shows when the first line is read.
func (c *natsConn) secure(settings *tls.Config) {
	conn := tls.Client(c.conn, settings)
	c.conn, c.in = conn, bufio.NewReader(conn)
}

func dialPlain(t *testing.T, host string, port int) *natsConn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(host, fmt.Sprint(port)), 3*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &natsConn{t, conn, bufio.NewReader(conn)}
}

// connect sends CONNECT and returns the answer to a PING after it, or how the server ended it.
func (c *natsConn) connect(options map[string]any) string {
	c.t.Helper()
	if info := c.line(); !strings.HasPrefix(info, "INFO ") {
		return info
	}
	options["verbose"], options["pedantic"], options["headers"] = false, false, true
	raw, err := json.Marshal(options)
	if err != nil {
		c.t.Fatal(err)
	}
	c.send("CONNECT %s\r\nPING\r\n", raw)
	for {
		line := c.line()
		if line == "PING" || strings.HasPrefix(line, "INFO ") || strings.HasPrefix(line, "RS") {
			continue
		}
		return line
	}
}

func (c *natsConn) send(format string, v ...any) {
	c.t.Helper()
	_ = c.conn.SetWriteDeadline(time.Now().Add(3 * time.Second))
	if _, err := fmt.Fprintf(c.conn, format, v...); err != nil {
		c.t.Fatalf("send to the log server: %v", err)
	}
}

// line reads one line; the end of the connection is the text EOF.
func (c *natsConn) line() string {
	_ = c.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	line, err := c.in.ReadString('\n')
	if err != nil {
		return err.Error()
	}
	return strings.TrimRight(line, "\r\n")
}

// request asks the log server and returns the answer's body.
func (c *natsConn) request(subject string, body []byte) []byte {
	c.t.Helper()
	c.send("SUB _INBOX.lab 1\r\nPUB %s _INBOX.lab %d\r\n%s\r\nUNSUB 1 1\r\n", subject, len(body), body)
	for {
		line := c.line()
		f := strings.Fields(line)
		switch {
		case len(f) >= 4 && (f[0] == "MSG" || f[0] == "HMSG"):
			var n int
			if _, err := fmt.Sscan(f[len(f)-1], &n); err != nil {
				c.t.Fatal(err)
			}
			data := make([]byte, n+2)
			if _, err := io.ReadFull(c.in, data); err != nil {
				c.t.Fatal(err)
			}
			return data[:n]
		case line == "PING":
			c.send("PONG\r\n")
		case line != "PONG" && !strings.HasPrefix(line, "INFO "):
			c.t.Fatalf("request %s: the server said %q", subject, line)
		}
	}
}
