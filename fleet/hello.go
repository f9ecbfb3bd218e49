package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"

	"github.com/capodekappa/capo/fleet/canon"
)

// MaxHelloBytes is the longest hello that is read.
const MaxHelloBytes = 64 << 10

var (
	// ErrOtherFleet is returned for a hello of another fleet.
	ErrOtherFleet = errors.New("hello of another fleet")
	// ErrBadProof is returned for a hello that the fleet's token does not prove.
	ErrBadProof = errors.New("hello is not proved by the fleet's token")
	// ErrMalformed is returned for bytes that are no hello.
	ErrMalformed = errors.New("malformed hello")
)

// States of a node, as a hello shows them.
const (
	StateJoining    = "joining"
	StateUnapproved = "unapproved"
	StateReady      = "ready"
	StateDraining   = "draining"
	StateLost       = "lost"
)

// Hello is what a node says about itself to anyone who asks, version 1.
type Hello struct {
	V        int           `json:"v"`
	Fleet    string        `json:"fleet"`
	ID       string        `json:"id"`
	Boot     string        `json:"boot"`
	Name     string        `json:"name"`
	Board    string        `json:"board"`
	Arch     string        `json:"arch"`
	Version  string        `json:"version"`
	State    string        `json:"state"`
	Port     int           `json:"port"`
	Anchor   bool          `json:"anchor"` // this node has a disk for the log
	Round    int           `json:"round"`  // of forming, that the node has reached
	Proposal *ProposalInfo `json:"proposal"`
	Log      *LogInfo      `json:"log"`
	LastLog  string        `json:"last_log"` // the incarnation it was in since it booted: it proposes no other
	Waiting  string        `json:"waiting"`  // what the node waits for, or ""
	SinceMS  int64         `json:"since_ms"` // how long the node runs
	Proof    string        `json:"proof,omitempty"`
}

// ProposalInfo is a Proposal on the wire.
type ProposalInfo struct {
	Servers     []Ref  `json:"servers"`
	Round       int    `json:"round"`
	Incarnation string `json:"incarnation"`
}

// LogInfo is the formed log that a node is in, on the wire.
type LogInfo struct {
	Incarnation string   `json:"incarnation"`
	Role        Role     `json:"role"`
	Servers     []Server `json:"servers"`
	Nodes       int      `json:"nodes"`
	Anchor      bool     `json:"anchor"`
	MergeInto   string   `json:"merge_into"` // the incarnation that this log gives way to, or ""
}

// Ref names one run of a node.
type Ref struct {
	ID   string `json:"id"`
	Boot string `json:"boot"`
}

// Server is a node that carries the log, with the address where its peers reach it.
type Server struct {
	ID   string     `json:"id"`
	Boot string     `json:"boot"`
	Addr netip.Addr `json:"addr"`
}

// Ref returns which run of which node the server is.
func (s Server) Ref() Ref { return Ref{s.ID, s.Boot} }

// Limits of a hello's parts.
const (
	maxServers   = 32
	maxRound     = 1 << 30
	maxNameBytes = 64
	maxTextBytes = 4096
)

var (
	// nodeIDPattern is a DNS label, since ids stand in mDNS names.
	nodeIDPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$`)
	bootPattern   = regexp.MustCompile(`^[0-9a-f]{8,32}$`)
	hashPattern   = regexp.MustCompile(`^[0-9a-f]{16}$`)
	noncePattern  = regexp.MustCompile(`^[0-9a-f]{16,64}$`)
)

// encodeHello returns the hello with its proof for nonce, in canonical JSON.
func encodeHello(h Hello, token []byte, nonce string) ([]byte, error) {
	h.Proof = ""
	body, err := canon.Marshal(h)
	if err != nil {
		return nil, err
	}
	h.Proof = Prove(token, nonce, body)
	return canon.Marshal(h)
}

// ParseHello reads and verifies the answer to a hello request with that nonce. The error wraps
// ErrMalformed, ErrOtherFleet or ErrBadProof. Fields that this version does not know are covered
// by the proof and otherwise ignored.
func ParseHello(raw []byte, m *Membership, nonce string) (*Hello, error) {
	if len(raw) > MaxHelloBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrMalformed, MaxHelloBytes)
	}
	body, proof, err := splitProof(raw)
	if err != nil {
		return nil, err
	}
	var h Hello
	if err := json.Unmarshal(body, &h); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if h.V != 1 {
		return nil, fmt.Errorf("%w: version %d, this program knows 1", ErrMalformed, h.V)
	}
	if h.Fleet != m.Fleet {
		return nil, fmt.Errorf("%w: %.20q, ours is %s", ErrOtherFleet, h.Fleet, m.Fleet)
	}
	if !VerifyProof(m.Token, nonce, body, proof) {
		return nil, ErrBadProof
	}
	if err := h.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	h.Proof = proof
	return &h, nil
}

// splitProof returns the canonical hello without its proof, and the proof.
func splitProof(raw []byte) (body []byte, proof string, err error) {
	v, err := canon.Parse(raw)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, "", fmt.Errorf("%w: not an object", ErrMalformed)
	}
	proof, _ = object["proof"].(string)
	delete(object, "proof")
	if body, err = canon.Encode(object); err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return body, proof, nil
}

func (h *Hello) check() error {
	if err := (Ref{h.ID, h.Boot}).check(); err != nil {
		return err
	}
	if h.Port < 1 || h.Port > 65535 {
		return fmt.Errorf("port %d", h.Port)
	}
	for _, text := range []string{h.Name, h.Board, h.Arch, h.Version, h.State} {
		if len(text) > maxNameBytes {
			return fmt.Errorf("%.20q… is longer than %d bytes", text, maxNameBytes)
		}
	}
	if len(h.Waiting) > maxTextBytes {
		return fmt.Errorf("waiting is longer than %d bytes", maxTextBytes)
	}
	if h.Round < 0 || h.Round > maxRound {
		return fmt.Errorf("round %d", h.Round)
	}
	if h.LastLog != "" && !hashPattern.MatchString(h.LastLog) {
		return fmt.Errorf("last_log %.20q is not 16 hex digits", h.LastLog)
	}
	if h.Proposal != nil {
		if err := h.Proposal.check(h.Fleet); err != nil {
			return fmt.Errorf("proposal: %w", err)
		}
	}
	if h.Log != nil {
		if err := h.Log.check(); err != nil {
			return fmt.Errorf("log: %w", err)
		}
	}
	return nil
}

func (r Ref) check() error {
	if !nodeIDPattern.MatchString(r.ID) {
		return fmt.Errorf("id %.60q is not a lower-case DNS label of at most 48 bytes", r.ID)
	}
	if !bootPattern.MatchString(r.Boot) {
		return fmt.Errorf("boot %.40q is not 8 to 32 hex digits", r.Boot)
	}
	return nil
}

func (p *ProposalInfo) check(fleet string) error {
	if len(p.Servers) == 0 || len(p.Servers) > maxServers {
		return fmt.Errorf("%d servers, from 1 to %d are possible", len(p.Servers), maxServers)
	}
	if p.Round < 0 || p.Round > maxRound {
		return fmt.Errorf("round %d", p.Round)
	}
	for _, s := range p.Servers {
		if err := s.check(); err != nil {
			return err
		}
	}
	if want := (&Proposal{p.Round, p.Servers}).Incarnation(fleet); p.Incarnation != want {
		return fmt.Errorf("incarnation %.20q is not the proposal's hash %s", p.Incarnation, want)
	}
	return nil
}

func (l *LogInfo) check() error {
	if !hashPattern.MatchString(l.Incarnation) || l.MergeInto != "" && !hashPattern.MatchString(l.MergeInto) {
		return fmt.Errorf("incarnation %.20q or merge_into %.20q is not 16 hex digits", l.Incarnation, l.MergeInto)
	}
	if l.Role != RoleServer && l.Role != RoleClient {
		return fmt.Errorf("role %.20q", l.Role)
	}
	if len(l.Servers) == 0 || len(l.Servers) > maxServers {
		return fmt.Errorf("%d servers, from 1 to %d are possible", len(l.Servers), maxServers)
	}
	if l.Nodes < 0 || l.Nodes > 1<<20 {
		return fmt.Errorf("%d nodes", l.Nodes)
	}
	for _, s := range l.Servers {
		if err := s.Ref().check(); err != nil {
			return err
		}
		if !s.Addr.IsValid() || s.Addr.IsUnspecified() || s.Addr.IsMulticast() {
			return fmt.Errorf("server %s has no usable address", s.ID)
		}
	}
	return nil
}
