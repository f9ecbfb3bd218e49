package trust

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Roots is what a fleet is recognised by.
type Roots struct {
	CA        *x509.Certificate
	Operators []ed25519.PublicKey
	Revoked   []string // marks, see ValidMark
}

// Options are what an Authority may be given besides its roots.
type Options struct {
	Clock *Clock              // nil: the system's, which is believed
	Count func(reason string) // is told of each refusal, see Reason; may be nil
}

// Authority is one process's view of a fleet's trust: whom it believes, and as whom it speaks. Its methods may be
// called from several goroutines.
type Authority struct {
	fleet string
	ca    *x509.Certificate
	pool  *x509.CertPool
	clock *Clock
	count func(reason string)
	own   atomic.Pointer[tls.Certificate]

	mu        sync.RWMutex // guards what follows
	operators map[string]ed25519.PublicKey
	revoked   map[string]bool
	watchers  map[int]func()
	next      int
	seen      map[[32]byte]Identity // chains that were verified before, by their digest
}

// maxSeen bounds the memory of verified chains; when it is full it begins anew.
const maxSeen = 1024

// NewAuthority returns the view that a fleet's roots give.
func NewAuthority(r Roots, o Options) *Authority {
	a := &Authority{fleet: FleetID(r.CA), ca: r.CA, pool: x509.NewCertPool(), clock: o.Clock, count: o.Count,
		operators: map[string]ed25519.PublicKey{}, revoked: map[string]bool{}, watchers: map[int]func(){}, seen: map[[32]byte]Identity{}}
	if a.clock == nil {
		a.clock = NewClock(ClockOptions{Known: true})
	}
	if a.count == nil {
		a.count = func(string) {}
	}
	a.pool.AddCert(r.CA)
	for _, key := range r.Operators {
		a.operators[OperatorFingerprint(key)] = key
	}
	for _, mark := range r.Revoked {
		a.revoked[mark] = true
	}
	return a
}

// Fleet is the fleet's id.
func (a *Authority) Fleet() string { return a.fleet }

// CA is the fleet's root certificate.
func (a *Authority) CA() *x509.Certificate { return a.ca }

// Clock is the time that tokens are judged by.
func (a *Authority) Clock() *Clock { return a.clock }

// Speak sets the certificate that this process shows from now on.
func (a *Authority) Speak(c *tls.Certificate) { a.own.Store(c) }

// Own is the certificate that this process shows, or nil.
func (a *Authority) Own() *tls.Certificate { return a.own.Load() }

// Refuse counts a refusal and returns its error.
func (a *Authority) Refuse(err error) error {
	if err != nil {
		a.count(Reason(err))
	}
	return err
}

// Operators returns the keys that count now, in the order of their fingerprints.
func (a *Authority) Operators() []ed25519.PublicKey {
	a.mu.RLock()
	defer a.mu.RUnlock()
	var keys []ed25519.PublicKey
	for _, fp := range slices.Sorted(maps.Keys(a.operators)) {
		keys = append(keys, a.operators[fp])
	}
	return keys
}

// Operator returns the operator's key with that fingerprint, or ErrSigner.
func (a *Authority) Operator(fingerprint string) (ed25519.PublicKey, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	key := a.operators[fingerprint]
	if key == nil {
		return nil, fmt.Errorf("%w: %.16s", ErrSigner, fingerprint)
	}
	if a.revoked["key:"+fingerprint] {
		return nil, fmt.Errorf("operator %.16s: %w", fingerprint, ErrRevoked)
	}
	return key, nil
}

// AddOperator has a key count as an operator's.
func (a *Authority) AddOperator(key ed25519.PublicKey) {
	a.change(func() { a.operators[OperatorFingerprint(key)] = key })
}

// RemoveOperator has a key count no more.
func (a *Authority) RemoveOperator(fingerprint string) {
	a.change(func() { delete(a.operators, fingerprint) })
}

// Revoke takes back whatever the marks name.
func (a *Authority) Revoke(marks ...string) {
	a.change(func() {
		for _, m := range marks {
			a.revoked[m] = true
		}
	})
}

// Revoked returns the marks of all that was revoked, sorted.
func (a *Authority) Revoked() []string {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return slices.Sorted(maps.Keys(a.revoked))
}

func (a *Authority) change(f func()) {
	a.mu.Lock()
	f()
	watchers := slices.Collect(maps.Values(a.watchers))
	a.mu.Unlock()
	for _, w := range watchers {
		w()
	}
}

// Watch calls f after each change of what is believed, so that what lives on an older belief can be ended with
// Valid. The returned function ends that.
func (a *Authority) Watch(f func()) (stop func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := a.next
	a.next++
	a.watchers[n] = f
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.watchers, n)
	}
}

// Valid tells why an identity that was authenticated before does not count any more, or nil.
func (a *Authority) Valid(i Identity) error {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, mark := range i.marks() {
		if a.revoked[mark] {
			return fmt.Errorf("%s: %w (%s)", i, ErrRevoked, mark)
		}
	}
	if i.Role != RoleNode && a.operators[i.Key] == nil {
		return fmt.Errorf("%s: %w", i, ErrSigner)
	}
	return nil
}

// Identify tells who the owner of a certificate is, given the chain that was shown in a TLS handshake, leaf first. It does not count.
func (a *Authority) Identify(chain []*x509.Certificate) (Identity, error) {
	if len(chain) == 0 {
		return Identity{}, ErrNoCredentials
	}
	if _, ok := chain[0].PublicKey.(ed25519.PublicKey); ok {
		return a.identifyOperator(chain[0])
	}
	digest := digestOf(chain)
	a.mu.RLock()
	id, ok := a.seen[digest]
	a.mu.RUnlock()
	if !ok {
		var err error
		if id, err = a.identifyNode(chain); err != nil {
			return Identity{}, err
		}
		a.mu.Lock()
		if len(a.seen) >= maxSeen {
			clear(a.seen)
		}
		a.seen[digest] = id
		a.mu.Unlock()
	}
	return id, a.Valid(id)
}

func digestOf(chain []*x509.Certificate) (sum [32]byte) {
	h := sha256.New()
	for _, c := range chain {
		h.Write(c.Raw)
	}
	return [32]byte(h.Sum(sum[:0]))
}

func (a *Authority) identifyOperator(leaf *x509.Certificate) (Identity, error) {
	fp := Fingerprint(leaf.RawSubjectPublicKeyInfo)
	i := Identity{Role: RoleOperator, ID: fp, Key: fp}
	fleet, role, _, err := parseURI(leaf)
	switch {
	case err != nil:
		return Identity{}, err
	case fleet != a.fleet:
		return Identity{}, fmt.Errorf("%w: %.20q, ours is %s", ErrOtherFleet, fleet, a.fleet)
	case role != RoleOperator:
		return Identity{}, fmt.Errorf("%w: an operator's key and the role %.20q", ErrUnknownCA, role)
	}
	return i, a.Valid(i)
}

func (a *Authority) identifyNode(chain []*x509.Certificate) (Identity, error) {
	leaf := chain[0]
	fleet, role, id, err := parseURI(leaf)
	if err != nil {
		return Identity{}, err
	}
	if fleet != a.fleet {
		return Identity{}, fmt.Errorf("%w: %.20q, ours is %s", ErrOtherFleet, fleet, a.fleet)
	}
	if role == roleUnapproved && leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil {
		return Identity{}, &UnapprovedError{ID: id, Leaf: leaf}
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:min(len(chain), 4)] {
		between.AddCert(c)
	}
	paths, err := leaf.Verify(x509.VerifyOptions{Roots: a.pool, Intermediates: between, CurrentTime: someTime, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrUnknownCA, err)
	}
	if role != RoleNode || len(paths[0]) != 3 {
		return Identity{}, fmt.Errorf("%w: a join token stands behind nodes alone, not %.20q", ErrUnknownCA, role)
	}
	return Identity{Role: RoleNode, ID: id, Image: serialOf(paths[0][1]), Key: Fingerprint(leaf.RawSubjectPublicKeyInfo)}, nil
}

// Bearer tells who the bearer of a token is. It does not count.
func (a *Authority) Bearer(token string) (Identity, Claims, error) {
	c, err := ParseToken(token)
	if err != nil {
		return Identity{}, c, err
	}
	if c.Fleet != a.fleet {
		return Identity{}, c, fmt.Errorf("%w: token of %s, ours is %s", ErrOtherFleet, c.Fleet, a.fleet)
	}
	key, err := base64.StdEncoding.DecodeString(c.Signer)
	if err != nil {
		return Identity{}, c, fmt.Errorf("%w: signer", ErrBadToken)
	}
	i := c.Identity()
	i.Key = OperatorFingerprint(key)
	if err := a.Valid(i); err != nil {
		return Identity{}, c, err
	}
	now, known := a.clock.Now()
	if now.Unix() >= c.Expires {
		return Identity{}, c, fmt.Errorf("%w: at %s, and it is %s", ErrExpired, c.ExpiresAt().UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	if !known {
		return Identity{}, c, ErrClock
	}
	return i, c, nil
}

// Expect returns a check that a node has a certain id; "" takes any.
func Expect(id string) func(Identity) error {
	return func(i Identity) error {
		if id != "" && i.ID != id {
			return fmt.Errorf("%w: it says %s, and %s was expected", ErrOtherID, i.ID, id)
		}
		return nil
	}
}

// errClient is for a client certificate that is no node's.
var errClient = errors.New("only nodes serve")
