package fleet

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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

// testMembership is always the same fleet.
func testMembership() *Membership {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)).Public().(ed25519.PublicKey)
	return &Membership{
		Fleet: ID(key), Name: "dev", Operators: []ed25519.PublicKey{key}, Token: bytes.Repeat([]byte{0xfb}, 32),
		Labels: map[string]string{"site": "lab", "rack": ""},
	}
}

func TestMembershipKeepsItsForm(t *testing.T) {
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
	if diff := cmp.Diff(m, back); diff != "" {
		t.Fatalf("parsed differs:\n%s", diff)
	}
}

func TestParseMembershipRefuses(t *testing.T) {
	good, err := testMembership().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, old, new string }{
		{"another version", `"v":1`, `"v":2`},
		{"a fleet that is not the key's", `"fleet":"`, `"fleet":"0`},
		{"a short token", `"token":"`, `"token":"","x":"`},
		{"a token in other base64", `-`, `+`},
		{"no operator", `"operators":[`, `"operators":[],"x":[`},
		{"a name with a path in it", `"name":"dev"`, `"name":"../dev"`},
		{"a label with a newline", `"lab"`, `"la\nb"`},
		{"a fraction", `"v":1`, `"v":1.0`},
		{"the wrong type", `"labels":{`, `"labels":7,"x":{`},
		{"truncated", `}`, ``},
		{"too long", `"v":1`, `"v":1,"x":"` + strings.Repeat("x", MaxMembershipBytes) + `"`},
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
	f.Add([]byte(`{"v":1,"operators":[""],"token":""}`))
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
		if err != nil || !cmp.Equal(m, again) {
			t.Fatalf("%s does not parse to itself: %v", once, err)
		}
	})
}
