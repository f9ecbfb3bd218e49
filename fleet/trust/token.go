package trust

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
)

// IntermediateFile is a join token as it stands in fleet.json.
type IntermediateFile struct {
	Cert string `json:"cert"` // DER, base64
	Key  string `json:"key"`  // PKCS #8, base64
}

// File returns the token as it stands in fleet.json.
func (i *Intermediate) File() (*IntermediateFile, error) {
	key, err := x509.MarshalPKCS8PrivateKey(i.Key)
	if err != nil {
		return nil, fmt.Errorf("encode a join token: %w", err)
	}
	return &IntermediateFile{Cert: base64.StdEncoding.EncodeToString(i.Cert.Raw), Key: base64.StdEncoding.EncodeToString(key)}, nil
}

// Parse reads a join token and checks that ca stands behind it.
func (f *IntermediateFile) Parse(ca *x509.Certificate) (*Intermediate, error) {
	cert, err := ParseCertificate(f.Cert)
	if err != nil {
		return nil, fmt.Errorf("join token: %w", err)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(f.Key)
	if err != nil {
		return nil, errors.New("join token: its key is not base64")
	}
	key, err := ParseKey(raw)
	if err != nil {
		return nil, fmt.Errorf("join token: %w", err)
	}
	if public, ok := cert.PublicKey.(*ecdsa.PublicKey); !ok || !public.Equal(&key.PublicKey) {
		return nil, errors.New("join token: its key is not its certificate's")
	}
	if err := cert.CheckSignatureFrom(ca); err != nil || !cert.IsCA || !cert.MaxPathLenZero || serialOf(cert) == "" {
		return nil, fmt.Errorf("join token: %w", ErrUnknownCA)
	}
	return &Intermediate{cert, key}, nil
}

// ParseKey reads an ECDSA key on P-256 in PKCS #8.
func ParseKey(der []byte) (*ecdsa.PrivateKey, error) {
	any, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	key, ok := any.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("key is not ECDSA on P-256")
	}
	return key, nil
}

// ParseCertificate reads a certificate: DER in base64.
func ParseCertificate(text string) (*x509.Certificate, error) {
	der, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errors.New("certificate is not base64")
	}
	return x509.ParseCertificate(der)
}

// ParseCA reads a CA's certificate: DER in base64.
func ParseCA(text string) (*x509.Certificate, error) {
	c, err := ParseCertificate(text)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	if _, ok := c.PublicKey.(*ecdsa.PublicKey); !ok || !c.IsCA || c.CheckSignatureFrom(c) != nil {
		return nil, errors.New("ca: not a self-signed ECDSA certificate of an authority")
	}
	return c, nil
}
