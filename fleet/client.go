package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"strings"
	"time"
)

// HelloTimeout is how long a node may take to answer.
const HelloTimeout = time.Second

// asker asks nodes for their hello.
type asker struct {
	membership *Membership
	client     *http.Client
}

// newAsker asks from the address local, if there is one.
func newAsker(m *Membership, local netip.Addr) *asker {
	dialer := &net.Dialer{Timeout: HelloTimeout}
	if local.IsValid() {
		dialer.LocalAddr = &net.TCPAddr{IP: local.AsSlice(), Zone: local.Zone()}
	}
	return &asker{m, &http.Client{
		Timeout: HelloTimeout,
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			MaxIdleConnsPerHost:    1,
			IdleConnTimeout:        30 * time.Second,
			MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("a hello does not redirect") },
	}}
}

func (a *asker) close() { a.client.CloseIdleConnections() }

// ask returns the verified hello of the node at hostport, where it was reached, and our own
// address on the way there.
func (a *asker) ask(ctx context.Context, hostport string) (h *Hello, remote netip.AddrPort, local netip.Addr, err error) {
	nonce := NewBoot() + NewBoot()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		remote, local = addrPort(info.Conn.RemoteAddr()), addrPort(info.Conn.LocalAddr()).Addr()
	}})
	url := "http://" + strings.ReplaceAll(hostport, "%", "%25") + "/v1/hello?nonce=" + nonce
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
	if h, err = ParseHello(raw, a.membership, nonce); err != nil {
		return nil, remote, local, fmt.Errorf("hello of %s: %w", hostport, err)
	}
	return h, remote, local, nil
}

func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// Ask asks the node at hostport for its hello through client, nil for one of its own, and
// verifies it. Errors wrap ErrMalformed, ErrOtherFleet or ErrBadProof when something answered that
// is no node of this fleet.
func Ask(ctx context.Context, client *http.Client, m *Membership, hostport string) (*Hello, error) {
	a := newAsker(m, netip.Addr{})
	defer a.close()
	if client != nil {
		a.client = client
	}
	h, _, _, err := a.ask(ctx, hostport)
	return h, err
}
