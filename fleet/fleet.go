package fleet

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
)

// Fleet is a fleet as its operator holds it.
type Fleet struct {
	Name string
	Key  ed25519.PrivateKey // the operator's; never leaves the operator's machine
	// Membership is what nodes get. Its labels are empty: they are chosen for each image.
	Membership *Membership
}

// New makes a fleet: an operator's key, a token, and the id that follows from the key. Nothing is
// written; Store.New also keeps it.
func New(name string) (*Fleet, error) {
	if !namePattern.MatchString(name) {
		return nil, fmt.Errorf("fleet name %.50q: use lower-case letters, digits and dashes, at most 40", name)
	}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key of fleet %s: %w", name, err)
	}
	token := make([]byte, tokenBytes)
	if _, err := rand.Read(token); err != nil {
		return nil, fmt.Errorf("make the token of fleet %s: %w", name, err)
	}
	m := &Membership{Fleet: ID(public), Name: name, Operators: []ed25519.PublicKey{public}, Token: token}
	return &Fleet{Name: name, Key: key, Membership: m}, nil
}

// ID returns the fleet's id.
func (f *Fleet) ID() string { return f.Membership.Fleet }
