package fleet

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/capodekappa/capo/fleet/trust"
)

var (
	// ErrNoFleet is returned when no fleet was ever made or chosen here.
	ErrNoFleet = errors.New("no fleet")
	// ErrNotFound is returned for a name that no fleet here has.
	ErrNotFound = errors.New("no such fleet")
	// ErrExists is returned when a fleet of that name is already here.
	ErrExists = errors.New("a fleet of that name exists")
)

// Store is the operator's folder of fleets:
//
//	current                    the name of the fleet that commands use unless told otherwise
//	fleets/NAME/ca.key         the CA's key, PKCS #8 in PEM; only where the fleet was made
//	fleets/NAME/operator.key   the operator's ed25519 key, PKCS #8 in PEM
//	fleets/NAME/operator.key.N the operator's former keys, 1 the oldest
//	fleets/NAME/fleet.json     the Membership, without a token
//	fleets/NAME/images.json    the join tokens that were made, see Image
//
// A key that is locked with a passphrase has the name ca.key.age or operator.key.age instead.
//
// Folders are 0700 and files 0600. Under sudo it is the invoking user's folder, and what is made
// belongs to that user.
type Store struct {
	Dir  string // such as ~/.config/capo
	Lock Lock   // for keys with a passphrase; nil: there are none

	owner owner
}

// Lock encrypts keys under a passphrase, which it asks for.
type Lock interface {
	Seal(plain []byte) ([]byte, error)
	Open(sealed []byte) ([]byte, error)
}

// OpenStore returns the store of the user who runs this program: $XDG_CONFIG_HOME/capo, or the
// system's place for configuration. Nothing is made until something is kept.
func OpenStore() (*Store, error) {
	o, err := invoker()
	if err != nil {
		return nil, fmt.Errorf("find the invoking user's folders: %w", err)
	}
	dir := os.Getenv("XDG_CONFIG_HOME")
	if o.home != "" {
		dir = filepath.Join(o.home, ".config")
	}
	if dir == "" {
		if dir, err = os.UserConfigDir(); err != nil {
			return nil, fmt.Errorf("find the folder for configuration: %w", err)
		}
	}
	return &Store{Dir: filepath.Join(dir, "capo"), owner: o}, nil
}

// New makes a fleet and keeps it; locked keeps its keys under a passphrase. The first fleet becomes the current one.
func (s *Store) New(name string, locked bool) (*Fleet, error) {
	f, err := New(name)
	if err != nil {
		return nil, err
	}
	return f, s.Keep(f, locked)
}

// Keep keeps a fleet that is new here.
func (s *Store) Keep(f *Fleet, locked bool) error {
	if err := s.keep(f, locked); err != nil {
		return fmt.Errorf("keep fleet %s: %w", f.Name, err)
	}
	if _, err := s.CurrentName(); errors.Is(err, ErrNoFleet) {
		return s.Use(f.Name)
	}
	return nil
}

// keep writes the fleet into a folder beside its place and renames it, so that a fleet is there
// whole or not at all.
func (s *Store) keep(f *Fleet, locked bool) error {
	if _, err := os.Lstat(s.path(f.Name)); err == nil {
		return ErrExists
	}
	if err := s.mkdir(filepath.Join(s.Dir, "fleets")); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Join(s.Dir, "fleets"), ".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := s.writeKey(tmp, operatorKey, f.Key, locked); err != nil {
		return err
	}
	ca, err := f.CA()
	if err == nil {
		err = s.writeKey(tmp, caKey, ca.Key, locked)
	}
	if err != nil && !errors.Is(err, ErrNoCA) {
		return err
	}
	if err := s.writeMembership(tmp, f.Membership); err != nil {
		return err
	}
	if err := s.owner.own(tmp); err != nil {
		return err
	}
	if _, err := os.Lstat(s.path(f.Name)); err == nil {
		return ErrExists
	}
	return os.Rename(tmp, s.path(f.Name))
}

// List returns the names of the fleets here, sorted.
func (s *Store) List() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.Dir, "fleets"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list fleets: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && namePattern.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// Use makes the named fleet the current one.
func (s *Store) Use(name string) error {
	if _, err := s.Load(name); err != nil {
		return err
	}
	tmp := filepath.Join(s.Dir, fmt.Sprintf(".current-%d", os.Getpid()))
	if err := s.write(tmp, []byte(name+"\n")); err != nil {
		return fmt.Errorf("use fleet %s: %w", name, err)
	}
	if err := os.Rename(tmp, filepath.Join(s.Dir, "current")); err != nil {
		return fmt.Errorf("use fleet %s: %w", name, err)
	}
	return nil
}

// CurrentName returns the name of the current fleet, or ErrNoFleet.
func (s *Store) CurrentName() (string, error) {
	data, err := os.ReadFile(filepath.Join(s.Dir, "current"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", ErrNoFleet
	}
	if err != nil {
		return "", fmt.Errorf("read the current fleet's name: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

// Current loads the current fleet. The error wraps ErrNoFleet when there is none.
func (s *Store) Current() (*Fleet, error) {
	name, err := s.CurrentName()
	if err != nil {
		return nil, err
	}
	return s.Load(name)
}

// Load reads the named fleet. The error wraps ErrNotFound when there is none of that name.
func (s *Store) Load(name string) (*Fleet, error) {
	if !namePattern.MatchString(name) {
		return nil, fmt.Errorf("fleet %.50q: %w", name, ErrNotFound)
	}
	f, err := s.load(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("fleet %s: %w", name, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("load fleet %s: %w", name, err)
	}
	return f, nil
}

func (s *Store) load(name string) (*Fleet, error) {
	raw, err := os.ReadFile(filepath.Join(s.path(name), membershipName))
	if err != nil {
		return nil, err
	}
	m, err := ParseMembership(raw)
	if err != nil {
		return nil, err
	}
	key, err := s.readKey(name, operatorKey)
	if err != nil {
		return nil, err
	}
	operator, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("operator.key is not an ed25519 key")
	}
	former, err := s.former(name)
	if err != nil {
		return nil, err
	}
	return &Fleet{Name: name, Key: operator, Former: former, Membership: m, ca: func() (*trust.CA, error) { return s.readCA(name, m) }}, nil
}

func (s *Store) path(name string) string { return filepath.Join(s.Dir, "fleets", name) }

// mkdir makes dir and the folders above it that are missing, each the user's own.
func (s *Store) mkdir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := s.mkdir(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return s.owner.own(dir)
}

func (s *Store) write(path string, data []byte) error {
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return err
	}
	return s.owner.own(path)
}
