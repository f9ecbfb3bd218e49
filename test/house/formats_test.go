package house

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/canon"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/jsrt/job"
	"github.com/capodekappa/capo/node"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/node/seal"
	"github.com/capodekappa/capo/queue/control"
)

// The fleet of the goldens. Its keys are known to everybody who reads this.
const goldenLog = "0123456789abcdef"

var goldenTime = time.Date(2026, 11, 22, 12, 34, 56, 789e6, time.UTC)

func goldenKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

// goldenMembership is that of the golden file. -update makes another fleet, with another CA.
func goldenMembership(t *testing.T) *fleet.Membership {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "docs", "goldens", "fleet.json"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := fleet.ParseMembership(bytes.TrimSpace(raw))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newGoldenMembership(t *testing.T) []byte {
	t.Helper()
	f, err := fleet.New("golden")
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.WithToken("golden")
	if err != nil {
		t.Fatal(err)
	}
	m.Operators = []ed25519.PublicKey{goldenKey().Public().(ed25519.PublicKey)}
	m.Labels = map[string]string{"site": "lab"}
	raw, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestFleetFileIsAsDescribed(t *testing.T) {
	goldenFile(t, "fleet.json", newGoldenMembership)
	got, err := goldenMembership(t).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "fleet.json", got)
}

// goldenHello is what a server of a log says that gives way to another.
func goldenHello(m *fleet.Membership) fleet.Hello {
	a := netip.MustParseAddr("10.0.0.1")
	p := fleet.Proposal{Round: 1, Servers: []fleet.Ref{{ID: "pi-1", Boot: "00000000000000a1"}}}
	return fleet.Hello{
		V: 2, Fleet: m.ID(), ID: "pi-1", Boot: "00000000000000a1", Name: "pi1", Board: "raspberrypi4", Arch: "arm64", Version: "v0.1.0",
		State: fleet.StateReady, Port: fleet.DefaultPort, Round: 1, LastLog: goldenLog, SinceMS: 61500, TimeMS: goldenTime.UnixMilli(),
		Proposal: &fleet.ProposalInfo{Servers: p.Servers, Round: p.Round, Incarnation: p.Incarnation(m.ID())},
		Log: &fleet.LogInfo{Incarnation: goldenLog, Role: fleet.RoleServer, Nodes: 1, MergeInto: "00112233445566aa",
			Servers: []fleet.Server{{ID: "pi-1", Boot: "00000000000000a1", Addr: a}}},
	}
}

func TestHelloIsAsDescribed(t *testing.T) {
	m := goldenMembership(t)
	raw, err := canon.Marshal(goldenHello(m))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "hello.json", raw)
	if _, err := fleet.ParseHello(raw, m.ID(), "pi-1"); err != nil {
		t.Errorf("the golden hello is refused: %v", err)
	}
}

func goldenManifest() api.Manifest {
	part := func(text string) api.Part {
		return api.Part{Digest: control.Digest([]byte(text)), Bytes: int64(len(text))}
	}
	return api.Manifest{
		Name: "edges", File: "edges.ts", JS: part("var __capo = {};"), Map: part("{}"), Handlers: []string{"queue"}, On: "site=lab",
		Settings: job.Job{
			Name: "edges", Handlers: []string{"queue"}, In: "frames", Out: "edges", Dead: "edges.dead", Delivery: job.Once,
			Batch: job.Batch{Size: 16, WaitMS: 20}, Retry: job.Retry{Max: 3, BackoffMinMS: 200, BackoffMaxMS: 5000},
			Needs: job.Needs{MemBytes: 64 << 20, TimeMS: 30000, Arch: []string{"amd64", "arm64"}},
			Place: job.Place{On: "board=de10-nano", Copies: 3},
		},
	}
}

func TestControlRecordsAreAsDescribed(t *testing.T) {
	m := goldenMembership(t)
	authority, speaker, err := m.Enter("pi-1", trust.Options{})
	if err != nil {
		t.Fatal(err)
	}
	verifier := control.Verifier{Fleet: m.ID(), Log: goldenLog, Operators: m.Operators, Authority: authority}
	key := trust.OperatorFingerprint(m.Operators[0])
	tests := []struct {
		kind, target string
		generation   uint64
		body         any
	}{
		{control.KindJob, "edges", 1, goldenManifest()},
		{control.KindRemove, "edges", 2, struct{}{}},
		{control.KindStream, "frames", 1, api.StreamSet{MaxBytes: 64 << 20, KeepMS: 3600000, Partitions: 8, Replicas: 3}},
		{control.KindRun, "edges-5f3a9c01", 1, api.Run{Manifest: goldenManifest(), Nodes: map[string]string{"pi-1": "00000000000000a1"},
			Record: &api.RecordRef{Stream: "frames", Seq: 42}}},
		{control.KindRevoke, "0123456789abcdef", 1, api.Revoke{Marks: []string{"image:0123456789abcdef"}}},
		{control.KindApprove, "pi-2", 1, api.Approve{ID: "pi-2", Key: key}},
		{control.KindOperator, key[:16], 1, api.OperatorSet{Key: base64.StdEncoding.EncodeToString(m.Operators[0]), Name: "ada"}},
		{control.KindSecret, "API_KEY", 1, goldenSecret(t, m)},
		{control.KindEvent, "log-fedcba9876543210", 1, node.MergeReport{Event: "merged", From: "fedcba9876543210", Into: goldenLog, Records: 3,
			Streams: map[string]int{"frames": 2}, Blobs: []api.Part{{Digest: control.Digest(nil), Bytes: 0}}}},
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			c := &control.Record{Fleet: m.ID(), Log: goldenLog, Kind: tt.kind, Target: tt.target, Generation: tt.generation, Time: goldenTime.UnixMilli()}
			if err := c.Seal(tt.body); err != nil {
				t.Fatal(err)
			}
			sign := func() error { return c.Sign(goldenKey()) }
			if tt.kind == control.KindEvent {
				sign = func() error { return c.SignEvent("pi-1", speaker.Key(), authority.Own().Certificate) }
			}
			if err := sign(); err != nil {
				t.Fatal(err)
			}
			raw, err := c.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if tt.kind == control.KindEvent || tt.kind == control.KindSecret { // signed, or sealed, otherwise each time: the golden is one of them
				raw = goldenFile(t, "control-"+tt.kind+".json", func(*testing.T) []byte { return raw })
			} else {
				golden(t, "control-"+tt.kind+".json", raw)
			}
			back, err := control.Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			if err := verifier.Check(back); err != nil {
				t.Errorf("the golden record is refused: %v", err)
			}
		})
	}
}

// goldenSealKey is the key of the node that the golden secret is sealed to.
func goldenSealKey(t *testing.T) hpke.PrivateKey {
	t.Helper()
	key, err := hpke.DHKEM(ecdh.X25519()).DeriveKeyPair(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func goldenSecretContext(m *fleet.Membership) seal.Context {
	return seal.Context{Fleet: m.ID(), Log: goldenLog, Name: "API_KEY", Generation: 1}
}

func goldenSecret(t *testing.T, m *fleet.Membership) api.SecretSet {
	t.Helper()
	set, err := seal.Seal(goldenSecretContext(m), []byte("swordfish"), []seal.Recipient{{Node: "pi-1", Boot: "00000000000000a1", Key: goldenSealKey(t).PublicKey().Bytes()}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestSealKeyIsAsDescribed(t *testing.T) {
	m := goldenMembership(t)
	authority, speaker, err := m.Enter("pi-1", trust.Options{})
	if err != nil {
		t.Fatal(err)
	}
	raw := goldenFile(t, "seal-key.json", func(t *testing.T) []byte {
		k, err := seal.SignKey(m.ID(), "pi-1", "00000000000000a1", goldenSealKey(t).PublicKey(), speaker.Key(), authority.Own().Certificate)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := canon.Marshal(k)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	})
	var k api.SealKey
	if err := json.Unmarshal(raw, &k); err != nil {
		t.Fatal(err)
	}
	if r, err := seal.VerifyKey(authority, k); err != nil || r.Node != "pi-1" || !bytes.Equal(r.Key, goldenSealKey(t).PublicKey().Bytes()) {
		t.Errorf("the golden key is %+v, %v", r, err)
	}
}

func TestGoldenSecretOpens(t *testing.T) {
	m := goldenMembership(t)
	raw, err := os.ReadFile(filepath.Join(root, "docs", "goldens", "control-secret.json"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := control.Parse(bytes.TrimSpace(raw))
	if err != nil {
		t.Fatal(err)
	}
	set, err := seal.Parse(c.Body)
	if err != nil {
		t.Fatal(err)
	}
	key, _, err := seal.OpenCopy(goldenSecretContext(m), set, "pi-1", "00000000000000a1", goldenSealKey(t))
	if err != nil {
		t.Fatal(err)
	}
	if value, err := seal.OpenValue(goldenSecretContext(m), set, key); value != "swordfish" || err != nil {
		t.Errorf("the golden secret is %q, %v", value, err)
	}
}

func TestPlainFormsAreAsDescribed(t *testing.T) {
	text, binary := "{\"n\":1}", "AAEC/w=="
	tests := []struct {
		name string
		v    any
	}{
		{"line", api.Line{Time: goldenTime, Node: "pi-1", Job: "edges", Level: "info", Message: "12 frames <ok>"}},
		{"result", []api.Result{
			{Node: "pi-1", OK: true, Value: json.RawMessage(`{"answer":42}`), TookMS: 12},
			{Node: "pi-2", Error: &api.RunError{Message: "TypeError: x is not a function", File: "edges.ts", Line: 12, Column: 7}, TookMS: 3},
		}},
		{"record", []api.Record{
			{Seq: 1, Time: goldenTime, Key: "cam1", Headers: map[string]string{"content-type": "application/json"}, Data: &text},
			{Seq: 2, Time: goldenTime, Headers: nil, DataB64: &binary},
		}},
		{"put", []api.PutRecord{{Key: "cam1", Type: "application/json", Headers: map[string]string{"site": "lab"}, Data: text}, {DataB64: []byte{0, 1, 2, 255}}}},
		{"problem", api.Problem{Type: "about:blank", Title: "Request Entity Too Large", Status: 413, Detail: "blob is over the limit of 67108864 bytes", Limit: 64 << 20}},
		{"host", node.HostFile{ID: "host-1", Name: "host-1", Board: "host", Labels: map[string]string{}, Address: "127.77.0.1", Port: 8470,
			Interfaces: []string{"lo"}, Size: 3, Expect: 3, Fleet: "fleet.json", Store: "store", MaxMemory: 64 << 20, Log: "node.log", Level: "info", TTLMS: 60000}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			enc := json.NewEncoder(&b)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(tt.v); err != nil {
				t.Fatal(err)
			}
			golden(t, tt.name+".json", b.Bytes())
		})
	}
}
