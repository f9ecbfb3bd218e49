package trust

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/capodekappa/capo/fleet/canon"
)

// Claims is what an operator says of the bearer of a token. On the wire it is `capo.`, the canonical JSON
// in base64url, `.`, and the operator's ed25519 signature over `capo token v1\n` and that JSON, in base64url.
type Claims struct {
	V       int    `json:"v"`       // 1
	Fleet   string `json:"fleet"`   // the fleet's id
	ID      string `json:"id"`      // 16 hexadecimal digits, for revoking it
	Role    Role   `json:"role"`    // viewer, caller, operator or join
	Job     string `json:"job"`     // of a caller
	Issued  int64  `json:"issued"`  // seconds since 1970
	Expires int64  `json:"expires"` // seconds since 1970
	CA      string `json:"ca"`      // fingerprint of the CA's key, for who does not know the fleet yet
	Signer  string `json:"signer"`  // operator's public key, base64
}

const (
	tokenPrefix   = "capo."
	tokenDomain   = "capo token v1\n"
	maxTokenBytes = 4096
)

var (
	tokenIDForm = regexp.MustCompile(`^[0-9a-f]{16}$`)
	jobForm     = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._@-]{0,79}$`)
)

// NewTokenID makes an id for a token.
func NewTokenID() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	return hex.EncodeToString(b)
}

// Sign turns claims into a token, signed by an operator. It fills in version, id and signer.
func (c Claims) Sign(key ed25519.PrivateKey) (string, error) {
	c.V, c.Signer = 1, base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	if c.ID == "" {
		c.ID = NewTokenID()
	}
	if err := c.check(); err != nil {
		return "", err
	}
	body, err := canon.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	sig := ed25519.Sign(key, append([]byte(tokenDomain), body...))
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(body) + "." + base64.RawURLEncoding.EncodeToString(sig), nil
}

// Identity is who the bearer is.
func (c Claims) Identity() Identity {
	return Identity{Role: c.Role, ID: c.ID, Job: c.Job, Token: c.ID}
}

// ParseToken reads a token and checks its form and that its signer's key made it, not that the signer is an operator:
// see Authority.Bearer. Errors wrap ErrBadToken.
func ParseToken(text string) (Claims, error) {
	var c Claims
	rest, ok := strings.CutPrefix(text, tokenPrefix)
	body64, sig64, ok2 := strings.Cut(rest, ".")
	if !ok || !ok2 || len(text) > maxTokenBytes || strings.ContainsAny(text, "\r\n") { // line breaks are skipped by the decoder
		return c, fmt.Errorf("%w: it does not have a token's form", ErrBadToken)
	}
	enc := base64.RawURLEncoding.Strict()
	body, err := enc.DecodeString(body64)
	if err != nil {
		return c, fmt.Errorf("%w: its claims are not base64url", ErrBadToken)
	}
	sig, err := enc.DecodeString(sig64)
	if err != nil {
		return c, fmt.Errorf("%w: its signature is not base64url", ErrBadToken)
	}
	if _, err := canon.Parse(body); err != nil {
		return c, fmt.Errorf("%w: %w", ErrBadToken, err)
	}
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return c, fmt.Errorf("%w: %w", ErrBadToken, err)
	}
	if err := c.check(); err != nil {
		return c, err
	}
	key, err := base64.StdEncoding.Strict().DecodeString(c.Signer)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return c, fmt.Errorf("%w: signer", ErrBadToken)
	}
	if !ed25519.Verify(key, append([]byte(tokenDomain), body...), sig) {
		return c, fmt.Errorf("%w: its signature does not hold", ErrBadToken)
	}
	return c, nil
}

func (c Claims) check() error {
	switch {
	case c.V != 1:
		return fmt.Errorf("%w: version %d, this program knows 1", ErrBadToken, c.V)
	case !tokenIDForm.MatchString(c.ID):
		return fmt.Errorf("%w: id %.40q", ErrBadToken, c.ID)
	case c.Role != RoleViewer && c.Role != RoleCaller && c.Role != RoleOperator && c.Role != RoleJoin:
		return fmt.Errorf("%w: role %.40q; there are viewer, caller and operator", ErrBadToken, c.Role)
	case c.Role == RoleCaller && !jobForm.MatchString(c.Job):
		return fmt.Errorf("%w: a caller's token names a job, this one %.80q", ErrBadToken, c.Job)
	case c.Role != RoleCaller && c.Job != "":
		return fmt.Errorf("%w: only a caller's token names a job", ErrBadToken)
	case c.Expires <= c.Issued || c.Issued < 0 || c.Expires > validUntil.Unix():
		return fmt.Errorf("%w: it is issued at %d and expires at %d", ErrBadToken, c.Issued, c.Expires)
	}
	return nil
}

// ExpiresAt is when the token ends.
func (c Claims) ExpiresAt() time.Time { return time.Unix(c.Expires, 0) }

func sha256sum(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:]
}
