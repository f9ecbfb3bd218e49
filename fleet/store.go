package fleet

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
//	fleets/NAME/operator.key   the seed of the operator's ed25519 key, base64
//	fleets/NAME/fleet.json     the Membership
//
// Folders are 0700 and files 0600. Under sudo it is the invoking user's folder, and what is made
// belongs to that user.
type Store struct {
	Dir string // such as ~/.config/capo

	owner owner
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

// New makes a fleet and keeps it. The first fleet becomes the current one.
func (s *Store) New(name string) (*Fleet, error) {
	f, err := New(name)
	if err != nil {
		return nil, err
	}
	if err := s.keep(f); err != nil {
		return nil, fmt.Errorf("keep fleet %s: %w", name, err)
	}
	if _, err := s.CurrentName(); errors.Is(err, ErrNoFleet) {
		return f, s.Use(name)
	}
	return f, nil
}

// keep writes the fleet into a folder beside its place and renames it, so that a fleet is there
// whole or not at all.
func (s *Store) keep(f *Fleet) error {
	membership, err := f.Membership.Marshal()
	if err != nil {
		return err
	}
	if err := s.mkdir(filepath.Join(s.Dir, "fleets")); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Join(s.Dir, "fleets"), ".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	seed := base64.StdEncoding.EncodeToString(f.Key.Seed()) + "\n"
	for name, data := range map[string][]byte{"operator.key": []byte(seed), "fleet.json": membership} {
		if err := s.write(filepath.Join(tmp, name), data); err != nil {
			return err
		}
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
	text, err := os.ReadFile(filepath.Join(s.path(name), "operator.key"))
	if err != nil {
		return nil, err
	}
	seed, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, errors.New("operator.key is not an ed25519 seed in base64")
	}
	raw, err := os.ReadFile(filepath.Join(s.path(name), "fleet.json"))
	if err != nil {
		return nil, err
	}
	m, err := ParseMembership(raw)
	if err != nil {
		return nil, err
	}
	key := ed25519.NewKeyFromSeed(seed)
	if !slices.ContainsFunc(m.Operators, func(k ed25519.PublicKey) bool { return k.Equal(key.Public()) }) {
		return nil, errors.New("operator.key is not among fleet.json's operators")
	}
	return &Fleet{Name: name, Key: key, Membership: m}, nil
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
