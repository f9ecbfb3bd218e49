package fleet

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// helloDomain keeps a proof that was made for another purpose from serving for a hello.
const helloDomain = "capo hello v1\n"

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
