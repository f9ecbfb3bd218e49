package control

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"

	"github.com/capodekappa/capo/fleet/trust"
)

var (
	operator = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	stranger = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32))
	verifier = Verifier{Fleet: "f1", Log: "l1", Operators: []ed25519.PublicKey{operator.Public().(ed25519.PublicKey)}}
)

func record(t *testing.T, change func(*Record), key ed25519.PrivateKey) *Record {
	t.Helper()
	c := &Record{Fleet: "f1", Log: "l1", Kind: KindJob, Target: "edges", Generation: 1}
	if change != nil {
		change(c)
	}
	if err := c.Seal(map[string]any{"name": "edges"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Sign(key); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCheckBelievesOnlyWhatAnOperatorSigned(t *testing.T) {
	tampered := func(change func(*Record)) func(*testing.T) *Record {
		return func(t *testing.T) *Record { c := record(t, nil, operator); change(c); return c }
	}
	for _, c := range []struct {
		name string
		make func(*testing.T) *Record
		want error
	}{
		{"signed by the operator", func(t *testing.T) *Record { return record(t, nil, operator) }, nil},
		{"signed by a stranger", func(t *testing.T) *Record { return record(t, nil, stranger) }, ErrSigner},
		{"of another fleet", func(t *testing.T) *Record { return record(t, func(c *Record) { c.Fleet = "f2" }, operator) }, ErrFleet},
		{"of another log", func(t *testing.T) *Record { return record(t, func(c *Record) { c.Log = "l2" }, operator) }, ErrOtherLog},
		{"another body", tampered(func(c *Record) { c.Body = []byte(`{"name":"other"}`) }), ErrSignature},
		{"another body and digest", tampered(func(c *Record) { c.Body = []byte(`{}`); c.Digest = Digest(c.Body) }), ErrSignature},
		{"another target", tampered(func(c *Record) { c.Target = "other" }), ErrSignature},
		{"another generation", tampered(func(c *Record) { c.Generation = 9 }), ErrSignature},
		{"another kind", tampered(func(c *Record) { c.Kind = KindRemove }), ErrSignature},
		{"made an event", tampered(func(c *Record) { c.Kind = KindEvent; c.Signer = "node:x" }), ErrSignature},
		{"a stranger's signature under the operator's name", tampered(func(c *Record) {
			s := c.Signer
			if err := c.Sign(stranger); err == nil {
				c.Signer = s
			}
		}), ErrSignature},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := verifier.Check(c.make(t)); !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestEventsAreProvedByTheNodesCertificate(t *testing.T) {
	ca, err := trust.NewCA("test")
	if err != nil {
		t.Fatal(err)
	}
	token, err := ca.Issue("test")
	if err != nil {
		t.Fatal(err)
	}
	roots := trust.Roots{CA: ca.Cert}
	v := verifier
	v.Authority = trust.NewAuthority(roots, trust.Options{})
	enter := func(id string) (*trust.Authority, *trust.Speaker) {
		a := trust.NewAuthority(roots, trust.Options{})
		s, err := trust.NewSpeaker(a, token, id, trust.Names{})
		if err != nil {
			t.Fatal(err)
		}
		return a, s
	}
	a, speaker := enter("a")
	event := func(says string) *Record {
		c := &Record{Fleet: "f1", Log: "l1", Kind: KindEvent, Target: "log-l0", Generation: 1}
		if err := c.Seal(map[string]any{"event": "merged"}); err != nil {
			t.Fatal(err)
		}
		if err := c.SignEvent(says, speaker.Key(), a.Own().Certificate); err != nil {
			t.Fatal(err)
		}
		return c
	}
	if err := v.Check(event("a")); err != nil {
		t.Error(err)
	}
	if err := v.Check(event("b")); !errors.Is(err, ErrSigner) {
		t.Errorf("in another node's name: %v", err)
	}
	changed := event("a")
	changed.Target = "log-l1"
	if err := v.Check(changed); !errors.Is(err, ErrSignature) {
		t.Errorf("changed: %v", err)
	}
	bare := event("a")
	bare.Chain = nil
	if err := v.Check(bare); !errors.Is(err, ErrSignature) {
		t.Errorf("without a certificate: %v", err)
	}
	v.Authority.Revoke("node:a")
	if err := v.Check(event("a")); !errors.Is(err, ErrSigner) {
		t.Errorf("of a revoked node: %v", err)
	}
	signed := record(t, nil, operator)
	signed.Chain = []string{"x"}
	if err := v.Check(signed); !errors.Is(err, ErrMalformed) {
		t.Errorf("certificates in an operator's record: %v", err)
	}
}

func TestLedgerTakesOnlyNewerGenerations(t *testing.T) {
	var l Ledger
	at := func(generation uint64, body string) *Record {
		return &Record{Kind: KindJob, Target: "edges", Generation: generation, Digest: Digest([]byte(body))}
	}
	for i, step := range []struct {
		c        *Record
		repeated bool
		want     error
	}{
		{at(2, "a"), false, nil},
		{at(2, "a"), true, nil},
		{at(2, "b"), false, ErrSameGen},
		{at(1, "c"), false, ErrGeneration},
		{at(7, "d"), false, nil},
		{&Record{Kind: KindRemove, Target: "edges", Generation: 7, Digest: Digest([]byte("d"))}, false, ErrSameGen},
		{&Record{Kind: KindRemove, Target: "edges", Generation: 3, Digest: Digest([]byte("d"))}, false, ErrGeneration},
		{&Record{Kind: KindStream, Target: "edges", Generation: 1, Digest: Digest([]byte("e"))}, false, nil},
	} {
		repeated, err := l.Accept(step.c)
		if repeated != step.repeated || !errors.Is(err, step.want) || step.want == nil && err != nil {
			t.Errorf("step %d: %v, %v; want %v, %v", i, repeated, err, step.repeated, step.want)
		}
	}
	if got := l.Generation("job", "edges"); got != 7 {
		t.Errorf("generation %d, want 7: a refused record left a mark", got)
	}
}

func TestParseRefusesWhatIsNoRecord(t *testing.T) {
	good, err := record(t, nil, operator).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(good); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"cut off":                  good[:len(good)/2],
		"empty":                    nil,
		"another form":             []byte(`[1]`),
		"more behind it":           append(bytes.Clone(good), good...),
		"unknown kind":             bytes.Replace(good, []byte(`"kind":"job"`), []byte(`"kind":"jab"`), 1),
		"a later v":                bytes.Replace(good, []byte(`"v":1`), []byte(`"v":2`), 1),
		"a target with a wildcard": bytes.Replace(good, []byte(`"target":"edges"`), []byte(`"target":"e.>"`), 1),
		"too large":                append([]byte(`{"v":1,"kind":"`), bytes.Repeat([]byte("x"), MaxBytes)...),
	} {
		if _, err := Parse(data); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
}

func TestStreamNames(t *testing.T) {
	for name, ok := range map[string]bool{"frames": true, "edges.dead": true, "out@3f2a": true, "": false, "Frames": false, "a b": false, "a*": false, "-a": false, strings.Repeat("a", 65): false} {
		if err := ValidStream(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"v":1,"fleet":"f1","log":"l1","kind":"job","target":"edges","generation":1,"digest":"","signer":"","sig":"","body":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if c == nil {
			t.Fatal("no record beside the error")
		}
		if err == nil && verifier.Check(c) == nil {
			t.Errorf("bytes that nobody signed are believed: %q", data)
		}
	})
}
