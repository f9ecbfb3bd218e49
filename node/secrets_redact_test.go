package node

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/capodekappa/capo/node/api"
)

func holding(t *testing.T, values map[string]string) *secrets {
	t.Helper()
	s, err := newSecrets()
	if err != nil {
		t.Fatal(err)
	}
	s.enter("l1")
	for name, value := range values {
		s.hold(name, heldSecret{generation: 1, value: value})
	}
	return s
}

func TestValuesAreRedactedInEveryForm(t *testing.T) {
	const value = `pa"ss/wörd + 1?`
	s := holding(t, map[string]string{"KEY": value, "SHORT": "abc", "PEM": "-----BEGIN KEY-----\nMIIBVwIBADANBgkqhkiG9w0\n-----END KEY-----\n"})
	quoted, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	b64 := func(prefix string) string { return base64.StdEncoding.EncodeToString([]byte(prefix + value)) }
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "all is well", "all is well"},
		{"as it is", "x " + value + " y", "x [secret KEY] y"},
		{"twice", value + value, "[secret KEY][secret KEY]"},
		{"in JSON", `{"k":` + string(quoted) + `}`, `{"k":"[secret KEY]"}`},
		{"base64", b64(""), "[secret KEY]"},
		{"base64 for URLs", base64.RawURLEncoding.EncodeToString([]byte(value)), "[secret KEY]"},
		{"hexadecimal", hex.EncodeToString([]byte(value)), "[secret KEY]"},
		{"in a query", url.QueryEscape(value), "[secret KEY]"},
		{"in a path", url.PathEscape(value), "[secret KEY]"},
		{"as encodeURIComponent has it", strings.ReplaceAll(url.QueryEscape(value), "+", "%20"), "[secret KEY]"},
		{"cut at the end", "it is " + value[:9] + "…", "it is [secret KEY]…"},
		{"cut in the console", "it is " + value[:10] + "… (9000 characters)", "it is [secret KEY]… (9000 characters)"},
		{"a line of a value of several", "> MIIBVwIBADANBgkqhkiG9w0", "> [secret PEM]"},
		{"a line that many have", "-----BEGIN KEY-----", "-----BEGIN KEY-----"},
		{"too short to be one", "abcdef", "abcdef"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := s.clean(tt.text)
			if got != tt.want && !(strings.HasPrefix(tt.name, "base64") && strings.HasPrefix(got, tt.want) && len(got) < len(tt.want)+5) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	for _, prefix := range []string{"u:", "us:", "use:"} { // it begins anywhere in a group of three
		if got := s.clean(b64(prefix)); !strings.Contains(got, "[secret KEY]") || len(got) > len("[secret KEY]")+12 {
			t.Errorf("base64 after %s: %q", prefix, got)
		}
	}
}

func TestAResultIsRedactedAndStaysJSON(t *testing.T) {
	s := holding(t, map[string]string{"KEY": "swordfish", "PIN": "12345678"})
	r := api.Result{Value: json.RawMessage(`{"a":["swordfish",1],"swordfish":"x swordfish","n":12345678,"big":99999999999999999999}`), Error: &api.RunError{Message: "bad: swordfish"}}
	s.cleanResult(&r)
	if want := `{"a":["[secret KEY]",1],"[secret KEY]":"x [secret KEY]","n":"[secret PIN]","big":99999999999999999999}`; !sameJSON(t, r.Value, want) || r.Error.Message != "bad: [secret KEY]" {
		t.Errorf("got %s, %s", r.Value, r.Error.Message)
	}
}

func sameJSON(t *testing.T, a []byte, b string) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal([]byte(b), &y)); err != nil {
		t.Fatal(err)
	}
	ma, _ := json.Marshal(x)
	mb, _ := json.Marshal(y)
	return bytes.Equal(ma, mb)
}

func TestTheNodesOwnLogIsRedacted(t *testing.T) {
	s := holding(t, map[string]string{"KEY": "swordfish"})
	var out bytes.Buffer
	log := slog.New(cleanLog{slog.NewTextHandler(&out, nil), s}).With("part", "x")
	log.Warn("it is swordfish", "err", errors.New("no swordfish"), "text", "swordfish", slog.Group("g", "k", "swordfish"), "n", 1)
	if text := out.String(); strings.Contains(text, "swordfish") || strings.Count(text, "[secret KEY]") != 4 || !strings.Contains(text, "part=x") || !strings.Contains(text, "n=1") {
		t.Errorf("got %s", text)
	}
}

func TestASecretInUseStaysRedactedUntilItsJobHasEnded(t *testing.T) {
	s := holding(t, map[string]string{"KEY": "the old one"})
	done := s.use(map[string]string{"KEY": "the old one"})
	s.hold("KEY", heldSecret{generation: 2, value: "the new one"})
	if got := s.clean("the old one, the new one"); got != "[secret KEY], [secret KEY]" {
		t.Errorf("in use: %q", got)
	}
	done()
	if got := s.clean("the old one, the new one"); got != "the old one, [secret KEY]" {
		t.Errorf("after it: %q", got)
	}
	s.hold("KEY", heldSecret{generation: 1, value: "the old one"})
	if _, ok := s.find("KEY", 2); !ok {
		t.Error("an older generation replaced the newer one")
	}
	s.forgetOlder("KEY", 3)
	if _, ok := s.find("KEY", 2); ok || s.clean("the new one") != "the new one" {
		t.Error("it was removed and is still held")
	}
}

func TestSecretsOfAnotherLogAreForgotten(t *testing.T) {
	s := holding(t, map[string]string{"KEY": "swordfish"})
	s.enter("l1")
	if _, ok := s.find("KEY", 1); !ok {
		t.Error("the same log again: it is gone")
	}
	s.enter("l2")
	if _, ok := s.find("KEY", 1); ok {
		t.Error("another log: it is still there")
	}
}
