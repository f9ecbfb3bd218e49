package fleet

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"regexp"

	"github.com/capodekappa/capo/fleet/canon"
	"github.com/capodekappa/capo/fleet/trust"
)

// Limits of a fleet.json.
const (
	MaxMembershipBytes = 64 << 10
	maxOperators       = 16
	maxLabels          = 64
	maxRevoked         = 256
)

// ErrMembership is wrapped by every refusal of a fleet.json.
var ErrMembership = errors.New("not a valid fleet.json")

var (
	namePattern  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)
	labelPattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$`)
)

// Membership is a node's part of a fleet: whom it trusts and what it may enter with. It is the file
// /capo/fleet.json of an image and what a host node is given. With a token in it, it is a secret: 0600.
type Membership struct {
	Name      string              // the operator's name for the fleet
	CA        *x509.Certificate   // the fleet's root; its key gives the fleet's id
	Operators []ed25519.PublicKey // whose control records count when a log begins
	Revoked   []string            // what had been taken back when the file was made, see trust.ValidMark
	Token     *trust.Intermediate // to mint certificates of nodes; nil: the node waits to be approved
	Invite    string              // or a token to be enrolled with once; may be ""
	Labels    map[string]string   // of the nodes that this file is given to; may be nil
}

// membershipFile is fleet.json version 2.
type membershipFile struct {
	V         int                     `json:"v"`
	Fleet     string                  `json:"fleet"`
	Name      string                  `json:"name"`
	CA        string                  `json:"ca"`
	Operators []string                `json:"operators"`
	Revoked   []string                `json:"revoked"`
	Token     *trust.IntermediateFile `json:"token"`
	Invite    string                  `json:"invite"`
	Labels    map[string]string       `json:"labels"`
}

// ID is the fleet's id, which follows from its CA.
func (m *Membership) ID() string { return trust.FleetID(m.CA) }

// Roots is what the fleet is recognised by.
func (m *Membership) Roots() trust.Roots {
	return trust.Roots{CA: m.CA, Operators: m.Operators, Revoked: m.Revoked}
}

// Marshal returns the canonical fleet.json.
func (m *Membership) Marshal() ([]byte, error) {
	f := membershipFile{V: 2, Fleet: m.ID(), Name: m.Name, CA: base64.StdEncoding.EncodeToString(m.CA.Raw), Revoked: m.Revoked, Invite: m.Invite, Labels: m.Labels}
	if f.Labels == nil {
		f.Labels = map[string]string{}
	}
	if f.Revoked == nil {
		f.Revoked = []string{}
	}
	for _, key := range m.Operators {
		f.Operators = append(f.Operators, base64.StdEncoding.EncodeToString(key))
	}
	if m.Token != nil {
		var err error
		if f.Token, err = m.Token.File(); err != nil {
			return nil, err
		}
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
	if f.V != 2 {
		return nil, fmt.Errorf("version %d, this program knows 2", f.V)
	}
	if !namePattern.MatchString(f.Name) {
		return nil, fmt.Errorf("name %.50q: lower-case letters, digits and dashes, at most 40", f.Name)
	}
	m := &Membership{Name: f.Name, Revoked: f.Revoked}
	var err error
	if m.CA, err = trust.ParseCA(f.CA); err != nil {
		return nil, err
	}
	if want := m.ID(); f.Fleet != want {
		return nil, fmt.Errorf("fleet %.40q does not belong to its CA (%s)", f.Fleet, want)
	}
	if m.Operators, err = parseKeys(f.Operators); err != nil {
		return nil, err
	}
	if len(f.Revoked) > maxRevoked {
		return nil, fmt.Errorf("%d things are revoked, at most %d", len(f.Revoked), maxRevoked)
	}
	for _, mark := range f.Revoked {
		if !trust.ValidMark(mark) {
			return nil, fmt.Errorf("revoked: %.80q is not node:, image:, token: or key: with its name", mark)
		}
	}
	if f.Token != nil {
		if m.Token, err = f.Token.Parse(m.CA); err != nil {
			return nil, err
		}
	}
	if f.Invite != "" {
		c, err := trust.ParseToken(f.Invite)
		if err != nil || c.Role != trust.RoleJoin || c.Fleet != f.Fleet {
			return nil, errors.New("invite is not one for this fleet")
		}
		m.Invite = f.Invite
	}
	if err := CheckLabels(f.Labels); err != nil {
		return nil, err
	}
	if len(f.Labels) > 0 {
		m.Labels = f.Labels
	}
	if len(m.Revoked) == 0 {
		m.Revoked = nil
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

// Enter makes the view and the voice of the node with that id and those addresses: with a join token it has a certificate of
// the fleet at once, without one a self-signed one until it is enrolled.
func (m *Membership) Enter(id string, o trust.Options, addresses ...net.IP) (*trust.Authority, *trust.Speaker, error) {
	a := trust.NewAuthority(m.Roots(), o)
	s, err := trust.NewSpeaker(a, m.Token, id, trust.NodeNames(id, addresses...))
	if err != nil {
		return nil, nil, fmt.Errorf("enter fleet %s as %s: %w", m.Name, id, err)
	}
	return a, s, nil
}
