package fleet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"strings"
	"time"

	"github.com/capodekappa/capo/fleet/trust"
)

// HelloTimeout is how long a node may take to answer.
const HelloTimeout = time.Second

// asker asks nodes for their hello.
type asker struct {
	authority *trust.Authority
	client    *http.Client
}

// newAsker asks as whom the authority speaks, from the address local if there is one.
func newAsker(a *trust.Authority, local netip.Addr) *asker {
	dialer := &net.Dialer{Timeout: HelloTimeout}
	if local.IsValid() {
		dialer.LocalAddr = &net.TCPAddr{IP: local.AsSlice(), Zone: local.Zone()}
	}
	var tls *tls.Config
	if a != nil {
		tls = a.Client(nil)
	}
	return &asker{a, &http.Client{
		Timeout: HelloTimeout,
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        tls,
			TLSHandshakeTimeout:    HelloTimeout,
			MaxIdleConnsPerHost:    1,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("a hello does not redirect") },
	}}
}

func (a *asker) close() { a.client.CloseIdleConnections() }

// ask returns the hello of the node at hostport, where it was reached, and our own address on the way there. The
// node has proved by its certificate that it is who it says. A node that took another id since it was connected to is connected to anew.
func (a *asker) ask(ctx context.Context, hostport string) (h *Hello, remote netip.AddrPort, local netip.Addr, err error) {
	if h, remote, local, err = a.askOnce(ctx, hostport); errors.Is(err, ErrBadProof) {
		a.client.CloseIdleConnections()
		return a.askOnce(ctx, hostport)
	}
	return h, remote, local, err
}

func (a *asker) askOnce(ctx context.Context, hostport string) (h *Hello, remote netip.AddrPort, local netip.Addr, err error) {
	if a.authority == nil {
		return nil, remote, local, fmt.Errorf("ask %s for its hello: this process has no identity", hostport)
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		remote, local = addrPort(info.Conn.RemoteAddr()), addrPort(info.Conn.LocalAddr()).Addr()
	}})
	url := "https://" + strings.ReplaceAll(hostport, "%", "%25") + "/v1/hello"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, remote, local, fmt.Errorf("ask %s for its hello: %w", hostport, err)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, remote, local, fmt.Errorf("ask %s for its hello: %w", hostport, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, MaxHelloBytes+1))
	if err != nil {
		return nil, remote, local, fmt.Errorf("read the hello of %s: %w", hostport, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, remote, local, fmt.Errorf("hello of %s: %w: status %s", hostport, ErrMalformed, resp.Status)
	}
	who, err := a.authority.Identify(resp.TLS.PeerCertificates)
	if err == nil {
		h, err = ParseHello(raw, a.authority.Fleet(), who.ID)
	}
	if err != nil {
		return nil, remote, local, fmt.Errorf("hello of %s: %w", hostport, err)
	}
	return h, remote, local, nil
}

func addrPort(a net.Addr) netip.AddrPort {
	c, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := c.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// Dialer makes a connection, such as from within another network.
type Dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// Ask asks the node at hostport for its hello, as whom the authority speaks; dial makes the connection, nil for the usual way. Errors wrap trust.ErrUnknownCA, ErrMalformed, ErrOtherFleet or
// ErrBadProof when something answered that is no node of this fleet.
func Ask(ctx context.Context, dial Dialer, authority *trust.Authority, hostport string) (*Hello, error) {
	a := newAsker(authority, netip.Addr{})
	defer a.close()
	if dial != nil {
		a.client.Transport.(*http.Transport).DialContext = dial
	}
	h, _, _, err := a.ask(ctx, hostport)
	return h, err
}
