// Package seal seals a secret so that only certain nodes, as they run now, can open it.
//
// A secret's record has a key pair of its own. The value is sealed to its public half, and its private half, the record's key, to the
// key that each recipient made when it booted: so a record grows by a few hundred bytes with each recipient, and who is given the
// record's key later opens the value that the operator signed and no other. Everything is sealed by HPKE (RFC 9180, base mode, one
// shot): X25519 with HKDF-SHA256, HKDF-SHA256, ChaCha20Poly1305.
package seal

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"unicode/utf8"

	"github.com/capodekappa/capo/fleet/canon"
	"github.com/capodekappa/capo/node/api"
)

// Limits of a secret.
const (
	MaxValue  = 32 << 10 // bytes of a value
	MaxCopies = 512      // recipients of one record; other nodes ask a log server
)

// Bytes of a key, and of what sealing adds: the encapsulated key and the tag.
const (
	keyBytes = 32
	overhead = 32 + 16
)

// ErrSealed: a copy or a value that does not open: it was sealed to another key, for another fleet, log, name, generation or node, or was changed.
var ErrSealed = errors.New("sealed for somebody else")

// ErrValue: a value that cannot be a secret.
var ErrValue = errors.New("cannot be a secret's value")

// Context is what a secret is bound to: opened as anything else, it does not open.
type Context struct {
	Fleet      string
	Log        string // the incarnation
	Name       string
	Generation uint64
}

// info is what HPKE binds a copy for a run of a node to; of the value itself, node and boot are empty.
func (c Context) info(node, boot string) ([]byte, error) {
	text, err := canon.Marshal(map[string]any{"fleet": c.Fleet, "log": c.Log, "name": c.Name, "generation": c.Generation, "node": node, "boot": boot})
	return append([]byte("capo secret v1\n"), text...), err
}

// Recipient is a node, as it runs now, with its public key.
type Recipient struct {
	Node string
	Boot string
	Key  []byte
}

func kem() hpke.KEM { return hpke.DHKEM(ecdh.X25519()) }

// NewKey makes a node's key pair.
func NewKey() (hpke.PrivateKey, error) { return kem().GenerateKey() }

// CheckValue tells why something cannot be a secret's value, or nil.
func CheckValue(value []byte) error {
	switch {
	case len(value) == 0:
		return fmt.Errorf("%w: it is empty", ErrValue)
	case len(value) > MaxValue:
		return fmt.Errorf("%w: %d bytes, at most %d", ErrValue, len(value), MaxValue)
	case !utf8.Valid(value):
		return fmt.Errorf("%w: it is not UTF-8 text; encode it, with base64 for example", ErrValue)
	}
	return nil
}

// Seal makes the body of a secret's record.
func Seal(c Context, value []byte, to []Recipient) (api.SecretSet, error) {
	if err := CheckValue(value); err != nil {
		return api.SecretSet{}, fmt.Errorf("secret %s: %w", c.Name, err)
	}
	if len(to) == 0 || len(to) > MaxCopies {
		return api.SecretSet{}, fmt.Errorf("secret %s: %d recipients, want 1 to %d", c.Name, len(to), MaxCopies)
	}
	key, err := NewKey()
	if err != nil {
		return api.SecretSet{}, err
	}
	secret, err := key.Bytes()
	if err != nil {
		return api.SecretSet{}, err
	}
	set := api.SecretSet{}
	if set.Sealed, err = c.seal(key.PublicKey(), "", "", value); err != nil {
		return api.SecretSet{}, err
	}
	for _, r := range to {
		public, err := kem().NewPublicKey(r.Key)
		if err != nil {
			return api.SecretSet{}, fmt.Errorf("secret %s: key of node %s: %w", c.Name, r.Node, err)
		}
		sealed, err := c.seal(public, r.Node, r.Boot, secret)
		if err != nil {
			return api.SecretSet{}, fmt.Errorf("secret %s: seal to node %s: %w", c.Name, r.Node, err)
		}
		set.Copies = append(set.Copies, api.SecretCopy{Node: r.Node, Boot: r.Boot, Sealed: sealed})
	}
	return set, nil
}

func (c Context) seal(to hpke.PublicKey, node, boot string, text []byte) (string, error) {
	info, err := c.info(node, boot)
	if err != nil {
		return "", err
	}
	sealed, err := hpke.Seal(to, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info, text)
	return base64.StdEncoding.EncodeToString(sealed), err
}

func (c Context) open(key hpke.PrivateKey, node, boot, text string) ([]byte, error) {
	sealed, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w", c.Name, err)
	}
	info, err := c.info(node, boot)
	if err != nil {
		return nil, err
	}
	opened, err := hpke.Open(key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info, sealed)
	if err != nil {
		return nil, fmt.Errorf("secret %s, generation %d: %w: %w", c.Name, c.Generation, ErrSealed, err)
	}
	return opened, nil
}

// OpenCopy opens the copy of a record's key that was sealed to a run of a node. It tells whether there is one.
func OpenCopy(c Context, set api.SecretSet, node, boot string, key hpke.PrivateKey) (recordKey []byte, found bool, err error) {
	for _, copied := range set.Copies {
		if copied.Node == node && copied.Boot == boot {
			recordKey, err = c.open(key, node, boot, copied.Sealed)
			return recordKey, true, err
		}
	}
	return nil, false, nil
}

// OpenValue opens the value in a record with the record's key.
func OpenValue(c Context, set api.SecretSet, recordKey []byte) (string, error) {
	key, err := kem().NewPrivateKey(recordKey)
	if err != nil {
		return "", fmt.Errorf("secret %s: the record's key: %w", c.Name, err)
	}
	value, err := c.open(key, "", "", set.Sealed)
	if err == nil {
		err = CheckValue(value)
	}
	return string(value), err
}

var (
	nodeForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,79}$`)
	bootForm = regexp.MustCompile(`^[0-9a-f]{16}$`)
)

// Parse reads the body of a secret's record and checks its form: nothing is opened.
func Parse(body []byte) (api.SecretSet, error) {
	var set api.SecretSet
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&set); err != nil {
		return set, fmt.Errorf("secret: %w", err)
	}
	if dec.More() {
		return set, errors.New("secret: bytes after it")
	}
	if set.Remove {
		if set.Sealed != "" || len(set.Copies) > 0 {
			return set, errors.New("secret: it is removed and has a value")
		}
		return set, nil
	}
	if n, err := sealedBytes(set.Sealed); err != nil || n < 1 || n > MaxValue {
		return set, fmt.Errorf("secret: a sealed value of %d bytes: %w", n, errors.Join(ErrValue, err))
	}
	if len(set.Copies) == 0 || len(set.Copies) > MaxCopies {
		return set, fmt.Errorf("secret: %d copies, want 1 to %d", len(set.Copies), MaxCopies)
	}
	seen := map[[2]string]bool{}
	for _, c := range set.Copies {
		n, err := sealedBytes(c.Sealed)
		if err != nil || n != keyBytes || !nodeForm.MatchString(c.Node) || !bootForm.MatchString(c.Boot) || seen[[2]string{c.Node, c.Boot}] {
			return set, fmt.Errorf("secret: the copy for %.60q is none", c.Node)
		}
		seen[[2]string{c.Node, c.Boot}] = true
	}
	return set, nil
}

// sealedBytes is how many bytes were sealed.
func sealedBytes(text string) (int, error) {
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	return len(data) - overhead, err
}
