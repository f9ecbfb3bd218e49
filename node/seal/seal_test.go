package seal

import (
	"bytes"
	"crypto/hpke"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
)

var here = Context{Fleet: "f1", Log: "l1", Name: "API_KEY", Generation: 3}

const boot = "00000000000000a1"

// sealed is a secret for the node n1, with that node's key.
func sealed(t testing.TB, value string) (api.SecretSet, hpke.PrivateKey) {
	t.Helper()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	set, err := Seal(here, []byte(value), []Recipient{{Node: "n1", Boot: boot, Key: key.PublicKey().Bytes()}})
	if err != nil {
		t.Fatal(err)
	}
	return set, key
}

func open(c Context, set api.SecretSet, node, boot string, key hpke.PrivateKey) (string, bool, error) {
	record, found, err := OpenCopy(c, set, node, boot, key)
	if err != nil || !found {
		return "", found, err
	}
	value, err := OpenValue(c, set, record)
	return value, true, err
}

func TestASecretOpensWhereItWasSealedTo(t *testing.T) {
	set, key := sealed(t, "swordfish")
	if value, found, err := open(here, set, "n1", boot, key); value != "swordfish" || !found || err != nil {
		t.Errorf("got %q, %v, %v", value, found, err)
	}
	for _, other := range []string{"n2", "n1-"} {
		if _, found, err := OpenCopy(here, set, other, boot, key); found || err != nil {
			t.Errorf("a copy for %s: %v, %v", other, found, err)
		}
	}
	if _, found, _ := OpenCopy(here, set, "n1", "00000000000000a2", key); found {
		t.Error("a copy for another boot")
	}
}

func TestASecretIsBoundToWhatItWasSealedFor(t *testing.T) {
	set, key := sealed(t, "swordfish")
	stranger, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	record, _, err := OpenCopy(here, set, "n1", boot, key)
	if err != nil {
		t.Fatal(err)
	}
	renamed, moved, rebooted := set, set, set
	renamed.Copies = []api.SecretCopy{{Node: "n2", Boot: boot, Sealed: set.Copies[0].Sealed}}
	rebooted.Copies = []api.SecretCopy{{Node: "n1", Boot: "00000000000000a2", Sealed: set.Copies[0].Sealed}}
	moved.Sealed = set.Copies[0].Sealed
	with := func(change func(*Context)) Context { c := here; change(&c); return c }
	for _, tt := range []struct {
		name string
		c    Context
		set  api.SecretSet
		node string
		boot string
		key  hpke.PrivateKey
	}{
		{"another key", here, set, "n1", boot, stranger},
		{"another fleet", with(func(c *Context) { c.Fleet = "f2" }), set, "n1", boot, key},
		{"another log", with(func(c *Context) { c.Log = "l2" }), set, "n1", boot, key},
		{"another name", with(func(c *Context) { c.Name = "OTHER" }), set, "n1", boot, key},
		{"another generation", with(func(c *Context) { c.Generation = 4 }), set, "n1", boot, key},
		{"another node's name on the copy", here, renamed, "n2", boot, key},
		{"another boot on the copy", here, rebooted, "n1", "00000000000000a2", key},
		{"a copy in the place of the value", here, moved, "n1", boot, key},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if value, _, err := open(tt.c, tt.set, tt.node, tt.boot, tt.key); !errors.Is(err, ErrSealed) || value != "" {
				t.Errorf("got %q, %v; want it refused", value, err)
			}
			if tt.c != here { // what a log server gives is bound as well
				if value, err := OpenValue(tt.c, tt.set, record); !errors.Is(err, ErrSealed) || value != "" {
					t.Errorf("with the record's key: %q, %v; want it refused", value, err)
				}
			}
		})
	}
}

func TestARecordSaysNothingOfTheValue(t *testing.T) {
	a, _ := sealed(t, "swordfish")
	b, _ := sealed(t, "swordfish")
	if a.Sealed == b.Sealed {
		t.Error("the same value twice has the same form: it could be guessed")
	}
	raw, err := base64.StdEncoding.DecodeString(a.Sealed)
	if err != nil || bytes.Contains(raw, []byte("swordfish")) {
		t.Errorf("%v: the value is in it", err)
	}
}

func TestSealRefusesWhatIsNoValue(t *testing.T) {
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	to := []Recipient{{Node: "n1", Boot: boot, Key: key.PublicKey().Bytes()}}
	for name, value := range map[string][]byte{"nothing": nil, "32 KB and a byte": bytes.Repeat([]byte("x"), MaxValue+1), "not text": {0xff, 0xfe}} {
		if _, err := Seal(here, value, to); !errors.Is(err, ErrValue) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Seal(here, []byte("x"), nil); err == nil {
		t.Error("sealed to nobody")
	}
	if _, err := Seal(here, []byte("x"), []Recipient{{Node: "n1", Boot: boot, Key: []byte("short")}}); err == nil {
		t.Error("sealed to what is no key")
	}
	if _, err := Seal(here, bytes.Repeat([]byte("x"), MaxValue), slices.Repeat(to, MaxCopies)); err != nil {
		t.Errorf("the largest: %v", err)
	}
}

func TestParseChecksTheForm(t *testing.T) {
	good, _ := sealed(t, "swordfish")
	with := func(change func(*api.SecretSet)) string {
		set := good
		set.Copies = slices.Clone(good.Copies)
		change(&set)
		raw, err := json.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	for _, tt := range []struct{ name, body, want string }{
		{"good", with(func(*api.SecretSet) {}), ""},
		{"removed", `{"remove":true}`, ""},
		{"nothing", `{}`, "sealed value"},
		{"an unknown field", `{"remove":true,"value":"x"}`, "unknown field"},
		{"two", `{"remove":true}{}`, "bytes after"},
		{"removed with a value", with(func(s *api.SecretSet) { s.Remove = true }), "removed and has a value"},
		{"no copies", with(func(s *api.SecretSet) { s.Copies = nil }), "0 copies"},
		{"too many copies", with(func(s *api.SecretSet) { s.Copies = slices.Repeat(s.Copies, MaxCopies+1) }), "513 copies"},
		{"one copy twice", with(func(s *api.SecretSet) { s.Copies = slices.Repeat(s.Copies, 2) }), "is none"},
		{"a short copy", with(func(s *api.SecretSet) { s.Copies[0].Sealed = "AAAA" }), "is none"},
		{"a copy for no node", with(func(s *api.SecretSet) { s.Copies[0].Node = "../x" }), "is none"},
		{"a copy for no boot", with(func(s *api.SecretSet) { s.Copies[0].Boot = "x" }), "is none"},
		{"a value over the limit", with(func(s *api.SecretSet) {
			s.Sealed = base64.StdEncoding.EncodeToString(make([]byte, MaxValue+overhead+1))
		}), "sealed value"},
		{"no base64", with(func(s *api.SecretSet) { s.Sealed = "?" }), "sealed value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.body))
			if got := errText(err); tt.want == "" && err != nil || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func FuzzParse(f *testing.F) {
	set, key := sealed(f, "swordfish")
	raw, err := json.Marshal(set)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"remove":true}`))
	f.Add([]byte(`{"sealed":"AAAA","copies":[{"node":"n1","boot":"00000000000000a1","sealed":""}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		set, err := Parse(body)
		if err != nil {
			return
		}
		if set.Remove && (set.Sealed != "" || set.Copies != nil) || len(set.Copies) > MaxCopies {
			t.Errorf("%q was accepted", body)
		}
		record, found, err := OpenCopy(here, set, "n1", boot, key)
		if found && err == nil {
			_, _ = OpenValue(here, set, record)
		}
	})
}

func TestAKeyIsTheWordOfItsNode(t *testing.T) {
	f, err := fleet.New("dev")
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.WithToken("dev")
	if err != nil {
		t.Fatal(err)
	}
	operator, err := f.Authority()
	if err != nil {
		t.Fatal(err)
	}
	authority, speaker, err := m.Enter("n1", trust.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	good, err := SignKey(m.ID(), "n1", boot, pair.PublicKey(), speaker.Key(), authority.Own().Certificate)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := VerifyKey(operator, good); err != nil || r.Node != "n1" || r.Boot != boot || !bytes.Equal(r.Key, pair.PublicKey().Bytes()) {
		t.Errorf("got %+v, %v", r, err)
	}
	for name, change := range map[string]func(*api.SealKey){
		"another node's name": func(k *api.SealKey) { k.Node = "n2" },
		"another boot":        func(k *api.SealKey) { k.Boot = "00000000000000a2" },
		"another key":         func(k *api.SealKey) { k.Key = bytes.Repeat([]byte{1}, 32) },
		"no signature":        func(k *api.SealKey) { k.Sig = nil },
		"no certificate":      func(k *api.SealKey) { k.Chain = nil },
	} {
		k := good
		change(&k)
		if _, err := VerifyKey(operator, k); err == nil {
			t.Errorf("%s: it is believed", name)
		}
	}
	operator.Revoke("node:n1")
	if _, err := VerifyKey(operator, good); !errors.Is(err, trust.ErrRevoked) {
		t.Errorf("of a revoked node: %v", err)
	}
}
