package node

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/jsrt/cell"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue/control"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "cell" {
		os.Exit(cell.Main(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// alone starts a node that forms a log by itself and returns a client to it.
func alone(t testing.TB, address string) *api.Client {
	t.Helper()
	f, err := fleet.New("test")
	if err != nil {
		t.Fatal(err)
	}
	member, err := f.WithToken("test")
	if err != nil {
		t.Fatal(err)
	}
	operator, err := f.Authority()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- Run(ctx, Config{ID: "n1", Board: "host", Arch: "amd64", Membership: member, Address: netip.MustParseAddr(address), Size: 1, Expect: 1,
			Interfaces: []string{"lo"}, StoreDir: t.TempDir(), MaxMemory: 64 << 20, OnReady: func() { close(ready) }})
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the node does not end")
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	case <-time.After(20 * time.Second):
		t.Fatal("the node does not become ready")
	}
	return api.New(address+":8470", operator.Client(nil))
}

func TestAPIRefusesBadRequests(t *testing.T) {
	c := alone(t, "127.78.200.1")
	digest := control.Digest([]byte("hello"))
	for _, r := range []struct {
		name, method, path, kind, body string
		want                           int
	}{
		{"no such path", "GET", "/v1/nothing", "", "", 404},
		{"a blob under another digest", "PUT", "/v1/blobs/" + digest, "", "hell", 400},
		{"a blob under no digest", "PUT", "/v1/blobs/xyz", "", "hello", 400},
		{"a blob", "PUT", "/v1/blobs/" + digest, "", "hello", 204},
		{"a control record that is none", "POST", "/v1/log", "application/json", "{}", 400},
		{"a control record that is cut off", "POST", "/v1/log", "application/json", `{"v":1,`, 400},
		{"a stream with a bad name", "POST", "/v1/streams/A*", "", "x", 400},
		{"NDJSON that is none", "POST", "/v1/streams/s", "application/x-ndjson", "{\n", 400},
		{"a stream that is not there", "GET", "/v1/streams/none", "", "", 404},
		{"a job that is not there", "GET", "/v1/jobs/none", "", "", 404},
		{"a bad number", "GET", "/v1/streams/s?n=x", "", "", 400},
		{"a bad time", "GET", "/v1/logs?since=yesterday", "", "", 400},
		{"a bad sequence", "GET", "/v1/results/x", "", "", 400},
	} {
		t.Run(r.name, func(t *testing.T) {
			resp, err := c.Do(t.Context(), r.method, r.path, r.kind, strings.NewReader(r.body))
			if err == nil {
				resp.Body.Close()
				if resp.StatusCode != r.want {
					t.Errorf("%s, want %d", resp.Status, r.want)
				}
				return
			}
			if !api.IsStatus(err, r.want) {
				t.Errorf("%v, want %d", err, r.want)
			}
		})
	}
	t.Run("no token", func(t *testing.T) {
		if _, err := api.New(c.Host(), &tls.Config{InsecureSkipVerify: true}).Nodes(t.Context()); !api.IsStatus(err, 401) {
			t.Errorf("%v, want 401", err)
		}
	})
	t.Run("an oversized blob is refused by its length", func(t *testing.T) {
		req, err := http.NewRequestWithContext(t.Context(), "PUT", c.Base+"/v1/blobs/"+digest, io.LimitReader(zeroes{}, 65<<20))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = 65 << 20
		req.Header.Set("Expect", "100-continue")
		transport := c.HTTP.Transport.(*http.Transport).Clone()
		transport.ExpectContinueTimeout = 5 * time.Second
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s, want 413", resp.Status)
		}
	})
	t.Run("a full stream that nobody has read refuses and keeps all", func(t *testing.T) { fillStream(t, c) })
}

type zeroes struct{}

func (zeroes) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func fillStream(t *testing.T, c *api.Client) {
	body := bytes.Repeat([]byte("x"), 512<<10)
	acked := 0
	for range 40 {
		_, err := c.PutBody(t.Context(), "full", "", "", bytes.NewReader(body))
		if api.IsStatus(err, http.StatusTooManyRequests) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		acked++
	}
	if acked == 0 || acked == 40 {
		t.Fatalf("%d appends were taken, want some to be refused", acked)
	}
	n := 0
	if err := c.Lines(t.Context(), "/v1/streams/full", func([]byte) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	if n != acked {
		t.Errorf("the stream has %d records, %d were acknowledged", n, acked)
	}
}

// FuzzAPI sends requests that a stranger might, with the token, to a node's handler.
func FuzzAPI(f *testing.F) {
	c := alone(f, fmt.Sprintf("127.79.%d.%d", os.Getpid()/250%250, os.Getpid()%250+1)) // each fuzzing process has its own
	f.Add("GET", "/v1/streams/s?from=1&n=1", "", []byte(nil))
	f.Add("POST", "/v1/log", "application/json", []byte(`{"v":1}`))
	f.Add("POST", "/v1/streams/s", "application/x-ndjson", []byte("{\"data\":\"x\"}\n"))
	f.Add("PUT", "/v1/blobs/00", "", []byte("x"))
	f.Add("GET", "/v1/jobs/x?generation=1", "", []byte(nil))
	f.Fuzz(func(t *testing.T, method, path, kind string, body []byte) {
		if strings.Contains(path, "follow") || strings.Contains(path, "wait_ms") || !strings.HasPrefix(path, "/") {
			return // these wait, as they should
		}
		if _, err := http.NewRequest(method, "http://x"+path, nil); err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		resp, err := c.Do(ctx, method, path, kind, bytes.NewReader(body))
		if err == nil {
			_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
			resp.Body.Close()
		}
		if api.IsStatus(err, http.StatusInternalServerError) {
			t.Errorf("%s %s: %v", method, path, err)
		}
	})
}

func TestAPanicOverOneRequestIsNotTheNodes(t *testing.T) {
	n := &Node{cfg: Config{}.withDefaults()}
	h := recovering(n, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("on purpose") }))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 500 {
		t.Errorf("%d, want 500", w.Code)
	}
}
