package trust

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"
)

// serve accepts connections as the house's node and echoes.
func (h *house) serve() string {
	h.t.Helper()
	h.speak()
	inner := must(net.Listen("tcp", "127.0.0.1:0"))(h.t)
	l := h.Listener(inner, "h2", "http/1.1")
	h.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return inner.Addr().String()
}

// echo says a word and wants it back.
func echo(c net.Conn) error {
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := c.Write([]byte("x")); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, 1))
	return err
}

// newcomer is another process of the fleet, which speaks as a node with that id.
func (h *house) newcomer(id string) *Authority {
	h.t.Helper()
	a := NewAuthority(Roots{CA: h.ca.Cert}, Options{})
	must(NewSpeaker(a, h.token, id, NodeNames(id)))(h.t)
	return a
}

func TestAListenerKnowsWhoIsThere(t *testing.T) {
	h := newHouse(t, Options{})
	h.speak()
	inner := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	l := h.Listener(inner)
	defer l.Close()
	go func() {
		c, err := tls.Dial("tcp", inner.Addr().String(), h.newcomer("n2").Client(Expect("n1")))
		if err == nil {
			_ = echo(c)
			c.Close()
		}
	}()
	c := must(l.Accept())(t)
	defer c.Close()
	if err := c.(*tls.Conn).Handshake(); err != nil {
		t.Fatal(err)
	}
	if id, ok := IdentityOf(c); !ok || id.ID != "n2" || id.Image != h.token.Serial() {
		t.Errorf("%+v, %v", id, ok)
	}
	if _, ok := IdentityOf(c.(*tls.Conn).NetConn()); ok {
		t.Error("a connection without TLS has an identity")
	}
}

func TestAListenerEndsConnectionsOfTheRevoked(t *testing.T) {
	for _, kind := range []string{"node", "image"} {
		h := newHouse(t, Options{})
		addr := h.serve()
		mark := map[string]string{"node": "node:n2", "image": "image:" + h.token.Serial()}[kind]
		c := must(tls.Dial("tcp", addr, h.newcomer("n2").Client(nil)))(t)
		defer c.Close()
		other := must(tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true}))(t)
		defer other.Close()
		if err := errors.Join(echo(c), echo(other)); err != nil {
			t.Fatal(err)
		}
		h.Revoke(mark)
		started := time.Now()
		if err := echo(c); err == nil || time.Since(started) > time.Second {
			t.Errorf("%s: %v after %v", mark, err, time.Since(started))
		}
		if err := echo(other); err != nil {
			t.Errorf("%s: who showed nothing was cut off: %v", mark, err)
		}
		again, err := tls.Dial("tcp", addr, h.newcomer("n2").Client(nil))
		if err == nil {
			err = echo(again)
			again.Close()
		}
		if err == nil {
			t.Errorf("%s: it came back", mark)
		}
		if !slices.Contains(h.reasons(), "revoked") {
			t.Errorf("counted %v", h.reasons())
		}
	}
}

// TestTheRevokedAreSeenAtTheMomentTheyComeIn: the sweep may run between the check of a certificate and the note of whose it is.
func TestTheRevokedAreSeenAtTheMomentTheyComeIn(t *testing.T) {
	h := newHouse(t, Options{})
	id := must(h.Identify(Chain(h.speak())))(t)
	l := &listener{authority: h.Authority, live: map[*conn]struct{}{}}
	c := &conn{of: l}
	c.mu.Lock() // admit waits where it notes the identity
	admitted := make(chan error)
	go func() { admitted <- h.admit(tls.ConnectionState{PeerCertificates: Chain(h.Own())}, c) }()
	time.Sleep(20 * time.Millisecond)
	h.Revoke("node:" + id.ID)
	c.mu.Unlock()
	if err := <-admitted; !errors.Is(err, ErrRevoked) {
		t.Errorf("%v, want it refused", err)
	}
}

func TestAClientKnowsTheNodeByItsCertificate(t *testing.T) {
	h := newHouse(t, Options{})
	addr := h.serve()
	other := newHouse(t, Options{})
	foreign := other.serve()
	dial := func(addr string, settings *tls.Config) error {
		c, err := tls.Dial("tcp", addr, settings)
		if err == nil {
			c.Close()
		}
		return err
	}
	if err := dial(addr, h.newcomer("n2").Client(Expect("n1"))); err != nil {
		t.Error(err)
	}
	if err := dial(addr, h.newcomer("n2").Client(Expect("n3"))); !errors.Is(err, ErrOtherID) {
		t.Errorf("another id: %v", err)
	}
	if err := dial(foreign, h.newcomer("n2").Client(nil)); !errors.Is(err, ErrOtherFleet) {
		t.Errorf("another fleet's node: %v", err)
	}
	h.Speak(must(h.key.SelfSigned(h.Fleet(), "n1"))(t))
	var u *UnapprovedError
	if err := dial(addr, h.newcomer("n2").Client(nil)); !errors.As(err, &u) {
		t.Errorf("one that is not approved: %v", err)
	}
	h.Speak(must(OperatorCertificate(h.Fleet(), h.operator))(t))
	a := NewAuthority(Roots{CA: h.ca.Cert, Operators: h.Operators()}, Options{})
	if err := dial(addr, a.Client(nil)); !errors.Is(err, ErrUnknownCA) {
		t.Errorf("an operator that serves: %v", err)
	}
}

// TestServersSpeakTLS13Alone is the part of a scan that needs no port of a node; test/lab has the rest.
func TestServersSpeakTLS13Alone(t *testing.T) {
	h := newHouse(t, Options{})
	addr := h.serve()
	for v := uint16(tls.VersionTLS10); v <= tls.VersionTLS13; v++ {
		c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MinVersion: v, MaxVersion: v})
		if err == nil {
			err = echo(c)
			c.Close()
		}
		if (err == nil) != (v == tls.VersionTLS13) {
			t.Errorf("%s: %v", tls.VersionName(v), err)
		}
	}
	cache := tls.NewLRUClientSessionCache(4)
	for i := range 2 {
		c := must(tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, ClientSessionCache: cache, ServerName: "n1"}))(t)
		if err := echo(c); err != nil {
			t.Fatal(err)
		}
		if c.ConnectionState().DidResume {
			t.Errorf("connection %d resumed a session: it would outlive being revoked", i)
		}
		c.Close()
	}
	h.Speak(nil)
	if _, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true}); err == nil {
		t.Error("a node without a certificate let itself be spoken to")
	}
	if Chain(nil) != nil || Chain(&tls.Certificate{Certificate: [][]byte{{1}}}) != nil {
		t.Error("a chain of nothing")
	}
	if _, err := ParseChain(slices.Repeat([][]byte{h.ca.Cert.Raw}, 5)); err == nil {
		t.Error("took a chain of five")
	}
	if _, err := ParsePublic(must(x509.MarshalPKIXPublicKey(h.operatorPublic()))(t)); err == nil {
		t.Error("took an operator's kind of key as a node's")
	}
}
