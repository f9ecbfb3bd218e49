package trust

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"time"
)

// The validity of every certificate: RFC 5280, section 4.1.2.5, has 99991231235959Z for "no end".
var (
	validFrom  = time.Unix(0, 0).UTC()
	validUntil = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	someTime   = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) // when certificates are verified: any time will do
)

// CA is a fleet's root of trust. Its key never leaves the operator's machine.
type CA struct {
	Cert *x509.Certificate
	Key  *ecdsa.PrivateKey
}

// NewCA makes a fleet's CA.
func NewCA(name string) (*CA, error) {
	key, err := newKey()
	if err != nil {
		return nil, fmt.Errorf("make the CA of fleet %s: %w", name, err)
	}
	t := template("Capo fleet " + name)
	t.IsCA, t.BasicConstraintsValid, t.MaxPathLen = true, true, 1
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	cert, err := sign(t, t, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make the CA of fleet %s: %w", name, err)
	}
	return &CA{cert, key}, nil
}

// Intermediate is an image's join token: whoever has it can mint certificates of nodes.
type Intermediate struct {
	Cert *x509.Certificate
	Key  *ecdsa.PrivateKey
}

// Issue makes the join token of one image.
func (c *CA) Issue(name string) (*Intermediate, error) {
	key, err := newKey()
	if err != nil {
		return nil, fmt.Errorf("make a join token: %w", err)
	}
	t := template("Capo image " + name)
	t.IsCA, t.BasicConstraintsValid, t.MaxPathLen, t.MaxPathLenZero = true, true, 0, true
	t.KeyUsage = x509.KeyUsageCertSign
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	cert, err := sign(t, c.Cert, &key.PublicKey, c.Key)
	if err != nil {
		return nil, fmt.Errorf("make a join token: %w", err)
	}
	return &Intermediate{cert, key}, nil
}

// Serial is the id of the image, by which it is revoked: 16 hexadecimal digits.
func (i *Intermediate) Serial() string { return serialOf(i.Cert) }

func serialOf(c *x509.Certificate) string {
	if c.SerialNumber.Sign() < 0 || c.SerialNumber.BitLen() > 64 {
		return "" // Issue makes no such one
	}
	return hex.EncodeToString(c.SerialNumber.FillBytes(make([]byte, 8)))
}

// Names are the addresses and host names that a node's certificate is good for, so that clients which know nothing
// of identities can verify it too.
type Names struct {
	Addresses []net.IP
	Hosts     []string
}

// Sign makes the certificate of a node with that public key. It returns it in DER.
func (i *Intermediate) Sign(fleet, id string, public any, names Names) ([]byte, error) {
	t := template("Capo node " + id)
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	t.BasicConstraintsValid = true
	t.URIs = []*url.URL{identityURI(fleet, RoleNode, id)}
	t.IPAddresses, t.DNSNames = names.Addresses, names.Hosts
	der, err := x509.CreateCertificate(rand.Reader, t, i.Cert, public, i.Key)
	if err != nil {
		return nil, fmt.Errorf("mint the certificate of node %s: %w", id, err)
	}
	return der, nil
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func template(name string) *x509.Certificate {
	var serial [8]byte
	_, _ = rand.Read(serial[:]) // never fails, see crypto/rand
	serial[0] = serial[0]&0x7f | 0x40
	return &x509.Certificate{SerialNumber: new(big.Int).SetBytes(serial[:]), Subject: pkix.Name{CommonName: name}, NotBefore: validFrom, NotAfter: validUntil}
}

func sign(t, parent *x509.Certificate, public any, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, t, parent, public, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
