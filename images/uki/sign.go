package uki

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"slices"
)

// Sign returns the image with a signature for Secure Boot (Authenticode: PKCS #7 with SHA-256 and RSA). A signature that it has already
// is replaced.
func Sign(data []byte, key crypto.Signer, cert *x509.Certificate) ([]byte, error) {
	public, ok := key.Public().(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("sign for Secure Boot: the key is %T, and UEFI firmware checks RSA alone", key.Public())
	}
	if !public.Equal(cert.PublicKey) {
		return nil, fmt.Errorf("sign for Secure Boot: the certificate of %s is for another key", cert.Subject)
	}
	m, err := unsigned(data)
	if err != nil {
		return nil, fmt.Errorf("sign for Secure Boot: %w", err)
	}
	digest, err := m.digest()
	if err != nil {
		return nil, fmt.Errorf("sign for Secure Boot: %w", err)
	}
	blob, err := signedData(digest, key, cert)
	if err != nil {
		return nil, fmt.Errorf("sign for Secure Boot: %w", err)
	}
	return m.attach(blob), nil
}

// unsigned returns a copy of the image without its signature, filled up to a multiple of eight bytes.
func unsigned(data []byte) (*image, error) {
	m, err := parse(data)
	if err != nil {
		return nil, err
	}
	at, size := m.u32(m.opt+optCertificates), m.u32(m.opt+optCertificates+4)
	end := len(data)
	if size != 0 {
		if int64(at)+int64(size) != int64(len(data)) || at < m.headers {
			return nil, fmt.Errorf("%w: its signature is not at its end", ErrFormat)
		}
		end = int(at)
	}
	m.data = append(slices.Clone(data[:end]), make([]byte, -end&7)...)
	m.put32(m.opt+optCertificates, 0)
	m.put32(m.opt+optCertificates+4, 0)
	return m, nil
}

// digest is the Authenticode digest: of all but the checksum, the place of the signature and the signature, the sections in the order in
// which they lie.
func (m *image) digest() ([]byte, error) {
	h := sha256.New()
	h.Write(m.data[:m.opt+optChecksum])
	h.Write(m.data[m.opt+optChecksum+4 : m.opt+optCertificates])
	h.Write(m.data[m.opt+optCertificates+8 : m.headers])
	sections := slices.Clone(m.sections)
	slices.SortFunc(sections, func(a, b Section) int { return int(int64(a.Offset) - int64(b.Offset)) })
	done := m.headers
	for _, s := range sections {
		if s.Raw == 0 {
			continue
		}
		if s.Offset != done {
			return nil, fmt.Errorf("%w: section %q does not begin where the one before ends", ErrFormat, s.Name)
		}
		h.Write(m.data[s.Offset : s.Offset+s.Raw])
		done = s.Offset + s.Raw
	}
	h.Write(m.data[done:])
	return h.Sum(nil), nil
}

// attach appends the attribute certificate table with one WIN_CERTIFICATE.
func (m *image) attach(blob []byte) []byte {
	const revision, pkcs7 = 0x0200, 0x0002
	blob = append(blob, make([]byte, -len(blob)&7)...)
	at, size := uint32(len(m.data)), uint32(8+len(blob))
	head := make([]byte, 8)
	binary.LittleEndian.PutUint32(head, size)
	binary.LittleEndian.PutUint16(head[4:], revision)
	binary.LittleEndian.PutUint16(head[6:], pkcs7)
	m.data = append(append(m.data, head...), blob...)
	m.put32(m.opt+optCertificates, at)
	m.put32(m.opt+optCertificates+4, size)
	return m.data
}

// signedData returns the PKCS #7 SignedData (RFC 2315) over SpcIndirectDataContent.
func signedData(digest []byte, key crypto.Signer, cert *x509.Certificate) ([]byte, error) {
	content, err := asn1.Marshal(indirectData(digest))
	if err != nil {
		return nil, err
	}
	var inner asn1.RawValue
	if _, err := asn1.Unmarshal(content, &inner); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(inner.Bytes) // of the content without tag and length (RFC 2315, 9.3)
	attributes, err := marshalAttributes(sum[:])
	if err != nil {
		return nil, err
	}
	signed := sha256.Sum256(attributes)
	signature, err := key.Sign(rand.Reader, signed[:], crypto.SHA256) // PKCS #1 v1.5: the same every time
	if err != nil {
		return nil, err
	}
	return marshalSigned(content, attributes, signature, cert)
}
