package fleet

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/capodekappa/capo/fleet/canon"
)

// Domains keep a proof or signature that was made for one purpose from serving another.
const (
	helloDomain   = "capo hello v1\n"
	controlDomain = "capo control v1\n"
)

// ErrSignature is returned when none of the given keys made a signature.
var ErrSignature = errors.New("signature of no operator of this fleet")

// Prove returns the hex HMAC-SHA256 by token over the hello domain, the nonce, a newline and
// body, which is the canonical hello without its proof.
func Prove(token []byte, nonce string, body []byte) string {
	return hex.EncodeToString(proof(token, nonce, body))
}

// VerifyProof reports, in constant time, whether text is what Prove returns.
func VerifyProof(token []byte, nonce string, body []byte, text string) bool {
	got, err := hex.DecodeString(text)
	return err == nil && hmac.Equal(got, proof(token, nonce, body))
}

func proof(token []byte, nonce string, body []byte) []byte {
	mac := hmac.New(sha256.New, token)
	mac.Write([]byte(helloDomain + nonce + "\n"))
	mac.Write(body)
	return mac.Sum(nil)
}

// Sign returns the ed25519 signature by key over the control domain and the canonical JSON of v.
func Sign(key ed25519.PrivateKey, v any) ([]byte, error) {
	body, err := canon.Marshal(v)
	if err != nil {
		return nil, err
	}
	return ed25519.Sign(key, append([]byte(controlDomain), body...)), nil
}

// VerifySigned returns the key among keys that made signature over v with Sign, or ErrSignature.
func VerifySigned(keys []ed25519.PublicKey, v any, signature []byte) (ed25519.PublicKey, error) {
	body, err := canon.Marshal(v)
	if err != nil {
		return nil, err
	}
	message := append([]byte(controlDomain), body...)
	for _, key := range keys {
		if len(key) == ed25519.PublicKeySize && ed25519.Verify(key, message, signature) {
			return key, nil
		}
	}
	return nil, ErrSignature
}
