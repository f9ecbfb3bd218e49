package trust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
)

// Key is a node's private key. It is made in memory and never written.
type Key struct{ private *ecdsa.PrivateKey }

// NewKey makes a node's key.
func NewKey() (*Key, error) {
	k, err := newKey()
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return &Key{k}, nil
}

// Public returns the public key in the form of SubjectPublicKeyInfo.
func (k *Key) Public() ([]byte, error) { return x509.MarshalPKIXPublicKey(&k.private.PublicKey) }

// Sign signs the SHA-256 of a message, in ASN.1 (ECDSA).
func (k *Key) Sign(message []byte) ([]byte, error) {
	digest := sha256sum(message)
	return ecdsa.SignASN1(rand.Reader, k.private, digest)
}

// Verify tells whether sig is the signature of message by cert's key.
func Verify(cert *x509.Certificate, message, sig []byte) bool {
	public, ok := cert.PublicKey.(*ecdsa.PublicKey)
	return ok && ecdsa.VerifyASN1(public, sha256sum(message), sig)
}

// ParsePublic reads a public key as Key.Public gives it; only ECDSA on P-256 is taken.
func ParsePublic(spki []byte) (crypto.PublicKey, error) {
	key, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	if k, ok := key.(*ecdsa.PublicKey); !ok || k.Curve != elliptic.P256() {
		return nil, errors.New("public key is not ECDSA on P-256")
	}
	return key, nil
}

// Certificate joins a key with the chain that a signer gave for it: the leaf, then its intermediate, in DER.
func (k *Key) Certificate(chain ...[]byte) (*tls.Certificate, error) {
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	public, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	if !ok || !public.Equal(&k.private.PublicKey) {
		return nil, errors.New("certificate is for another key")
	}
	return &tls.Certificate{Certificate: chain, PrivateKey: k.private, Leaf: leaf}, nil
}

// SelfSigned is the certificate of a node that nobody has approved yet: it proves nothing but its key.
func (k *Key) SelfSigned(fleet, id string) (*tls.Certificate, error) {
	return selfSigned(identityURI(fleet, roleUnapproved, id), "Capo node "+id+", unapproved", k.private)
}

// OperatorCertificate is what an operator shows in TLS: a certificate of the operator's own key, which servers know.
func OperatorCertificate(fleet string, key ed25519.PrivateKey) (*tls.Certificate, error) {
	return selfSigned(identityURI(fleet, RoleOperator, "key"), "Capo operator", key)
}

func selfSigned(id *url.URL, name string, key crypto.Signer) (*tls.Certificate, error) {
	t := template(name)
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	t.URIs = []*url.URL{id}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate for oneself: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make a certificate for oneself: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// OperatorFingerprint names an operator's key.
func OperatorFingerprint(key ed25519.PublicKey) string {
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "" // not for an ed25519 key
	}
	return Fingerprint(spki)
}

// Speaker keeps the certificate that a node shows right: one minted by the join token, where the node has one.
type Speaker struct {
	authority *Authority
	key       *Key
	token     *Intermediate // or nil
}

// NewSpeaker makes a key and has the authority speak as the node with that id. Without a join token it is a self-signed
// certificate, until Enrol.
func NewSpeaker(a *Authority, token *Intermediate, id string, names Names) (*Speaker, error) {
	key, err := NewKey()
	if err != nil {
		return nil, err
	}
	s := &Speaker{a, key, token}
	if token != nil {
		return s, s.Mint(id, names)
	}
	c, err := key.SelfSigned(a.fleet, id)
	if err != nil {
		return nil, err
	}
	a.Speak(c)
	return s, nil
}

// Mint makes a new certificate for the node's id and addresses as they are now. Without a join token it does nothing.
func (s *Speaker) Mint(id string, names Names) error {
	if s.token == nil {
		return nil
	}
	leaf, err := s.token.Sign(s.authority.fleet, id, &s.key.private.PublicKey, names)
	if err != nil {
		return err
	}
	return s.Enrol(leaf, s.token.Cert.Raw)
}

// Token is the join token, by which others can be enrolled, or nil.
func (s *Speaker) Token() *Intermediate { return s.token }

// Key is the node's key.
func (s *Speaker) Key() *Key { return s.key }

// Enrol takes a chain that was signed for the node's key, after verifying it.
func (s *Speaker) Enrol(chain ...[]byte) error {
	c, err := s.key.Certificate(chain...)
	if err != nil {
		return err
	}
	certs, err := ParseChain(chain)
	if err != nil {
		return err
	}
	if _, err := s.authority.Identify(certs); err != nil {
		return err
	}
	s.authority.Speak(c)
	return nil
}

// ParseChain reads certificates in DER.
func ParseChain(chain [][]byte) ([]*x509.Certificate, error) {
	if len(chain) == 0 || len(chain) > 4 {
		return nil, fmt.Errorf("a chain of %d certificates", len(chain))
	}
	var certs []*x509.Certificate
	for _, der := range chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		certs = append(certs, c)
	}
	return certs, nil
}

// NodeNames are the names of a node that has these addresses: they, the loopback's, and ID.local.
func NodeNames(id string, addresses ...net.IP) Names {
	return Names{Addresses: append([]net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, addresses...), Hosts: []string{"localhost", id + ".local"}}
}

// Chain is a certificate and what stands behind it, parsed; nil if it cannot be.
func Chain(c *tls.Certificate) []*x509.Certificate {
	if c == nil {
		return nil
	}
	certs, err := ParseChain(c.Certificate)
	if err != nil {
		return nil
	}
	return certs
}
