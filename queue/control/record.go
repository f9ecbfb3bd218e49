// Package control is the form of control records: what an operator, or a node, says in the log
// about what should be. It signs, verifies and orders them; carrying them is package queue's.
package control

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/capodekappa/capo/fleet/canon"
	"github.com/capodekappa/capo/fleet/trust"
)

// MaxBytes is the largest encoded control record in bytes.
const MaxBytes = 256 << 10

// ErrTooLarge: a record over [MaxBytes].
var ErrTooLarge = errors.New("too large")

// Record is a control record: what somebody says should be, about one target, with the proof
// that they may say it. Its bytes are described in docs/formats.md ("Control record").
type Record struct {
	V          int             `json:"v"`               // 1
	Fleet      string          `json:"fleet"`           // the fleet's id
	Log        string          `json:"log"`             // the log's incarnation
	Kind       string          `json:"kind"`            // one of Kinds
	Target     string          `json:"target"`          // what it is about: a job's, stream's or run's name
	Generation uint64          `json:"generation"`      // rises with each record about a target
	Time       int64           `json:"time"`            // the signer's, in milliseconds since 1970
	Digest     string          `json:"digest"`          // SHA-256 of Body, hexadecimal
	Signer     string          `json:"signer"`          // operator's public key, base64; or node:ID for an event
	Sig        string          `json:"sig"`             // ed25519 (ECDSA of the node's certificate, for an event) over the canonical head, base64
	Chain      []string        `json:"chain,omitempty"` // of an event: the node's certificate and its intermediate, DER in base64
	Body       json.RawMessage `json:"body"`            // canonical JSON, its form given by the kind

	// Seq is the record's sequence in the control log, once it is known; it is not part of its bytes.
	Seq uint64 `json:"-"`
}

// The kinds of control record.
const (
	KindJob    = "job"    // a job should run: its manifest
	KindRemove = "remove" // a job should not run any more
	KindStream = "stream" // a stream should have these settings
	KindRun    = "run"    // run once, on the nodes that the body lists
	KindEvent  = "event"  // something that a node reports; it orders nothing

	KindApprove  = "approve"  // a node that waits should be let in
	KindRevoke   = "revoke"   // certificates, join tokens or tokens should count no more
	KindOperator = "operator" // a key should count as an operator's, or no more
	KindSecret   = "secret"   // a secret's sealed values
)

// classes gives each kind the name space that its targets and generations are counted in.
var classes = map[string]string{KindJob: "job", KindRemove: "job", KindStream: "stream", KindRun: "run", KindEvent: "event",
	KindApprove: "approve", KindRevoke: "revoke", KindOperator: "operator", KindSecret: "secret"}

// Why a control record is refused.
var (
	ErrMalformed  = errors.New("malformed record")
	ErrSignature  = errors.New("bad signature")
	ErrSigner     = errors.New("unknown signer")
	ErrKind       = errors.New("unknown kind")
	ErrFleet      = errors.New("record of another fleet")
	ErrOtherLog   = errors.New("record of another log")
	ErrGeneration = errors.New("generation is not newer")
	ErrSameGen    = errors.New("equal generation with another digest")
)

const (
	controlDomain = "capo control v1\n"
	eventDomain   = "capo event v1\n"
)

var targetForm = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._@-]{0,79}$`)

// Class is the name space that the targets of a kind are counted in, or empty for an unknown kind.
func Class(kind string) string { return classes[kind] }

// Class is the class of the record's kind.
func (c *Record) Class() string { return Class(c.Kind) }

// head is what is signed: everything but the signature and the body, which Digest stands for.
func (c *Record) head() ([]byte, error) {
	return canon.Marshal(map[string]any{"v": c.V, "fleet": c.Fleet, "log": c.Log, "kind": c.Kind, "target": c.Target,
		"generation": c.Generation, "time": c.Time, "digest": c.Digest, "signer": c.Signer})
}

// Seal fills in version, digest and body, which it encodes canonically, and the time if there is none.
func (c *Record) Seal(body any) error {
	data, err := canon.Marshal(body)
	if err != nil {
		return fmt.Errorf("control record %s %s: %w", c.Kind, c.Target, err)
	}
	c.V, c.Body, c.Digest = 1, data, Digest(data)
	if c.Time == 0 {
		c.Time = time.Now().UnixMilli()
	}
	return nil
}

// Sign signs a sealed record with an operator's key.
func (c *Record) Sign(key ed25519.PrivateKey) error {
	c.Signer = base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	head, err := c.head()
	if err != nil {
		return err
	}
	c.Sig = base64.StdEncoding.EncodeToString(ed25519.Sign(key, append([]byte(controlDomain), head...)))
	return nil
}

// Encode gives the record's bytes in the log.
func (c *Record) Encode() ([]byte, error) {
	data, err := canon.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("control record %s %s: %w", c.Kind, c.Target, err)
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("control record %s %s: %w: %d bytes, at most %d", c.Kind, c.Target, ErrTooLarge, len(data), MaxBytes)
	}
	return data, nil
}

// Parse reads a record's bytes and checks their form, not their proof. What it returns
// beside an error is as much as could be read, for a listing to show.
func Parse(data []byte) (*Record, error) {
	c := &Record{}
	if len(data) > MaxBytes {
		return c, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(data), MaxBytes)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(c); err != nil {
		return c, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	switch {
	case dec.More():
		return c, fmt.Errorf("%w: bytes after the record", ErrMalformed)
	case c.V != 1:
		return c, fmt.Errorf("%w: version %d, this node knows 1", ErrMalformed, c.V)
	case !targetForm.MatchString(c.Target):
		return c, fmt.Errorf("%w: target %q", ErrMalformed, c.Target)
	case c.Time < 0:
		return c, fmt.Errorf("%w: time %d", ErrMalformed, c.Time)
	case c.Generation == 0:
		return c, fmt.Errorf("%w: generation 0", ErrMalformed)
	case classes[c.Kind] == "":
		return c, fmt.Errorf("%w %q", ErrKind, c.Kind)
	}
	return c, nil
}

// Verifier holds what a control record is checked against.
type Verifier struct {
	Fleet     string
	Log       string // the incarnation
	Operators []ed25519.PublicKey
	Authority *trust.Authority // verifies the certificates of events
}

// Check tells why a record must not be believed, or nil.
func (v Verifier) Check(c *Record) error {
	if c.Fleet != v.Fleet {
		return fmt.Errorf("%w: %s", ErrFleet, c.Fleet)
	}
	if c.Log != v.Log {
		return fmt.Errorf("%w: %s", ErrOtherLog, c.Log)
	}
	sum := sha256.Sum256(c.Body)
	if hex.EncodeToString(sum[:]) != c.Digest {
		return fmt.Errorf("%w: body is not what was signed", ErrSignature)
	}
	head, err := c.head()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	sig, err := base64.StdEncoding.DecodeString(c.Sig)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if c.Kind != KindEvent && len(c.Chain) > 0 {
		return fmt.Errorf("%w: only an event carries certificates", ErrMalformed)
	}
	if c.Kind == KindEvent {
		return v.checkEvent(c, head, sig)
	}
	for _, key := range v.Operators {
		if base64.StdEncoding.EncodeToString(key) != c.Signer {
			continue
		}
		if !ed25519.Verify(key, append([]byte(controlDomain), head...), sig) {
			return ErrSignature
		}
		return nil
	}
	return fmt.Errorf("%w %.12s…", ErrSigner, c.Signer)
}

// Ledger remembers the newest generation of each target, and so which record may follow.
type Ledger struct {
	last map[string]standing
}

type standing struct {
	generation uint64
	digest     string
	kind       string
}

// Accept takes a verified record, or says why not: [ErrGeneration], [ErrSameGen]. Repeated
// is true for the same record once more, which changes nothing.
func (l *Ledger) Accept(c *Record) (repeated bool, err error) {
	if c.Kind == KindEvent {
		return false, nil
	}
	if l.last == nil {
		l.last = map[string]standing{}
	}
	if err := l.Admits(c); err != nil {
		return false, err
	}
	key := c.Class() + "/" + c.Target
	repeated = l.last[key].generation == c.Generation
	l.last[key] = standing{c.Generation, c.Digest, c.Kind}
	return repeated, nil
}

// Admits tells why a record may not follow what was accepted so far, or nil.
func (l *Ledger) Admits(c *Record) error {
	old := l.last[c.Class()+"/"+c.Target]
	switch {
	case c.Generation < old.generation:
		return fmt.Errorf("%w: %d, and %s %s is at %d", ErrGeneration, c.Generation, c.Class(), c.Target, old.generation)
	case c.Generation == old.generation && (c.Digest != old.digest || c.Kind != old.kind):
		return fmt.Errorf("%w: %d of %s %s", ErrSameGen, c.Generation, c.Class(), c.Target)
	}
	return nil
}

// Generation is the newest generation accepted for a class and target, 0 if none.
func (l *Ledger) Generation(class, target string) uint64 { return l.last[class+"/"+target].generation }
