package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"

	"github.com/capodekappa/capo/fleet/canon"
	"github.com/capodekappa/capo/fleet/trust"
)

// MaxHelloBytes is the longest hello that is read.
const MaxHelloBytes = 64 << 10

var (
	// ErrOtherFleet is returned for a hello of another fleet.
	ErrOtherFleet = errors.New("hello of another fleet")
	// ErrBadProof is returned for a hello of a node whose certificate does not prove that it is the one it says.
	ErrBadProof = errors.New("hello is not proved by a certificate of the fleet")
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

// Hello is what a node says about itself to anyone who asks, version 2. That it is the node's word is proved by the certificate
// of the TLS connection over which it came.
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
	TimeMS   int64         `json:"time_ms"`  // milliseconds since 1970 by the node's clock, 0 if it does not know the time
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
	bootPattern = regexp.MustCompile(`^[0-9a-f]{8,32}$`)
	hashPattern = regexp.MustCompile(`^[0-9a-f]{16}$`)
)

// ParseHello reads a hello that came over a connection on which its node has proved its id, and checks that it is of that id. The error wraps
// ErrMalformed, ErrOtherFleet or ErrBadProof. Fields that this version does not know are ignored.
func ParseHello(raw []byte, fleetID, id string) (*Hello, error) {
	if len(raw) > MaxHelloBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrMalformed, MaxHelloBytes)
	}
	if _, err := canon.Parse(raw); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	var h Hello
	if err := json.Unmarshal(raw, &h); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if h.V != 2 {
		return nil, fmt.Errorf("%w: version %d, this program knows 2", ErrMalformed, h.V)
	}
	if h.Fleet != fleetID {
		return nil, fmt.Errorf("%w: %.20q, ours is %s", ErrOtherFleet, h.Fleet, fleetID)
	}
	if h.ID != id {
		return nil, fmt.Errorf("%w: it says %.60q, its certificate %s", ErrBadProof, h.ID, id)
	}
	if err := h.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return &h, nil
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
	if !trust.ValidID(r.ID) {
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

// ValidID tells whether s can be a node's id.
func ValidID(s string) bool { return trust.ValidID(s) }
