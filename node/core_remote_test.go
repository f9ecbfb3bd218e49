package node

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestRequestsThatComeAtOnceShareAConnection(t *testing.T) {
	var made atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { time.Sleep(20 * time.Millisecond) }))
	s.EnableHTTP2 = true
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			made.Add(1)
		}
	}
	s.StartTLS()
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := &remoteCore{http: s.Client(), greeted: make(chan struct{}), servers: []string{strings.TrimPrefix(s.URL, "https://")}}
	go func() { defer close(c.greeted); c.greet(ctx) }()
	c.awaitGreeting(ctx)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if r, err := c.server().Do(ctx, http.MethodGet, "/", "", nil); err != nil {
				t.Error(err)
			} else {
				r.Body.Close()
			}
		})
	}
	all.Wait()
	if n := made.Load(); n != 1 {
		t.Errorf("%d connections were made, want 1", n)
	}
}

func TestAServerThatIsGoneIsSoonGivenUp(t *testing.T) {
	c := &remoteCore{greeted: make(chan struct{})}
	begin := time.Now()
	c.awaitGreeting(t.Context())
	if took := time.Since(begin); took > 5*coreGreet {
		t.Errorf("waited for %v", took)
	}
}
