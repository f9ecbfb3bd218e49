package fleet

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet/canon"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const testNonce = "00112233445566778899aabbccddeeff"

func testHello(m *Membership) Hello {
	p := &Proposal{Round: 1, Servers: []Ref{{"a", "00000001"}, {"b", "00000002"}, {"c", "00000003"}}}
	return Hello{
		V: 1, Fleet: m.Fleet, ID: "a", Boot: "00000001", Name: "Pi <1>", Board: "host", Arch: "amd64", Version: "0.1",
		State: StateJoining, Port: DefaultPort, Waiting: "for b", SinceMS: 1500,
		Proposal: &ProposalInfo{p.Servers, p.Round, p.Incarnation(m.Fleet)},
		Log: &LogInfo{
			Incarnation: "0123456789abcdef", Role: RoleServer, Nodes: 3,
			Servers: []Server{{"a", "00000001", netip.MustParseAddr("10.0.0.1")}, {"b", "00000002", netip.MustParseAddr("fe80::1%eth0")}},
		},
	}
}

func TestHelloKeepsItsForm(t *testing.T) {
	m := testMembership()
	h := testHello(m)
	raw, err := encodeHello(h, m.Token, testNonce)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "hello.json", raw)
	back, err := ParseHello(raw, m, testNonce)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&h, back, cmpopts.IgnoreFields(Hello{}, "Proof"), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Fatalf("parsed differs:\n%s", diff)
	}
}

func TestParseHelloRefuses(t *testing.T) {
	m := testMembership()
	other := testMembership()
	other.Token = []byte(strings.Repeat("x", 32))
	stranger := testMembership()
	stranger.Fleet = "0000000000000000"
	change := func(f func(h *Hello)) func() ([]byte, error) {
		return func() ([]byte, error) {
			h := testHello(m)
			f(&h)
			return encodeHello(h, m.Token, testNonce)
		}
	}
	for _, tt := range []struct {
		name string
		raw  func() ([]byte, error)
		want error
	}{
		{"another fleet", func() ([]byte, error) { return encodeHello(testHello(stranger), stranger.Token, testNonce) }, ErrOtherFleet},
		{"another token", func() ([]byte, error) { return encodeHello(testHello(m), other.Token, testNonce) }, ErrBadProof},
		{"an old answer", func() ([]byte, error) { return encodeHello(testHello(m), m.Token, "ffffffffffffffff") }, ErrBadProof},
		{"no proof", func() ([]byte, error) { return canon.Marshal(testHello(m)) }, ErrBadProof},
		{"another version", change(func(h *Hello) { h.V = 2 }), ErrMalformed},
		{"an id that is no DNS label", change(func(h *Hello) { h.ID = "a.b" }), ErrMalformed},
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
			if _, err := ParseHello(raw, m, testNonce); !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
		})
	}
}

func TestParseHelloIgnoresWhatItDoesNotKnow(t *testing.T) {
	m := testMembership()
	raw, err := encodeHello(testHello(m), m.Token, testNonce)
	if err != nil {
		t.Fatal(err)
	}
	v, err := canon.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	object := v.(map[string]any)
	delete(object, "proof")
	object["future"] = "x"
	body, err := canon.Encode(object)
	if err != nil {
		t.Fatal(err)
	}
	object["proof"] = Prove(m.Token, testNonce, body)
	if raw, err = canon.Encode(object); err != nil {
		t.Fatal(err)
	}
	if _, err := ParseHello(raw, m, testNonce); err != nil {
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

func TestAskVerifiesWhoAnswers(t *testing.T) {
	a := testAgent(t, Config{Name: "Pi"})
	server := httptest.NewServer(a.Handler())
	defer server.Close()
	addr := strings.TrimPrefix(server.URL, "http://")
	h, err := Ask(t.Context(), nil, testMembership(), addr)
	if err != nil || h.ID != "a" || h.Name != "Pi" {
		t.Fatalf("hello %+v, error %v", h, err)
	}
	m := testMembership()
	m.Token = []byte(strings.Repeat("x", 32))
	if _, err := Ask(t.Context(), nil, m, addr); !errors.Is(err, ErrBadProof) {
		t.Errorf("with another token: error %v, want %v", err, ErrBadProof)
	}
	m.Fleet = "0000000000000000"
	if _, err := Ask(t.Context(), nil, m, addr); !errors.Is(err, ErrOtherFleet) {
		t.Errorf("for another fleet: error %v, want %v", err, ErrOtherFleet)
	}
}

func TestAskRefusesServersThatMisbehave(t *testing.T) {
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
			t.Parallel()
			server := httptest.NewServer(handler)
			defer server.Close()
			begun := time.Now()
			if _, err := Ask(t.Context(), nil, testMembership(), strings.TrimPrefix(server.URL, "http://")); err == nil {
				t.Fatal("no error")
			}
			if took := time.Since(begun); took > 3*HelloTimeout {
				t.Fatalf("took %v", took)
			}
		})
	}
}

func TestHandlerWantsANonce(t *testing.T) {
	server := httptest.NewServer(testAgent(t, Config{}).Handler())
	defer server.Close()
	for _, nonce := range []string{"", "short", strings.Repeat("0", 65), "XYZXYZXYZXYZXYZX"} {
		resp, err := http.Get(server.URL + "/v1/hello?nonce=" + nonce)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("nonce %q: %s", nonce, resp.Status)
		}
	}
}

func FuzzParseHello(f *testing.F) {
	m := testMembership()
	good, err := encodeHello(testHello(m), m.Token, testNonce)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"v":1,"proposal":{"servers":[]},"log":{}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := ParseHello(raw, m, testNonce); err == nil && string(raw) != string(good) {
			if c, err := canon.Transform(raw); err != nil || string(c) != string(good) {
				t.Fatalf("%q was accepted", raw)
			}
		}
		// What a member of the fleet could send: the same bytes, proved.
		body, _, err := splitProof(raw)
		if err != nil {
			return
		}
		v, err := canon.Parse(body)
		if err != nil {
			t.Fatal(err)
		}
		object := v.(map[string]any)
		object["fleet"] = m.Fleet
		if body, err = canon.Encode(object); err != nil {
			t.Fatal(err)
		}
		object["proof"] = Prove(m.Token, testNonce, body)
		proved, err := canon.Encode(object)
		if err != nil {
			t.Fatal(err)
		}
		h, err := ParseHello(proved, m, testNonce)
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
