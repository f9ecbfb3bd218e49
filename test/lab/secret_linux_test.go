package lab

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
)

// The paths of the API that need the token.
var secretPaths = []string{"GET /v1/nodes", "GET /v1/jobs", "GET /v1/jobs/x", "GET /v1/log", "GET /v1/log/standing", "POST /v1/log", "PUT /v1/blobs/x",
	"GET /v1/results/1", "GET /v1/streams", "POST /v1/streams/x", "GET /v1/streams/x", "GET /v1/logs"}

func wantRefused(t *testing.T, c *api.Client) {
	t.Helper()
	for _, what := range secretPaths {
		method, path, _ := strings.Cut(what, " ")
		resp, err := c.Do(t.Context(), method, path, "application/json", strings.NewReader("{}"))
		if err == nil {
			resp.Body.Close()
		}
		if !api.IsStatus(err, http.StatusUnauthorized) {
			t.Errorf("%s with the token %.6q: %v, want 401", what, c.Token, err)
		}
	}
}

func TestNothingOpensWithoutTheToken(t *testing.T) {
	t.Parallel()
	l := onLoopback(t)
	f := l.start(3)
	token := f.Membership.Bearer()
	other := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	log := l.ready(0, 1, 2)

	t.Run("API", func(t *testing.T) {
		for _, wrong := range []string{"", other, token + "A", token[:42]} {
			c := l.client(0)
			c.Token = wrong
			wantRefused(t, c)
		}
		if _, err := l.rows(0); err != nil {
			t.Errorf("with the token: %v", err)
		}
	})
	t.Run("NATS", func(t *testing.T) {
		for name, auth := range map[string]map[string]any{
			"nothing": {}, "another token": {"user": queue.ClientUser(log.Incarnation), "pass": other}, "no user": {"pass": token}, "the user of another log": {"user": queue.ClientUser("0123456789abcdef"), "pass": token}, "another user": {"user": "admin", "pass": token},
			"as a token": {"auth_token": token}, "the system's user with another token": {"user": "sys", "pass": other}, "the route's user": {"user": "route", "pass": token},
		} {
			if answer := dialNATS(t, l.Place.Addr(0), queue.ClientPort).connect(auth); !strings.Contains(answer, "Authorization Violation") {
				t.Errorf("with %s: %q, want a refusal", name, answer)
			}
		}
		if answer := dialNATS(t, l.Place.Addr(0), queue.ClientPort).connect(map[string]any{"user": queue.ClientUser(log.Incarnation), "pass": token}); answer != "PONG" {
			t.Errorf("with the token: %q", answer)
		}
	})
	t.Run("route", func(t *testing.T) {
		for name, c := range map[string]struct {
			auth map[string]any
			want string
		}{
			"nothing":            {map[string]any{"cluster": log.Incarnation}, "Authorization Violation"},
			"another token":      {map[string]any{"cluster": log.Incarnation, "user": "route", "pass": other}, "Authorization Violation"},
			"a client's user":    {map[string]any{"cluster": log.Incarnation, "user": queue.ClientUser(log.Incarnation), "pass": token}, "Authorization Violation"},
			"another log's name": {map[string]any{"cluster": "0123456789abcdef", "user": "route", "pass": token}, "does not match"},
		} {
			c.auth["name"], c.auth["server_id"] = "evil", "NEVIL"
			if answer := dialNATS(t, l.Place.Addr(0), queue.RoutePort).connect(c.auth); !strings.Contains(answer, c.want) {
				t.Errorf("with %s: %q, want %q", name, answer, c.want)
			}
		}
	})
}

// TestANodeWithoutTheTokenDoesNotCount: it says that it is of the fleet and cannot prove it.
func TestANodeWithoutTheTokenDoesNotCount(t *testing.T) {
	t.Parallel()
	l := onLoopback(t)
	l.Rules = fleet.Rules{Size: 3}
	m := l.Fleet("dev")
	evil := *m
	evil.Token = make([]byte, 32)
	agent := pretend(t, &evil, l.Place.Addr(3))
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

// pretend runs the finding part of a node in this process.
func pretend(t *testing.T, m *fleet.Membership, addr string) *fleet.Agent {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(addr, fmt.Sprint(fleet.DefaultPort)))
	if err != nil {
		t.Fatal(err)
	}
	agent, err := fleet.Start(context.Background(), fleet.Config{Membership: m, ID: "a-liar", Name: "a-liar", Listen: netip.MustParseAddr(addr), Size: 3})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: agent.Handler()}
	go func() { _ = server.Serve(listener) }()
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

func dialNATS(t *testing.T, host string, port int) *natsConn {
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
		c.t.Fatalf("the server began with %q", info)
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
