package trust

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"testing"
	"time"
)

func FuzzParseToken(f *testing.F) {
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	for _, role := range []Role{RoleViewer, RoleJoin} {
		f.Add(must(Claims{Fleet: "0123456789abcdef", Role: role, Issued: 1, Expires: 2}.Sign(key))(f))
	}
	f.Add("capo..")
	f.Add("capo.e30.e30")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseToken(text)
		if err != nil {
			return
		}
		if c.check() != nil || len(text) > maxTokenBytes {
			t.Errorf("took %q", text)
		}
	})
}

// FuzzIdentify shows chains that a stranger could: nobody of them is somebody of the fleet.
func FuzzIdentify(f *testing.F) {
	ca := must(NewCA("test"))(f)
	token := must(ca.Issue("test"))(f)
	key := must(NewKey())(f)
	a := NewAuthority(Roots{CA: ca.Cert}, Options{})
	der := must(token.Sign(a.Fleet(), "n1", &key.private.PublicKey, NodeNames("n1")))(f)
	self := must(key.SelfSigned(a.Fleet(), "n1"))(f)
	_, operator, _ := ed25519.GenerateKey(rand.Reader)
	f.Add(der, token.Cert.Raw)
	f.Add(self.Certificate[0], []byte(nil))
	f.Add(must(OperatorCertificate(a.Fleet(), operator))(f).Certificate[0], ca.Cert.Raw)
	f.Fuzz(func(t *testing.T, leaf, second []byte) {
		chain := [][]byte{leaf}
		if second != nil {
			chain = append(chain, second)
		}
		certs, err := ParseChain(chain)
		if err != nil {
			return
		}
		started := time.Now()
		id, err := a.Identify(certs)
		if err == nil && string(leaf) != string(der) {
			if known, err := x509.ParseCertificate(der); err != nil || string(certs[0].RawTBSCertificate) != string(known.RawTBSCertificate) {
				t.Errorf("a stranger is %+v", id)
			}
		}
		if took := time.Since(started); took > 2*time.Second {
			t.Errorf("took %v", took)
		}
	})
}
