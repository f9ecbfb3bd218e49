package fleet

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet/canon"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/google/go-cmp/cmp"
)

func testHello(m *Membership) Hello {
	p := &Proposal{Round: 1, Servers: []Ref{{"a", "00000001"}, {"b", "00000002"}, {"c", "00000003"}}}
	return Hello{
		V: 2, Fleet: m.ID(), ID: "a", Boot: "00000001", Name: "Pi <1>", Board: "host", Arch: "amd64", Version: "0.1",
		State: StateJoining, Port: DefaultPort, Waiting: "for b", SinceMS: 1500,
		Proposal: &ProposalInfo{p.Servers, p.Round, p.Incarnation(m.ID())},
		Log: &LogInfo{
			Incarnation: "0123456789abcdef", Role: RoleServer, Nodes: 3,
			Servers: []Server{{"a", "00000001", netip.MustParseAddr("10.0.0.1")}, {"b", "00000002", netip.MustParseAddr("fe80::1%eth0")}},
		},
	}
}

func TestHelloKeepsItsForm(t *testing.T) {
	m := testMembership()
	h := testHello(m)
	raw, err := canon.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "hello.json", raw)
	back, err := ParseHello(raw, m.ID(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&h, back, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Fatalf("parsed differs:\n%s", diff)
	}
}

func TestParseHelloRefuses(t *testing.T) {
	m := testMembership()
	change := func(f func(h *Hello)) func() ([]byte, error) {
		return func() ([]byte, error) {
			h := testHello(m)
			f(&h)
			return canon.Marshal(h)
		}
	}
	for _, tt := range []struct {
		name string
		raw  func() ([]byte, error)
		want error
	}{
		{"another fleet", change(func(h *Hello) { h.Fleet = "0000000000000000" }), ErrOtherFleet},
		{"another id than the certificate's", change(func(h *Hello) { h.ID = "b" }), ErrBadProof},
		{"another version", change(func(h *Hello) { h.V = 1 }), ErrMalformed},
		{"an id that is no DNS label", change(func(h *Hello) { h.Log.Servers[0].ID = "a.b" }), ErrMalformed},
		{"a boot that is no nonce", change(func(h *Hello) { h.Boot = "x" }), ErrMalformed},
		{"no port", change(func(h *Hello) { h.Port = 0 }), ErrMalformed},
		{"a long name", change(func(h *Hello) { h.Name = strings.Repeat("x", 65) }), ErrMalformed},
		{"an incarnation that is not the proposal's", change(func(h *Hello) { h.Proposal.Round++ }), ErrMalformed},
		{"an unknown role", change(func(h *Hello) { h.Log.Role = "boss" }), ErrMalformed},
		{"a log without servers", change(func(h *Hello) { h.Log.Servers = nil }), ErrMalformed},
		{"a server at a multicast address", change(func(h *Hello) { h.Log.Servers[0].Addr = netip.MustParseAddr("224.0.0.251") }), ErrMalformed},
		{"no JSON", func() ([]byte, error) { return []byte("HTTP/1.1"), nil }, ErrMalformed},
		{"an array", func() ([]byte, error) { return []byte("[]"), nil }, ErrMalformed},
		{"too long", func() ([]byte, error) { return []byte(strings.Repeat(" ", MaxHelloBytes+1)), nil }, ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw, err := tt.raw()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ParseHello(raw, m.ID(), "a"); !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
		})
	}
}

func TestParseHelloIgnoresWhatItDoesNotKnow(t *testing.T) {
	m := testMembership()
	raw, err := canon.Marshal(testHello(m))
	if err != nil {
		t.Fatal(err)
	}
	v, err := canon.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	v.(map[string]any)["future"] = "x"
	if raw, err = canon.Encode(v); err != nil {
		t.Fatal(err)
	}
	if _, err := ParseHello(raw, m.ID(), "a"); err != nil {
		t.Fatal(err)
	}
}

func testAgent(t *testing.T, cfg Config) *Agent {
	t.Helper()
	if cfg.Membership == nil {
		cfg.Membership = testMembership()
	}
	if cfg.ID == "" {
		cfg.ID, cfg.Boot = "a", "00000001"
	}
	a, err := newAgent(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// serveTLS serves a handler as the node id of the fleet.
func serveTLS(t *testing.T, m *Membership, id string, handler http.Handler) (addr string) {
	t.Helper()
	authority, _, err := m.Enter(id, trust.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)}
	go server.Serve(authority.Listener(l))
	t.Cleanup(func() { server.Close() })
	return l.Addr().String()
}

func member(t *testing.T, m *Membership, id string) *trust.Authority {
	t.Helper()
	a, _, err := m.Enter(id, trust.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAskVerifiesWhoAnswers(t *testing.T) {
	m := testMembership()
	handler := testAgent(t, Config{Name: "Pi"}).Handler()
	addr := serveTLS(t, m, "a", handler)
	h, err := Ask(t.Context(), nil, member(t, m, "b"), addr)
	if err != nil || h.ID != "a" || h.Name != "Pi" {
		t.Fatalf("hello %+v, error %v", h, err)
	}
	if _, err := Ask(t.Context(), nil, member(t, m, "b"), serveTLS(t, m, "c", handler)); !errors.Is(err, ErrBadProof) {
		t.Errorf("a node that says it is another: error %v, want %v", err, ErrBadProof)
	}
	other, err := New("other")
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := other.WithToken("test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Ask(t.Context(), nil, member(t, m, "b"), serveTLS(t, stranger, "a", handler)); !errors.Is(err, trust.ErrOtherFleet) {
		t.Errorf("a node of another fleet: error %v, want %v", err, trust.ErrOtherFleet)
	}
	if _, err := Ask(t.Context(), nil, member(t, stranger, "b"), addr); !errors.Is(err, trust.ErrOtherFleet) {
		t.Errorf("asked by another fleet: error %v, want %v", err, trust.ErrOtherFleet)
	}
	bare := *m
	bare.Token = nil
	var waits *trust.UnapprovedError
	if _, err := Ask(t.Context(), nil, member(t, m, "b"), serveTLS(t, &bare, "a", handler)); !errors.As(err, &waits) || waits.ID != "a" {
		t.Errorf("a node without a certificate: error %v, want one that says it waits", err)
	}
	revoking := member(t, m, "b")
	revoking.Revoke("node:a")
	if _, err := Ask(t.Context(), nil, revoking, addr); !errors.Is(err, trust.ErrRevoked) {
		t.Errorf("a node that was revoked: error %v, want %v", err, trust.ErrRevoked)
	}
}

func TestAskRefusesServersThatMisbehave(t *testing.T) {
	m := testMembership()
	for name, handler := range map[string]http.HandlerFunc{
		"redirects": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/v1/hello?again", http.StatusFound) },
		"sends without end": func(w http.ResponseWriter, r *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		},
		"sends nothing": func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"fails":         func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusInternalServerError) },
	} {
		t.Run(name, func(t *testing.T) {
			addr := serveTLS(t, m, "a", handler)
			begun := time.Now()
			if _, err := Ask(t.Context(), nil, member(t, m, "b"), addr); err == nil {
				t.Fatal("no error")
			}
			if took := time.Since(begun); took > 3*HelloTimeout {
				t.Fatalf("took %v", took)
			}
		})
	}
}

func FuzzParseHello(f *testing.F) {
	m := testMembership()
	good, err := canon.Marshal(testHello(m))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"v":2,"proposal":{"servers":[]},"log":{}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		// What a member of the fleet could send: the same bytes, under its own id.
		v, err := canon.Parse(raw)
		if err != nil {
			if _, err := ParseHello(raw, m.ID(), "a"); err == nil {
				t.Fatalf("%q was accepted", raw)
			}
			return
		}
		object, ok := v.(map[string]any)
		if !ok {
			return
		}
		object["fleet"], object["id"] = m.ID(), "a"
		if raw, err = canon.Encode(object); err != nil {
			t.Fatal(err)
		}
		h, err := ParseHello(raw, m.ID(), "a")
		if err != nil {
			return
		}
		a := testFuzzAgent(m)
		a.answer(&peer{}, h, netip.AddrPort{}, netip.Addr{}, nil)
		a.peers["x"] = &peer{hello: h, answered: a.cfg.Clock()}
		a.step()
	})
}

func testFuzzAgent(m *Membership) *Agent {
	a, _ := newAgent(Config{Membership: m, ID: "self", Boot: "0000000a"})
	return a
}
