package fleet

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/capodekappa/capo/fleet/canon"
)

// Limits of a fleet.json.
const (
	MaxMembershipBytes = 64 << 10
	maxOperators       = 16
	maxLabels          = 64
	tokenBytes         = 32
)

// ErrMembership is wrapped by every refusal of a fleet.json.
var ErrMembership = errors.New("not a valid fleet.json")

var (
	namePattern  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)
	labelPattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$`)
)

// Membership is a node's part of a fleet: whom it trusts and how it proves that it belongs. It is
// the file /capo/fleet.json of an image and what a host node is given. It holds the token: 0600.
type Membership struct {
	Fleet     string              // 16 hex digits, see ID
	Name      string              // the operator's name for the fleet
	Operators []ed25519.PublicKey // whose control records count
	Token     []byte              // 32 bytes, the shared secret of hello, NATS and the API
	Labels    map[string]string   // of the nodes that this file is given to; may be nil
}

// ID returns the id of the fleet that key's owner founded: the first 8 bytes of its SHA-256, in hex.
func ID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:8])
}

// membershipFile is fleet.json version 1.
type membershipFile struct {
	V         int               `json:"v"`
	Fleet     string            `json:"fleet"`
	Name      string            `json:"name"`
	Operators []string          `json:"operators"`
	Token     string            `json:"token"`
	Labels    map[string]string `json:"labels"`
}

// Bearer returns the token as it stands in an Authorization header and in fleet.json.
func (m *Membership) Bearer() string { return base64.RawURLEncoding.EncodeToString(m.Token) }

// Marshal returns the canonical fleet.json.
func (m *Membership) Marshal() ([]byte, error) {
	f := membershipFile{V: 1, Fleet: m.Fleet, Name: m.Name, Token: m.Bearer(), Labels: m.Labels}
	if f.Labels == nil {
		f.Labels = map[string]string{}
	}
	for _, key := range m.Operators {
		f.Operators = append(f.Operators, base64.StdEncoding.EncodeToString(key))
	}
	return canon.Marshal(f)
}

// WithLabels returns a copy of m that carries the given labels.
func (m *Membership) WithLabels(labels map[string]string) *Membership {
	c := *m
	c.Labels = labels
	return &c
}

// ParseMembership reads a fleet.json. Every error wraps ErrMembership.
func ParseMembership(raw []byte) (*Membership, error) {
	if len(raw) > MaxMembershipBytes {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrMembership, len(raw), MaxMembershipBytes)
	}
	raw, err := canon.Transform(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMembership, err)
	}
	var f membershipFile
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMembership, err)
	}
	m, err := f.check()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMembership, err)
	}
	return m, nil
}

func (f *membershipFile) check() (*Membership, error) {
	if f.V != 1 {
		return nil, fmt.Errorf("version %d, this program knows 1", f.V)
	}
	if !namePattern.MatchString(f.Name) {
		return nil, fmt.Errorf("name %.50q: lower-case letters, digits and dashes, at most 40", f.Name)
	}
	m := &Membership{Fleet: f.Fleet, Name: f.Name}
	var err error
	if m.Token, err = base64.RawURLEncoding.Strict().DecodeString(f.Token); err != nil || len(m.Token) != tokenBytes {
		return nil, fmt.Errorf("token is not %d bytes of base64url", tokenBytes)
	}
	if m.Operators, err = parseKeys(f.Operators); err != nil {
		return nil, err
	}
	if want := ID(m.Operators[0]); f.Fleet != want {
		return nil, fmt.Errorf("fleet %.40q does not belong to the first operator's key (%s)", f.Fleet, want)
	}
	if err := CheckLabels(f.Labels); err != nil {
		return nil, err
	}
	if len(f.Labels) > 0 {
		m.Labels = f.Labels
	}
	return m, nil
}

func parseKeys(texts []string) ([]ed25519.PublicKey, error) {
	if len(texts) == 0 || len(texts) > maxOperators {
		return nil, fmt.Errorf("%d operators, from 1 to %d are possible", len(texts), maxOperators)
	}
	var keys []ed25519.PublicKey
	for i, text := range texts {
		key, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || len(key) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("operator %d is not an ed25519 public key in base64", i)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// CheckLabels says what is wrong with a node's labels: at most 64; keys and values of 1 to 63
// letters, digits, dots, dashes, slashes and underscores (a value may be empty).
func CheckLabels(labels map[string]string) error {
	if len(labels) > maxLabels {
		return fmt.Errorf("%d labels, at most %d", len(labels), maxLabels)
	}
	for k, v := range labels {
		if !labelPattern.MatchString(k) || v != "" && !labelPattern.MatchString(v) {
			return fmt.Errorf("label %.70q=%.70q: letters, digits, '.', '-', '/' and '_', at most 63", k, v)
		}
	}
	return nil
}
