package fleet

import (
	"bytes"
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
