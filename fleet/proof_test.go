package fleet

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"testing"
)

func TestProofHoldsForOneNonceBodyAndToken(t *testing.T) {
	token, body := bytes.Repeat([]byte{1}, 32), []byte(`{"id":"a"}`)
	p := Prove(token, "00112233", body)
	for _, tt := range []struct {
		name  string
		token []byte
		nonce string
		body  string
		proof string
		want  bool
	}{
		{"as made", token, "00112233", string(body), p, true},
		{"another nonce", token, "00112234", string(body), p, false},
		{"another body", token, "00112233", `{"id":"b"}`, p, false},
		{"another token", bytes.Repeat([]byte{2}, 32), "00112233", string(body), p, false},
		{"cut short", token, "00112233", string(body), p[:62], false},
		{"not hex", token, "00112233", string(body), "zz" + p[2:], false},
		{"empty", token, "00112233", string(body), "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := VerifyProof(tt.token, tt.nonce, []byte(tt.body), tt.proof); got != tt.want {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestSignatureIsOfAnOperatorAndForControlRecords(t *testing.T) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32))
	keys := []ed25519.PublicKey{other.Public().(ed25519.PublicKey), key.Public().(ed25519.PublicKey)}
	record := map[string]any{"kind": "job", "generation": 3}
	signature, err := Sign(key, record)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := VerifySigned(keys, map[string]any{"generation": 3, "kind": "job"}, signature)
	if err != nil || !signer.Equal(key.Public()) {
		t.Fatalf("signer %x, error %v", signer, err)
	}
	if _, err := VerifySigned(keys[:1], record, signature); !errors.Is(err, ErrSignature) {
		t.Errorf("no operator's signature: error %v", err)
	}
	if _, err := VerifySigned(keys, map[string]any{"kind": "job", "generation": 4}, signature); !errors.Is(err, ErrSignature) {
		t.Errorf("another record: error %v", err)
	}
	if bare := ed25519.Sign(key, []byte(`{"generation":3,"kind":"job"}`)); ed25519.Verify(keys[1], []byte(`{"generation":3,"kind":"job"}`), bare) {
		if _, err := VerifySigned(keys, record, bare); !errors.Is(err, ErrSignature) {
			t.Errorf("a signature outside the domain: error %v", err)
		}
	}
}
