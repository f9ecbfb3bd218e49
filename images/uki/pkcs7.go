package uki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
)

func oid(numbers ...int) asn1.ObjectIdentifier { return numbers }

// Object identifiers of PKCS #7, PKCS #9 and Authenticode.
var (
	oidSHA256        = oid(2, 16, 840, 1, 101, 3, 4, 2, 1)
	oidRSA           = oid(1, 2, 840, 113549, 1, 1, 1)
	oidSignedData    = oid(1, 2, 840, 113549, 1, 7, 2)
	oidContentType   = oid(1, 2, 840, 113549, 1, 9, 3)
	oidMessageDigest = oid(1, 2, 840, 113549, 1, 9, 4)
	oidIndirectData  = oid(1, 3, 6, 1, 4, 1, 311, 2, 1, 4)
	oidPEImageData   = oid(1, 3, 6, 1, 4, 1, 311, 2, 1, 15)
)

// spcIndirectData is SpcIndirectDataContent.
type spcIndirectData struct {
	Data   spcAttribute
	Digest digestInfo
}

type spcAttribute struct {
	Type  asn1.ObjectIdentifier
	Value spcPEImage
}

type spcPEImage struct {
	Flags asn1.BitString
	File  asn1.RawValue // [0] SpcLink, in it [2] SpcString, in it [0] BMPString
}

type digestInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	Digest    []byte
}

func algorithm(id asn1.ObjectIdentifier) pkix.AlgorithmIdentifier {
	return pkix.AlgorithmIdentifier{Algorithm: id, Parameters: asn1.NullRawValue}
}

func indirectData(digest []byte) spcIndirectData {
	// An empty name of the file that was signed, as other tools give it.
	empty := []byte{0xa2, 0x02, 0x80, 0x00}
	return spcIndirectData{
		Data: spcAttribute{Type: oidPEImageData, Value: spcPEImage{
			Flags: asn1.BitString{Bytes: []byte{}},
			File:  asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: empty},
		}},
		Digest: digestInfo{Algorithm: algorithm(oidSHA256), Digest: digest},
	}
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values asn1.RawValue `asn1:"set"`
}

// marshalAttributes returns the authenticated attributes as the SET over which the signature is made.
func marshalAttributes(digest []byte) ([]byte, error) {
	kind, err := asn1.Marshal(oidIndirectData)
	if err != nil {
		return nil, err
	}
	sum, err := asn1.Marshal(digest)
	if err != nil {
		return nil, err
	}
	return asn1.MarshalWithParams([]attribute{
		{Type: oidContentType, Values: setOf(kind)},
		{Type: oidMessageDigest, Values: setOf(sum)},
	}, "set")
}

func setOf(element []byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSet, IsCompound: true, Bytes: element}
}

func explicit(tag int, content []byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, IsCompound: true, Bytes: content}
}

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue
}

type signedDataForm struct {
	Version      int
	Algorithms   []pkix.AlgorithmIdentifier `asn1:"set"`
	Content      contentInfo
	Certificates asn1.RawValue
	Signers      []signerInfo `asn1:"set"`
}

type signerInfo struct {
	Version    int
	Issuer     issuerAndSerial
	Digest     pkix.AlgorithmIdentifier
	Attributes asn1.RawValue
	Encryption pkix.AlgorithmIdentifier
	Signature  []byte
}

type issuerAndSerial struct {
	Issuer asn1.RawValue
	Serial *big.Int
}

// marshalSigned puts a ContentInfo with the SignedData together. Attributes is the SET that was signed.
func marshalSigned(content, attributes, signature []byte, cert *x509.Certificate) ([]byte, error) {
	var set asn1.RawValue
	if _, err := asn1.Unmarshal(attributes, &set); err != nil {
		return nil, err
	}
	form, err := asn1.Marshal(signedDataForm{
		Version:      1,
		Algorithms:   []pkix.AlgorithmIdentifier{algorithm(oidSHA256)},
		Content:      contentInfo{Type: oidIndirectData, Content: explicit(0, content)},
		Certificates: explicit(0, cert.Raw),
		Signers: []signerInfo{{
			Version:    1,
			Issuer:     issuerAndSerial{Issuer: asn1.RawValue{FullBytes: cert.RawIssuer}, Serial: cert.SerialNumber},
			Digest:     algorithm(oidSHA256),
			Attributes: explicit(0, set.Bytes),
			Encryption: algorithm(oidRSA),
			Signature:  signature,
		}},
	})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(contentInfo{Type: oidSignedData, Content: explicit(0, form)})
}
