package fleet

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/capodekappa/capo/fleet/trust"
)

// The files of a fleet in a Store.
const (
	operatorKey    = "operator.key"
	caKey          = "ca.key"
	membershipName = "fleet.json"
	imagesName     = "images.json"
	lockedSuffix   = ".age"
)

// ErrLocked is returned for a key under a passphrase where nobody can ask for it.
var ErrLocked = errors.New("the key is locked with a passphrase")

// Image is a join token that was made, as a Store remembers it. The token itself is in the image alone.
type Image struct {
	Serial string    `json:"serial"` // by which it is revoked
	Name   string    `json:"name"`   // what it was made for
	Time   time.Time `json:"time"`
}

func (s *Store) writeKey(dir, name string, key crypto.PrivateKey, locked bool) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	data := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if locked {
		if s.Lock == nil {
			return fmt.Errorf("%s: %w", name, ErrLocked)
		}
		if data, err = s.Lock.Seal(data); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		name += lockedSuffix
	}
	return s.replace(filepath.Join(dir, name), data)
}

// readKey reads a fleet's key. The error wraps fs.ErrNotExist when it is not here.
func (s *Store) readKey(fleet, name string) (crypto.PrivateKey, error) {
	path := filepath.Join(s.path(fleet), name)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if data, err = os.ReadFile(path + lockedSuffix); err != nil {
			return nil, err
		}
		if s.Lock == nil {
			return nil, fmt.Errorf("%s: %w", name, ErrLocked)
		}
		data, err = s.Lock.Open(data)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s is not a key in PEM; a fleet of an earlier version has to be made anew: capo fleet new", name)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return key, nil
}

func (s *Store) readCA(fleet string, m *Membership) (*trust.CA, error) {
	key, err := s.readKey(fleet, caKey)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("fleet %s: %w: it is where the fleet was made", fleet, ErrNoCA)
	}
	if err != nil {
		return nil, fmt.Errorf("fleet %s: %w", fleet, err)
	}
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok || !private.PublicKey.Equal(m.CA.PublicKey) {
		return nil, fmt.Errorf("fleet %s: ca.key is not the key of fleet.json's CA", fleet)
	}
	return &trust.CA{Cert: m.CA, Key: private}, nil
}

func (s *Store) writeMembership(dir string, m *Membership) error {
	public := *m
	public.Token, public.Invite, public.Labels = nil, "", nil
	data, err := public.Marshal()
	if err != nil {
		return err
	}
	return s.replace(filepath.Join(dir, membershipName), data)
}

// Update keeps a fleet's membership as it is now, such as with other operators.
func (s *Store) Update(f *Fleet) error {
	if err := s.writeMembership(s.path(f.Name), f.Membership); err != nil {
		return fmt.Errorf("keep fleet %s: %w", f.Name, err)
	}
	return nil
}

// SetKey makes another key the operator's own and keeps the old one among the former ones.
func (s *Store) SetKey(f *Fleet, key crypto.PrivateKey) error {
	dir := s.path(f.Name)
	_, err := os.Stat(filepath.Join(dir, operatorKey+lockedSuffix))
	locked := err == nil
	if err := s.writeKey(dir, fmt.Sprintf("%s.%d", operatorKey, len(f.Former)+1), f.Key, locked); err != nil {
		return fmt.Errorf("keep the operator's former key of fleet %s: %w", f.Name, err)
	}
	if err := s.writeKey(dir, operatorKey, key, locked); err != nil {
		return fmt.Errorf("keep the operator's key of fleet %s: %w", f.Name, err)
	}
	return nil
}

// former reads the operator's former keys, newest first.
func (s *Store) former(name string) ([]ed25519.PrivateKey, error) {
	var keys []ed25519.PrivateKey
	for i := 1; ; i++ {
		key, err := s.readKey(name, fmt.Sprintf("%s.%d", operatorKey, i))
		if errors.Is(err, fs.ErrNotExist) {
			slices.Reverse(keys)
			return keys, nil
		}
		if err != nil {
			return nil, err
		}
		if k, ok := key.(ed25519.PrivateKey); ok {
			keys = append(keys, k)
		}
	}
}

// WithToken is Fleet.WithToken, and remembers the image.
func (s *Store) WithToken(f *Fleet, name string) (*Membership, error) {
	m, err := f.WithToken(name)
	if err != nil {
		return nil, err
	}
	images, err := s.Images(f.Name)
	if err != nil {
		return nil, err
	}
	images = append(images, Image{Serial: m.Token.Serial(), Name: name, Time: time.Now().UTC().Truncate(time.Second)})
	data, err := json.MarshalIndent(images, "", "\t")
	if err != nil {
		return nil, err
	}
	if err := s.replace(filepath.Join(s.path(f.Name), imagesName), append(data, '\n')); err != nil {
		return nil, fmt.Errorf("remember the join token of fleet %s: %w", f.Name, err)
	}
	return m, nil
}

// Images returns the join tokens that were made for a fleet, oldest first.
func (s *Store) Images(fleet string) ([]Image, error) {
	data, err := os.ReadFile(filepath.Join(s.path(fleet), imagesName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var images []Image
	if err == nil {
		err = json.Unmarshal(data, &images)
	}
	if err != nil {
		return nil, fmt.Errorf("images of fleet %s: %w", fleet, err)
	}
	return images, nil
}

// replace writes a file whole or not at all.
func (s *Store) replace(path string, data []byte) error {
	tmp := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := s.write(tmp, data); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
