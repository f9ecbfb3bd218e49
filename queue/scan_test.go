package queue

import (
	"crypto/tls"
	"fmt"
	"net"
	"testing"
	"time"
)

// scan wants a port to speak TLS 1.3 and nothing older in whatever suite, and to resume no session.
func scan(t *testing.T, address string) {
	t.Helper()
	dialer := &net.Dialer{Timeout: 3 * time.Second}
	var suites []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		suites = append(suites, s.ID)
	}
	for v := uint16(tls.VersionTLS10); v < tls.VersionTLS13; v++ {
		settings := &tls.Config{InsecureSkipVerify: true, MinVersion: v, MaxVersion: v, CipherSuites: suites, Renegotiation: tls.RenegotiateFreelyAsClient}
		if c, err := tls.DialWithDialer(dialer, "tcp", address, settings); err == nil {
			t.Errorf("%s speaks %s with %s", address, tls.VersionName(v), tls.CipherSuiteName(c.ConnectionState().CipherSuite))
			c.Close()
		}
	}
	cache := tls.NewLRUClientSessionCache(4)
	for range 2 {
		c, err := tls.DialWithDialer(dialer, "tcp", address, &tls.Config{InsecureSkipVerify: true, ClientSessionCache: cache, ServerName: "server"})
		if err != nil {
			t.Errorf("%s: %v", address, err)
			return
		}
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		_, _ = c.Read(make([]byte, 1)) // a ticket comes before the first byte
		if s := c.ConnectionState(); s.Version != tls.VersionTLS13 || s.DidResume {
			t.Errorf("%s: %s, resumed %v", address, tls.VersionName(s.Version), s.DidResume)
		}
		c.Close()
	}
}

func TestTheLogsPortsAreTLS13Alone(t *testing.T) {
	t.Parallel()
	g := guard(t, 3)
	for _, port := range []int{ClientPort, RoutePort} {
		scan(t, net.JoinHostPort(g.peers[0].Addr.String(), fmt.Sprint(port)))
	}
}
