package uki

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

// LoadKey reads an RSA key and its certificate from two PEM files, for [Sign]. The key is PKCS #8 or PKCS #1 and not locked.
func LoadKey(keyFile, certFile string) (crypto.Signer, *x509.Certificate, error) {
	der, kind, err := readPEM(keyFile)
	if err != nil {
		return nil, nil, fmt.Errorf("read the Secure Boot key: %w", err)
	}
	key, err := parseKey(der, kind)
	if err != nil {
		return nil, nil, fmt.Errorf("read the Secure Boot key %s: %w", keyFile, err)
	}
	der, kind, err = readPEM(certFile)
	if err != nil {
		return nil, nil, fmt.Errorf("read the Secure Boot certificate: %w", err)
	}
	if kind != "CERTIFICATE" {
		return nil, nil, fmt.Errorf("read the Secure Boot certificate %s: it holds a %s", certFile, kind)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("read the Secure Boot certificate %s: %w", certFile, err)
	}
	return key, cert, nil
}

func readPEM(file string) (der []byte, kind string, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, "", err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, "", fmt.Errorf("%s is not PEM", file)
	}
	return block.Bytes, block.Type, nil
}

func parseKey(der []byte, kind string) (crypto.Signer, error) {
	switch kind {
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(der)
	case "PRIVATE KEY":
		key, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			return nil, err
		}
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
		return nil, fmt.Errorf("a %T cannot sign", key)
	case "ENCRYPTED PRIVATE KEY":
		return nil, fmt.Errorf("it is locked; unlock a copy with openssl pkey")
	}
	return nil, fmt.Errorf("it holds a %s, not a private key", kind)
}
