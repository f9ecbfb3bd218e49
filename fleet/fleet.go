package fleet

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/capodekappa/capo/fleet/trust"
)

// ErrNoCA is returned where a fleet's CA is needed that another operator holds.
var ErrNoCA = errors.New("the fleet's CA is not here")

// Fleet is a fleet as its operator holds it.
type Fleet struct {
	Name string
	Key  ed25519.PrivateKey // the operator's; never leaves the operator's machine
	// Former are keys of this operator's that were replaced, newest first. A log that was formed by images from before knows one of them,
	// and has to be told of the new one by it.
	Former []ed25519.PrivateKey
	// Membership is what nodes get. It has no token and no labels: they are chosen for each image.
	Membership *Membership

	ca func() (*trust.CA, error)
}

// New makes a fleet: its CA, an operator's key, and the id that follows from the CA. Nothing is written; Store.New also keeps it.
func New(name string) (*Fleet, error) {
	if !namePattern.MatchString(name) {
		return nil, fmt.Errorf("fleet name %.50q: use lower-case letters, digits and dashes, at most 40", name)
	}
	ca, err := trust.NewCA(name)
	if err != nil {
		return nil, err
	}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the operator's key of fleet %s: %w", name, err)
	}
	m := &Membership{Name: name, CA: ca.Cert, Operators: []ed25519.PublicKey{public}}
	return &Fleet{Name: name, Key: key, Membership: m, ca: func() (*trust.CA, error) { return ca, nil }}, nil
}

// ID returns the fleet's id.
func (f *Fleet) ID() string { return f.Membership.ID() }

// CA opens the fleet's CA. The error wraps ErrNoCA where this operator does not hold it.
func (f *Fleet) CA() (*trust.CA, error) { return f.ca() }

// WithToken returns what the nodes of one new image get: the membership with a join token of its own. The name
// is for people.
func (f *Fleet) WithToken(name string) (*Membership, error) {
	ca, err := f.CA()
	if err != nil {
		return nil, fmt.Errorf("make a join token of fleet %s: %w", f.Name, err)
	}
	m := *f.Membership
	if m.Token, err = ca.Issue(name); err != nil {
		return nil, err
	}
	return &m, nil
}

// Authority returns how the operator sees the fleet, and speaks to it.
func (f *Fleet) Authority() (*trust.Authority, error) {
	a := trust.NewAuthority(f.Membership.Roots(), trust.Options{})
	own, err := trust.OperatorCertificate(f.ID(), f.Key)
	if err != nil {
		return nil, err
	}
	a.Speak(own)
	return a, nil
}

// Imported is a fleet of which this operator has a key alone: its CA is with another.
func Imported(m *Membership, key ed25519.PrivateKey) *Fleet {
	return &Fleet{Name: m.Name, Key: key, Membership: m, ca: func() (*trust.CA, error) { return nil, ErrNoCA }}
}
