package trust

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet/canon"
)

// claims are those of a viewer's token that is good now.
func (h *house) claims(role Role) Claims {
	c := Claims{Fleet: h.Fleet(), Role: role, Issued: time.Now().Unix() - 10, Expires: time.Now().Unix() + 3600}
	if role == RoleCaller {
		c.Job = "edges"
	}
	return c
}

func (h *house) sign(c Claims) string {
	h.t.Helper()
	return must(c.Sign(h.operator))(h.t)
}

// resign puts other claims into a token and keeps, or makes, a signature.
func resign(t *testing.T, token string, key ed25519.PrivateKey, change func(map[string]any)) string {
	t.Helper()
	body64, sig64, _ := strings.Cut(strings.TrimPrefix(token, tokenPrefix), ".")
	var claims map[string]any
	if err := json.Unmarshal(must(base64.RawURLEncoding.DecodeString(body64))(t), &claims); err != nil {
		t.Fatal(err)
	}
	change(claims)
	body := must(canon.Marshal(claims))(t)
	if key != nil {
		sig64 = base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, append([]byte(tokenDomain), body...)))
	}
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(body) + "." + sig64
}

func TestATokenMakesItsBearerWhatItSays(t *testing.T) {
	h := newHouse(t, Options{})
	for _, role := range []Role{RoleViewer, RoleCaller, RoleOperator, RoleJoin} {
		want := h.claims(role)
		id, got, err := h.Bearer(h.sign(want))
		if err != nil || id.Role != role || id.Job != want.Job || id.Token != got.ID || got.Expires != want.Expires || id.Key != OperatorFingerprint(h.operatorPublic()) {
			t.Errorf("%s: %+v, %v", role, id, err)
		}
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	h := newHouse(t, Options{})
	_, stranger, _ := ed25519.GenerateKey(rand.Reader)
	good := h.sign(h.claims(RoleViewer))
	change := func(f func(*Claims)) string {
		c := h.claims(RoleViewer)
		f(&c)
		return h.sign(c)
	}
	body64, sig64, _ := strings.Cut(strings.TrimPrefix(good, tokenPrefix), ".")
	set := func(key string, v any) func(map[string]any) { return func(m map[string]any) { m[key] = v } }
	for name, c := range map[string]struct {
		token string
		want  error
	}{
		"expired":                         {change(func(c *Claims) { c.Issued, c.Expires = 1000, time.Now().Unix() }), ErrExpired},
		"of another fleet":                {change(func(c *Claims) { c.Fleet = "0123456789abcdef" }), ErrOtherFleet},
		"by a key that is no operator's":  {must(h.claims(RoleViewer).Sign(stranger))(t), ErrSigner},
		"another's signer, own signature": {resign(t, good, stranger, func(map[string]any) {}), ErrBadToken},
		"role changed":                    {resign(t, good, nil, set("role", "operator")), ErrBadToken},
		"expiry changed":                  {resign(t, good, nil, set("expires", time.Now().Unix()+1e6)), ErrBadToken},
		"role that there is not":          {resign(t, good, h.operator, set("role", "node")), ErrBadToken},
		"role unapproved":                 {resign(t, good, h.operator, set("role", "unapproved")), ErrBadToken},
		"a field that there is not":       {resign(t, good, h.operator, set("admin", true)), ErrBadToken},
		"a later version":                 {resign(t, good, h.operator, set("v", 2)), ErrBadToken},
		"a caller of no job":              {resign(t, good, h.operator, set("role", "caller")), ErrBadToken},
		"a viewer of a job":               {resign(t, good, h.operator, set("job", "edges")), ErrBadToken},
		"a job that means all":            {resign(t, resign(t, good, h.operator, set("role", "caller")), h.operator, set("job", "*")), ErrBadToken},
		"an id that is none":              {resign(t, good, h.operator, set("id", "*")), ErrBadToken},
		"without an end":                  {resign(t, good, h.operator, set("expires", 0)), ErrBadToken},
		"a fraction":                      {resign(t, good, h.operator, set("expires", "1e99")), ErrBadToken},
		"nothing":                         {"", ErrBadToken},
		"a password":                      {"hunter2", ErrBadToken},
		"cut off":                         {good[:len(good)-1], ErrBadToken},
		"cut off in the claims":           {good[:40], ErrBadToken},
		"without a signature":             {tokenPrefix + body64 + ".", ErrBadToken},
		"padded":                          {tokenPrefix + body64 + "=." + sig64, ErrBadToken},
		"the other base64":                {tokenPrefix + base64.StdEncoding.EncodeToString(must(base64.RawURLEncoding.DecodeString(body64))(t)) + "?." + sig64, ErrBadToken},
		"with a line break":               {tokenPrefix + body64[:8] + "\n" + body64[8:] + "." + sig64, ErrBadToken},
		"trailing bits":                   {tokenPrefix + body64 + "." + sig64[:len(sig64)-1] + other(sig64[len(sig64)-1]), ErrBadToken},
		"twice":                           {good + good, ErrBadToken},
		"as long as one likes":            {good + strings.Repeat("A", maxTokenBytes), ErrBadToken},
	} {
		t.Run(name, func(t *testing.T) {
			if id, _, err := h.Bearer(c.token); !errors.Is(err, c.want) {
				t.Errorf("%+v, %v, want %v", id, err, c.want)
			}
		})
	}
}

// other is a digit of base64 that differs from c in a bit that is not used.
func other(c byte) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(digits[strings.IndexByte(digits, c)^1])
}

func TestSignRefusesClaimsThatNobodyWouldTake(t *testing.T) {
	h := newHouse(t, Options{})
	for name, change := range map[string]func(*Claims){
		"no role": func(c *Claims) { c.Role = "" }, "a node": func(c *Claims) { c.Role = RoleNode }, "a caller of nothing": func(c *Claims) { c.Role = RoleCaller },
		"expires before it begins": func(c *Claims) { c.Expires = c.Issued }, "expires after 9999": func(c *Claims) { c.Expires = 1 << 40 },
	} {
		c := h.claims(RoleViewer)
		change(&c)
		if token, err := c.Sign(h.operator); !errors.Is(err, ErrBadToken) {
			t.Errorf("%s: %q, %v", name, token, err)
		}
	}
}

func TestATokenIsTakenBack(t *testing.T) {
	h := newHouse(t, Options{})
	token := h.sign(h.claims(RoleViewer))
	id, _, err := h.Bearer(token)
	if err != nil {
		t.Fatal(err)
	}
	h.Revoke("token:" + id.Token)
	if _, _, err := h.Bearer(token); !errors.Is(err, ErrRevoked) {
		t.Errorf("revoked: %v", err)
	}
	second := h.sign(h.claims(RoleOperator))
	id, _, err = h.Bearer(second)
	if err != nil {
		t.Fatal(err)
	}
	h.RemoveOperator(OperatorFingerprint(h.operatorPublic()))
	if _, _, err := h.Bearer(second); !errors.Is(err, ErrSigner) {
		t.Errorf("of an operator who was removed: %v", err)
	}
	if err := h.Valid(id); !errors.Is(err, ErrSigner) {
		t.Errorf("one who was let in before: %v", err)
	}
}

// TestATokenWhereTheTimeIsNotKnown: on a board whose clock begins at 1970.
func TestATokenWhereTheTimeIsNotKnown(t *testing.T) {
	w := &wall{time.Unix(0, 0)}
	clock := NewClock(ClockOptions{Build: built, Now: w.now})
	h := newHouse(t, Options{Clock: clock})
	c := h.claims(RoleViewer)
	c.Issued, c.Expires = 1000, built.Unix()-1
	if _, _, err := h.Bearer(h.sign(c)); !errors.Is(err, ErrExpired) {
		t.Errorf("one that ended before the program was built: %v", err)
	}
	c.Expires = built.Unix() + 3600
	token := h.sign(c)
	if _, _, err := h.Bearer(token); !errors.Is(err, ErrClock) {
		t.Errorf("one that may have ended: %v", err)
	}
	clock.Tell(built.Add(time.Minute))
	if _, _, err := h.Bearer(token); err != nil {
		t.Errorf("one that is good: %v", err)
	}
	clock.Tell(built.Add(2 * time.Hour))
	if _, _, err := h.Bearer(token); !errors.Is(err, ErrExpired) {
		t.Errorf("one that has ended: %v", err)
	}
}

func TestReasonsAreCountedByName(t *testing.T) {
	h := newHouse(t, Options{})
	for _, r := range reasons {
		_ = h.Refuse(r.err)
		if got := h.counted[len(h.counted)-1]; got != r.reason {
			t.Errorf("%v is counted as %s, want %s", r.err, got, r.reason)
		}
	}
	if n := len(h.counted); h.Refuse(nil) != nil || len(h.counted) != n || Reason(errors.New("x")) != "other" {
		t.Error("what is no refusal was counted")
	}
}
