package trust

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"
)

// house is a fleet with one operator, one image and one node, and what is needed to forge more.
type house struct {
	t        *testing.T
	ca       *CA
	token    *Intermediate
	key      *Key
	operator ed25519.PrivateKey
	mu       sync.Mutex // guards counted
	counted  []string
	*Authority
}

// reasons are those that were counted.
func (h *house) reasons() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.counted)
}

func newHouse(t *testing.T, o Options, marks ...string) *house {
	t.Helper()
	h := &house{t: t}
	h.ca = must(NewCA("test"))(t)
	h.token = must(h.ca.Issue("test"))(t)
	h.key = must(NewKey())(t)
	_, h.operator, _ = ed25519.GenerateKey(rand.Reader)
	o.Count = func(reason string) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.counted = append(h.counted, reason)
	}
	h.Authority = NewAuthority(Roots{CA: h.ca.Cert, Operators: []ed25519.PublicKey{h.operatorPublic()}, Revoked: marks}, o)
	return h
}

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (h *house) operatorPublic() ed25519.PublicKey { return h.operator.Public().(ed25519.PublicKey) }

// leaf is a node's certificate by a join token.
func (h *house) leaf(by *Intermediate, fleet, id string) *x509.Certificate {
	h.t.Helper()
	der := must(by.Sign(fleet, id, &h.key.private.PublicKey, NodeNames(id)))(h.t)
	return must(x509.ParseCertificate(der))(h.t)
}

// forge makes a certificate as an attacker would who has the parent's key.
func (h *house) forge(uri string, ca bool, parent *x509.Certificate, by *Key) *Intermediate {
	h.t.Helper()
	key := must(NewKey())(h.t)
	t := template("forged")
	if uri != "" {
		t.URIs = []*url.URL{must(url.Parse(uri))(h.t)}
	}
	t.BasicConstraintsValid, t.IsCA = true, ca
	t.KeyUsage = x509.KeyUsageDigitalSignature
	if ca {
		t.KeyUsage |= x509.KeyUsageCertSign
	}
	if parent == nil {
		parent, by = t, key
	}
	return &Intermediate{must(sign(t, parent, &key.private.PublicKey, by.private))(h.t), key.private}
}

// speak has the house's authority show the house's node, and returns the TLS certificate.
func (h *house) speak() *tls.Certificate {
	h.t.Helper()
	c := must(h.key.Certificate(h.leaf(h.token, h.Fleet(), "n1").Raw, h.token.Cert.Raw))(h.t)
	h.Speak(c)
	return c
}

func TestIdentifyTellsWhoANodeIs(t *testing.T) {
	h := newHouse(t, Options{})
	got, err := h.Identify([]*x509.Certificate{h.leaf(h.token, h.Fleet(), "n1"), h.token.Cert})
	want := Identity{Role: RoleNode, ID: "n1", Image: h.token.Serial(), Key: Fingerprint(must(h.key.Public())(t))}
	if err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if again, err := h.Identify([]*x509.Certificate{h.leaf(h.token, h.Fleet(), "n1"), h.token.Cert, h.ca.Cert}); err != nil || again != want {
		t.Errorf("with the CA in its chain: %+v, %v", again, err)
	}
}

func TestIdentifyRefusesWhatTheCADoesNotStandBehind(t *testing.T) {
	h := newHouse(t, Options{})
	other := newHouse(t, Options{})
	node := "capo://" + h.Fleet() + "/node/n1"
	signer := &Key{h.token.Key}
	second := h.forge("", true, h.token.Cert, signer)
	grown := h.forge(node, true, h.token.Cert, signer)
	ca := &Key{h.ca.Key}
	_, stranger, _ := ed25519.GenerateKey(rand.Reader)
	chain := func(c ...*x509.Certificate) []*x509.Certificate { return c }
	operator := func(fleet string, key ed25519.PrivateKey) *x509.Certificate {
		return must(OperatorCertificate(fleet, key))(t).Leaf
	}
	for _, c := range []struct {
		name  string
		chain []*x509.Certificate
		want  error
	}{
		{"nothing", nil, ErrNoCredentials},
		{"another fleet's node", chain(other.leaf(other.token, other.Fleet(), "n1"), other.token.Cert), ErrOtherFleet},
		{"another fleet's node that says it is of this one", chain(other.leaf(other.token, h.Fleet(), "n1"), other.token.Cert), ErrUnknownCA},
		{"another fleet's node with this fleet's join token beside it", chain(other.leaf(other.token, h.Fleet(), "n1"), h.token.Cert), ErrUnknownCA},
		{"a node of this CA that names another fleet", chain(h.leaf(h.token, other.Fleet(), "n1"), h.token.Cert), ErrOtherFleet},
		{"no join token behind it", chain(h.leaf(h.token, h.Fleet(), "n1")), ErrUnknownCA},
		{"the CA in its join token's place", chain(h.leaf(h.token, h.Fleet(), "n1"), h.ca.Cert), ErrUnknownCA},
		{"signed by the CA itself", chain(h.forge(node, false, h.ca.Cert, ca).Cert, h.ca.Cert), ErrUnknownCA},
		{"a join token that made another", chain(h.leaf(second, h.Fleet(), "n1"), second.Cert, h.token.Cert), ErrUnknownCA},
		{"a node that made another", chain(h.leaf(grown, h.Fleet(), "n2"), grown.Cert, h.token.Cert), ErrUnknownCA},
		{"the join token itself", chain(h.token.Cert, h.ca.Cert), ErrUnknownCA},
		{"the CA itself", chain(h.ca.Cert), ErrUnknownCA},
		{"a long chain whose join token comes too late", chain(h.leaf(h.token, h.Fleet(), "n1"), h.ca.Cert, h.ca.Cert, h.ca.Cert, h.token.Cert), ErrUnknownCA},
		{"an operator by a join token", chain(h.forge("capo://"+h.Fleet()+"/operator/key", false, h.token.Cert, signer).Cert, h.token.Cert), ErrUnknownCA},
		{"a viewer by a join token", chain(h.forge("capo://"+h.Fleet()+"/viewer/0123456789abcdef", false, h.token.Cert, signer).Cert, h.token.Cert), ErrUnknownCA},
		{"the core by a join token", chain(h.forge("capo://"+h.Fleet()+"/core/n1", false, h.token.Cert, signer).Cert, h.token.Cert), ErrUnknownCA},
		{"an operator that it signed itself, with a node's kind of key", chain(h.forge("capo://"+h.Fleet()+"/operator/key", false, nil, nil).Cert), ErrUnknownCA},
		{"a node that it signed itself", chain(h.forge(node, false, nil, nil).Cert), ErrUnknownCA},
		{"nobody's", chain(h.forge("", false, h.token.Cert, signer).Cert, h.token.Cert), ErrUnknownCA},
		{"another scheme", chain(h.forge("spiffe://"+h.Fleet()+"/node/n1", false, h.token.Cert, signer).Cert, h.token.Cert), ErrUnknownCA},
		{"an id that means all", chain(h.forge("capo://"+h.Fleet()+"/node/*", false, h.token.Cert, signer).Cert, h.token.Cert), ErrUnknownCA},
		{"an id that means two words", chain(h.forge("capo://"+h.Fleet()+"/node/n1.n2", false, h.token.Cert, signer).Cert, h.token.Cert), ErrUnknownCA},
		{"an id with a line in it", chain(h.forge("capo://"+h.Fleet()+"/node/n1%0Aready", false, h.token.Cert, signer).Cert, h.token.Cert), ErrUnknownCA},
		{"no id", chain(h.forge("capo://"+h.Fleet()+"/node/", false, h.token.Cert, signer).Cert, h.token.Cert), ErrUnknownCA},
		{"an operator of another fleet", chain(operator(other.Fleet(), h.operator)), ErrOtherFleet},
		{"an operator whom nobody knows", chain(operator(h.Fleet(), stranger)), ErrSigner},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 2 { // the second time from memory
				if id, err := h.Identify(c.chain); !errors.Is(err, c.want) {
					t.Errorf("%+v, %v, want %v", id, err, c.want)
				}
			}
		})
	}
	if _, err := h.Identify(chain(operator(h.Fleet(), h.operator))); err != nil {
		t.Errorf("the operator: %v", err)
	}
}

func TestANodeWithoutACertificateIsUnapproved(t *testing.T) {
	h := newHouse(t, Options{})
	self := must(h.key.SelfSigned(h.Fleet(), "n7"))(t)
	_, err := h.Identify(Chain(self))
	var u *UnapprovedError
	if !errors.As(err, &u) || u.ID != "n7" || u.Fingerprint() != Fingerprint(must(h.key.Public())(t)) || !errors.Is(err, ErrUnknownCA) {
		t.Errorf("%v", err)
	}
	forged := h.forge("capo://"+h.Fleet()+"/unapproved/n7", false, h.token.Cert, &Key{h.token.Key})
	if _, err := h.Identify([]*x509.Certificate{forged.Cert, h.token.Cert}); !errors.Is(err, ErrUnknownCA) || errors.As(err, &u) {
		t.Errorf("one that a join token signed: %v", err)
	}
}

func TestRevokedIsRefusedByEachMark(t *testing.T) {
	h := newHouse(t, Options{})
	chain := []*x509.Certificate{h.leaf(h.token, h.Fleet(), "n1"), h.token.Cert}
	id := must(h.Identify(chain))(t)
	for _, mark := range []string{"node:n1", "image:" + h.token.Serial(), "key:" + id.Key} {
		if !ValidMark(mark) {
			t.Errorf("%s is no mark", mark)
		}
		a := NewAuthority(Roots{CA: h.ca.Cert, Revoked: []string{mark}}, Options{})
		if _, err := a.Identify(chain); !errors.Is(err, ErrRevoked) {
			t.Errorf("%s: %v", mark, err)
		}
		a = NewAuthority(Roots{CA: h.ca.Cert}, Options{})
		told := 0
		stop := a.Watch(func() { told++ })
		_, before := a.Identify(chain)
		a.Revoke(mark)
		stop()
		a.Revoke("node:n9")
		if _, after := a.Identify(chain); before != nil || !errors.Is(after, ErrRevoked) || told != 1 {
			t.Errorf("%s while running: %v, then %v, told %d times", mark, before, after, told)
		}
	}
	if err := h.Valid(Identity{Role: RoleNode, ID: "n2", Image: h.token.Serial()}); err != nil {
		t.Errorf("another node: %v", err)
	}
}

func TestAnOperatorThatIsRemovedOrRevokedIsRefused(t *testing.T) {
	h := newHouse(t, Options{})
	leaf := []*x509.Certificate{must(OperatorCertificate(h.Fleet(), h.operator))(t).Leaf}
	fp := OperatorFingerprint(h.operatorPublic())
	h.RemoveOperator(fp)
	if _, err := h.Identify(leaf); !errors.Is(err, ErrSigner) {
		t.Errorf("removed: %v", err)
	}
	h.AddOperator(h.operatorPublic())
	if id, err := h.Identify(leaf); err != nil || id.Role != RoleOperator {
		t.Errorf("added again: %+v, %v", id, err)
	}
	h.Revoke("key:" + fp)
	if _, err := h.Identify(leaf); !errors.Is(err, ErrRevoked) {
		t.Errorf("revoked: %v", err)
	}
	if _, err := h.Operator(fp); !errors.Is(err, ErrRevoked) {
		t.Errorf("its signatures: %v", err)
	}
}

func TestCertificatesAreValidFrom1970To9999(t *testing.T) {
	h := newHouse(t, Options{})
	from, until := time.Unix(0, 0), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	self := must(h.key.SelfSigned(h.Fleet(), "n1"))(t).Leaf
	for _, c := range []*x509.Certificate{h.ca.Cert, h.token.Cert, h.leaf(h.token, h.Fleet(), "n1"), self, must(OperatorCertificate(h.Fleet(), h.operator))(t).Leaf} {
		if !c.NotBefore.Equal(from) || !c.NotAfter.Equal(until) {
			t.Errorf("%s: from %v to %v", c.Subject.CommonName, c.NotBefore, c.NotAfter)
		}
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(h.ca.Cert)
	between.AddCert(h.token.Cert)
	for _, at := range []time.Time{from.Add(time.Second), until.Add(-time.Second)} {
		for _, name := range []string{"localhost", "n1.local", "127.0.0.1"} {
			_, err := h.leaf(h.token, h.Fleet(), "n1").Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at, DNSName: name})
			if err != nil {
				t.Errorf("a client that knows nothing of identities, at %v for %s: %v", at, name, err)
			}
		}
	}
}

func TestASpeakerTakesOnlyAChainForItsKey(t *testing.T) {
	h := newHouse(t, Options{})
	s := must(NewSpeaker(h.Authority, nil, "n1", Names{}))(t)
	theirs := h.leaf(h.token, h.Fleet(), "n1")
	if err := s.Enrol(theirs.Raw, h.token.Cert.Raw); err == nil {
		t.Error("took a certificate of another key")
	}
	other := newHouse(t, Options{})
	der := must(other.token.Sign(h.Fleet(), "n1", &s.key.private.PublicKey, Names{}))(t)
	if err := s.Enrol(der, other.token.Cert.Raw); !errors.Is(err, ErrUnknownCA) {
		t.Errorf("of another CA: %v", err)
	}
	der = must(h.token.Sign(h.Fleet(), "n1", &s.key.private.PublicKey, Names{}))(t)
	if err := s.Enrol(der); !errors.Is(err, ErrUnknownCA) {
		t.Errorf("without its join token: %v", err)
	}
	if err := s.Enrol(der, h.token.Cert.Raw); err != nil {
		t.Error(err)
	}
	if id, err := h.Identify(Chain(h.Own())); err != nil || id.ID != "n1" {
		t.Errorf("%+v, %v", id, err)
	}
}

func TestAJoinTokenIsReadAsItWasWritten(t *testing.T) {
	h := newHouse(t, Options{})
	f := must(h.token.File())(t)
	if got := must(f.Parse(h.ca.Cert))(t); !got.Cert.Equal(h.token.Cert) || !got.Key.Equal(h.token.Key) {
		t.Error("it came back as another")
	}
	other := newHouse(t, Options{})
	if _, err := f.Parse(other.ca.Cert); !errors.Is(err, ErrUnknownCA) {
		t.Errorf("for another fleet: %v", err)
	}
	mixed := *f
	mixed.Key = must(other.token.File())(t).Key
	if _, err := mixed.Parse(h.ca.Cert); err == nil {
		t.Error("took a certificate with another key")
	}
}
