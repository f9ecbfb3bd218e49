package trust

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
)

// Server returns the TLS settings of everything that a node serves: TLS 1.3 alone, its own certificate as it is at the
// moment, and a client's certificate verified if there is one. Who comes without one has to show a token later.
func (a *Authority) Server(protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: protocols,
		ClientAuth: tls.RequestClientCert,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if c := a.own.Load(); c != nil {
				return c, nil
			}
			return nil, errors.New("this node has no certificate yet")
		},
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			conn, _ := hello.Conn.(*conn)
			c := a.serverOnce(protocols)
			c.VerifyConnection = func(state tls.ConnectionState) error { return a.admit(state, conn) }
			return c, nil
		},
	}
}

// serverOnce is the configuration of one connection: sessions are not resumed, so that each one is verified.
func (a *Authority) serverOnce(protocols []string) *tls.Config {
	own := a.own.Load()
	if own == nil {
		return &tls.Config{MinVersion: tls.VersionTLS13}
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, DynamicRecordSizingDisabled: true, NextProtos: protocols, ClientAuth: tls.RequestClientCert, Certificates: []tls.Certificate{*own}, SessionTicketsDisabled: true}
}

// admit verifies the certificate of a connection, if there is one, and remembers whose it is.
func (a *Authority) admit(state tls.ConnectionState, c *conn) error {
	if len(state.PeerCertificates) == 0 {
		return nil
	}
	id, err := a.Identify(state.PeerCertificates)
	if err != nil {
		return a.Refuse(err)
	}
	if c != nil {
		c.set(id)
		return a.Refuse(a.Valid(id)) // revoked just now: sweep has not seen who it is
	}
	return nil
}

// Client returns the TLS settings for speaking to a node of the fleet, as whoever this process is. A node is known by
// its certificate's identity, not by its address; check may demand more, see Expect, or be nil.
func (a *Authority) Client(check func(Identity) error) *tls.Config {
	return &tls.Config{
		MinVersion:                  tls.VersionTLS13,
		DynamicRecordSizingDisabled: true, // whole records from the start: what is sent here is bulk
		InsecureSkipVerify:          true, // of names and times: VerifyConnection verifies the chain to the fleet's CA, and who it is
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if c := a.own.Load(); c != nil {
				return c, nil
			}
			return &tls.Certificate{}, nil
		},
		VerifyConnection: func(state tls.ConnectionState) error {
			id, err := a.Identify(state.PeerCertificates)
			if err == nil && id.Role != RoleNode {
				err = fmt.Errorf("%w: %w", ErrUnknownCA, errClient)
			}
			if err == nil && check != nil {
				err = check(id)
			}
			return a.Refuse(err)
		},
	}
}

// Listener accepts TLS connections on l and ends those whose identity is revoked meanwhile. It is closed with the
// returned listener. IdentityOf tells who is at the other end.
func (a *Authority) Listener(l net.Listener, protocols ...string) net.Listener {
	t := &listener{Listener: l, authority: a, live: map[*conn]struct{}{}}
	t.stop = a.Watch(t.sweep)
	return tls.NewListener(t, a.Server(protocols...))
}

// listener keeps account of its open connections.
type listener struct {
	net.Listener
	authority *Authority
	stop      func()

	mu   sync.Mutex // guards live
	live map[*conn]struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: inner, of: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.live[c] = struct{}{}
	return c, nil
}

func (l *listener) Close() error {
	l.stop()
	return l.Listener.Close()
}

// sweep closes the connections whose identity does not count any more.
func (l *listener) sweep() {
	l.mu.Lock()
	var out []*conn
	for c := range l.live {
		if id, ok := c.identity(); ok && l.authority.Valid(id) != nil {
			out = append(out, c)
		}
	}
	l.mu.Unlock()
	for _, c := range out {
		c.Close()
	}
}

// conn is an accepted connection and, after the handshake, who is at the other end.
type conn struct {
	net.Conn
	of *listener

	mu    sync.Mutex // guards what follows
	id    Identity
	known bool
}

func (c *conn) set(id Identity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.id, c.known = id, true
}

func (c *conn) identity() (Identity, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id, c.known
}

func (c *conn) Close() error {
	c.of.mu.Lock()
	delete(c.of.live, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// IdentityOf tells who is at the other end of a connection that a Listener of an Authority has accepted, once its handshake is done. False: who showed no
// certificate.
func IdentityOf(c net.Conn) (Identity, bool) {
	t, ok := c.(*tls.Conn)
	if !ok {
		return Identity{}, false
	}
	inner, ok := t.NetConn().(*conn)
	if !ok {
		return Identity{}, false
	}
	return inner.identity()
}
