package fleet

import (
	"bytes"
	"crypto/x509"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capodekappa/capo/fleet/trust"
)

// bySerial compares certificates by their bytes, and join tokens by their certificate.
var bySerial = cmp.Options{cmp.Comparer(func(a, b *x509.Certificate) bool { return a.Equal(b) }),
	cmp.Comparer(func(a, b *trust.Intermediate) bool {
		return a == b || a != nil && b != nil && a.Cert.Equal(b.Cert) && a.Key.Equal(b.Key)
	})}

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
		t.Fatalf("%s differs (-want +got):\n%s", path, diff)
	}
}

// testMembership is always the same fleet: that of the golden file.
func testMembership() *Membership {
	raw, err := os.ReadFile("testdata/fleet.json")
	if err != nil {
		panic(err)
	}
	m, err := ParseMembership(bytes.TrimSpace(raw))
	if err != nil {
		panic(err)
	}
	return m
}

func TestMembershipKeepsItsForm(t *testing.T) {
	if *update {
		f, err := New("dev")
		if err != nil {
			t.Fatal(err)
		}
		m, err := f.WithToken("golden")
		if err != nil {
			t.Fatal(err)
		}
		m.Labels = map[string]string{"site": "lab", "rack": ""}
		m.Revoked = []string{"image:0123456789abcdef", "node:old"}
		raw, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "fleet.json", raw)
	}
	m := testMembership()
	raw, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "fleet.json", raw)
	back, err := ParseMembership(raw)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, back, bySerial); diff != "" {
		t.Fatalf("parsed differs:\n%s", diff)
	}
}

func TestParseMembershipRefuses(t *testing.T) {
	good, err := testMembership().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, old, new string }{
		{"another version", `"v":2`, `"v":3`},
		{"a fleet that is not the CA's", `"fleet":"`, `"fleet":"0`},
		{"a CA that is none", `"ca":"MII`, `"ca":"AII`},
		{"a token without a key", `"key":"`, `"key":"","x":"`},
		{"something revoked that is nothing", `"node:old"`, `"old"`},
		{"an invite of nobody", `"invite":""`, `"invite":"capo.x.y"`},
		{"no operator", `"operators":[`, `"operators":[],"x":[`},
		{"a name with a path in it", `"name":"dev"`, `"name":"../dev"`},
		{"a label with a newline", `"lab"`, `"la\nb"`},
		{"a fraction", `"v":2`, `"v":2.0`},
		{"the wrong type", `"labels":{`, `"labels":7,"x":{`},
		{"truncated", `}`, ``},
		{"too long", `"v":2`, `"v":2,"x":"` + strings.Repeat("x", MaxMembershipBytes) + `"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw := strings.Replace(string(good), tt.old, tt.new, 1)
			if raw == string(good) {
				t.Fatal("the case changes nothing")
			}
			if _, err := ParseMembership([]byte(raw)); !errors.Is(err, ErrMembership) {
				t.Fatalf("error %v, want %v", err, ErrMembership)
			}
		})
	}
}

func FuzzParseMembership(f *testing.F) {
	good, err := testMembership().Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"v":2,"operators":[""],"token":{}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := ParseMembership(raw)
		if err != nil {
			return
		}
		once, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseMembership(once)
		if err != nil || !cmp.Equal(m, again, bySerial) {
			t.Fatalf("%s does not parse to itself: %v", once, err)
		}
	})
}
