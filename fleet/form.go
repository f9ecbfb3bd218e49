package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/capodekappa/capo/fleet/canon"
)

// Times of forming.
const (
	// Settle is how long a view must not change before a node proposes.
	Settle = 1500 * time.Millisecond
	// FormTimeout is how long a proposed server may take to be in the log before it proposes anew.
	FormTimeout = 30 * time.Second
)

// Role is a node's part in the log.
type Role string

// The roles.
const (
	RoleWaiting Role = "waiting" // there is no log yet
	RoleServer  Role = "server"  // carries the log
	RoleClient  Role = "client"  // uses it
)

// Rules are the numbers that every node of a fleet is given alike.
type Rules struct {
	Fleet   string
	Size    int // how many nodes the fleet has (capo.size); 0: unknown
	Expect  int // how many must be there (capo.expect); 0: 3; 1 and 2 mean one server
	Servers int // how many carry the log (capo.servers); 0: 3
}

// Proposal names the nodes that should carry a log.
type Proposal struct {
	Round   int   // counts the attempts, so that another try has another incarnation
	Servers []Ref // sorted by id
}

// Incarnation returns the name of the log that the proposal forms: 8 bytes of SHA-256 over the
// fleet and the proposal in canonical JSON, in hex.
func (p *Proposal) Incarnation(fleet string) string {
	b, err := canon.Marshal(struct {
		Fleet   string `json:"fleet"`
		Round   int    `json:"round"`
		Servers []Ref  `json:"servers"`
	}{fleet, p.Round, p.Servers})
	if err != nil { // only a string that is no UTF-8 does this: such a proposal never agrees
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

func (p *Proposal) names(r Ref) bool { return p != nil && slices.Contains(p.Servers, r) }

func (p *Proposal) equal(q *Proposal) bool {
	return p != nil && q != nil && p.Round == q.Round && slices.Equal(p.Servers, q.Servers)
}

// Member is a node as forming sees it.
type Member struct {
	Ref
	Anchor   bool
	Proposal *Proposal
	Log      *LogInfo
	LastLog  string // the incarnation that it was in since it booted, or ""
	Round    int    // that it has reached
	Stale    bool   // its last word is too old to count on
}

// View is what a node sees at one moment: itself and the peers whose hello is fresh.
type View struct {
	Self   Ref
	Anchor bool // of the node itself
	Peers  []Member
	// Partial: of a large fleet it holds only those who may carry the log, of whom the node itself is none.
	Partial bool
}

// State is what a node remembers between two steps of forming. The zero value is a node that
// just booted.
type State struct {
	Round    int
	Proposal *Proposal // shown in hello

	members string    // who was in view
	since   time.Time // since when
	started *Proposal // whose server runs here
	begun   time.Time // since when
	left    *Proposal // whose server ran here without success, or which a majority agreed on
}

// Outcome is what forming says a node should do now.
type Outcome struct {
	Role    Role
	Forms   *Proposal // the log to form, for a server of a new log
	Log     *LogInfo  // the log to join, when one is there
	Waiting string    // what the node waits for, when it waits
}

// Step decides, from what a node remembers and sees at the time now, what it proposes and does.
// It is for a node that has not been in a log since it booted: one that has never proposes.
func Step(rules Rules, s State, now time.Time, v View) (State, Outcome) {
	rules = rules.withDefaults()
	if log := bestLog(v.Peers); log != nil {
		return join(rules, s, now, v, log)
	}
	v.Peers = free(v.Peers)
	if s.started != nil && now.Sub(s.begun) < FormTimeout {
		return s, Outcome{Role: RoleServer, Forms: s.started}
	}
	if s.started != nil {
		s.left, s.started = s.started, nil
		s.Round = s.left.Round + 1
		s.since = now
	}
	s = look(s, now, v)
	if v.Partial {
		return vote(rules, s, v)
	}
	s.Proposal = nil
	if why := short(rules, v); why != "" {
		return s, Outcome{Role: RoleWaiting, Waiting: why}
	}
	if now.Sub(s.since) < Settle {
		return s, Outcome{Role: RoleWaiting, Waiting: "for the view to be stable; " + sees(v)}
	}
	p := propose(rules, s.Round, v)
	if running := unreleased(s.left, v); len(running) > 0 && !p.equal(s.left) {
		return s, Outcome{Role: RoleWaiting, Waiting: "for word from " + ids(running) + ", since the log " + s.left.Incarnation(rules.Fleet) + " may have formed without this node"}
	}
	s.Proposal = p
	if missing := disagree(rules, p, v); len(missing) > 0 {
		return s, Outcome{Role: RoleWaiting, Waiting: "for " + ids(missing) + " to agree on the servers " + ids(p.Servers)}
	}
	if !p.names(v.Self) {
		s.left = p
		return s, Outcome{Role: RoleWaiting, Waiting: "for " + ids(p.Servers) + " to form the log"}
	}
	s.started, s.begun = s.Proposal, now
	return s, Outcome{Role: RoleServer, Forms: s.started}
}

// vote is the step of a node that does not see all the others: it shows the proposal of those that it
// sees once the proposed servers do, and agrees to no other until a majority of them has given it
// up, as one does that has seen a majority agree.
func vote(rules Rules, s State, v View) (State, Outcome) {
	if s.Proposal != nil {
		s.left = s.Proposal
	}
	p := propose(rules, s.Round, v)
	running := unreleased(s.left, v)
	switch {
	case p.names(v.Self) || !all(p.Servers, func(r Ref) bool { return shows(v, r, p) }):
		if len(running) > 0 && !s.left.names(v.Self) {
			s.Proposal = s.left
			return s, Outcome{Role: RoleWaiting, Waiting: "for " + ids(s.left.Servers) + " to form the log"}
		}
		s.Proposal = nil
		return s, Outcome{Role: RoleWaiting, Waiting: "for " + ids(p.Servers) + " to propose a log"}
	case len(running) > 0 && !p.equal(s.left):
		s.Proposal = nil
		return s, Outcome{Role: RoleWaiting, Waiting: "for word from " + ids(running) + ", since the log " + s.left.Incarnation(rules.Fleet) + " may have formed without this node"}
	}
	s.Proposal, s.left = p, p
	return s, Outcome{Role: RoleWaiting, Waiting: "for " + ids(p.Servers) + " to form the log"}
}

func all(refs []Ref, ok func(Ref) bool) bool {
	return !slices.ContainsFunc(refs, func(r Ref) bool { return !ok(r) })
}

// shows reports whether the node is in view and just showed the proposal.
func shows(v View, r Ref, p *Proposal) bool {
	return slices.ContainsFunc(v.Peers, func(m Member) bool { return m.Ref == r && !m.Stale && p.equal(m.Proposal) })
}

func (r Rules) withDefaults() Rules {
	if r.Expect <= 0 {
		r.Expect = 3
	}
	if r.Servers <= 0 {
		r.Servers = 3
	}
	if r.Expect < 3 {
		r.Servers = 1
	}
	r.Expect = max(r.Expect, r.Servers)
	return r
}

// join takes part in a formed log, which wins over every proposal: as a server when it names this
// very run of the node, else as a client.
func join(rules Rules, s State, now time.Time, v View, log *LogInfo) (State, Outcome) {
	s.Proposal = nil
	if !slices.ContainsFunc(log.Servers, func(o Server) bool { return o.Ref() == v.Self }) {
		s.started = nil
		return s, Outcome{Role: RoleClient, Log: log}
	}
	// It may have given up just before the log formed with the server that it had started. If the
	// others vanish again before it is in the log, it must know what it took part in.
	for _, p := range []*Proposal{s.started, s.left} {
		if p != nil && p.Incarnation(rules.Fleet) == log.Incarnation {
			s.started, s.begun, s.Proposal = p, now, p
		}
	}
	return s, Outcome{Role: RoleServer, Log: log}
}

// free returns the peers that may propose: not those that were in a log since they booted, which
// wait for it.
func free(peers []Member) []Member {
	return slices.DeleteFunc(slices.Clone(peers), func(m Member) bool { return m.LastLog != "" })
}

// look notes who is in view, since when, and the highest round that anyone has reached.
func look(s State, now time.Time, v View) State {
	refs := []string{v.Self.ID + "/" + v.Self.Boot}
	for _, p := range v.Peers {
		refs = append(refs, p.ID+"/"+p.Boot)
		s.Round = max(s.Round, p.Round)
	}
	slices.Sort(refs)
	if members := strings.Join(refs, " "); members != s.members || s.since.IsZero() {
		s.members, s.since = members, now
	}
	return s
}

// short says what is missing to propose, or "".
func short(rules Rules, v View) string {
	n, need := len(v.Peers)+1, max(rules.Expect, rules.majority())
	if n < need {
		return fmt.Sprintf("%d of %d nodes needed to form a log (capo.expect=%d, capo.size=%s); %s",
			n, need, rules.Expect, sizeText(rules.Size), sees(v))
	}
	if twin := twins(v); twin != "" {
		return "two nodes have the id " + twin + ", for one to take another"
	}
	return ""
}

// majority is how many nodes are more than half of the fleet, 0 when its size is not known.
func (r Rules) majority() int {
	if r.Size <= 0 {
		return 0
	}
	return r.Size/2 + 1
}

// unreleased names the servers of an attempt that this node gave up, or agreed to, which may still
// carry it, when they would be enough to do so: a majority must have given it up, or have booted
// again.
func unreleased(left *Proposal, v View) []Ref {
	if left == nil {
		return nil
	}
	var running []Ref
	for _, ref := range left.Servers {
		if ref != v.Self && !released(left, ref, v) {
			running = append(running, ref)
		}
	}
	if len(running) <= len(left.Servers)/2 {
		return nil
	}
	return running
}

func released(left *Proposal, ref Ref, v View) bool {
	return slices.ContainsFunc(v.Peers, func(p Member) bool {
		return p.ID == ref.ID && (p.Boot != ref.Boot || !left.equal(p.Proposal))
	})
}

// propose names the lowest ids in view, anchors first.
func propose(rules Rules, round int, v View) *Proposal {
	all := append([]Member{{Ref: v.Self, Anchor: v.Anchor}}, v.Peers...)
	slices.SortFunc(all, func(a, b Member) int {
		if a.Anchor != b.Anchor {
			if a.Anchor {
				return -1
			}
			return 1
		}
		return compareRefs(a.Ref, b.Ref)
	})
	p := &Proposal{Round: round}
	for _, m := range all[:min(rules.Servers, len(all))] {
		p.Servers = append(p.Servers, m.Ref)
	}
	slices.SortFunc(p.Servers, compareRefs)
	return p
}

// disagree names the nodes that do not show the same proposal and would have to: every server
// that it names, and with them a majority of the fleet, since who agreed to one log does not agree
// to another.
func disagree(rules Rules, p *Proposal, v View) []Ref {
	var missing, others []Ref
	for _, m := range v.Peers {
		switch shows := p.equal(m.Proposal) && !m.Stale; {
		case shows:
		case p.names(m.Ref):
			missing = append(missing, m.Ref)
		default:
			others = append(others, m.Ref)
		}
	}
	if agree := len(v.Peers) + 1 - len(missing) - len(others); len(missing) == 0 && agree < rules.majority() {
		return others
	}
	return missing
}

// twins returns an id that two nodes in view have, or "".
func twins(v View) string {
	seen := map[string]bool{v.Self.ID: true}
	for _, p := range v.Peers {
		if seen[p.ID] {
			return p.ID
		}
		seen[p.ID] = true
	}
	return ""
}

func compareRefs(a, b Ref) int {
	if c := strings.Compare(a.ID, b.ID); c != 0 {
		return c
	}
	return strings.Compare(a.Boot, b.Boot)
}

func sizeText(size int) string {
	if size <= 0 {
		return "unset"
	}
	return fmt.Sprint(size)
}

func sees(v View) string {
	if len(v.Peers) == 0 {
		return "sees no other node"
	}
	var refs []Ref
	for _, p := range v.Peers {
		refs = append(refs, p.Ref)
	}
	slices.SortFunc(refs, compareRefs)
	return "sees: " + ids(refs)
}

func ids(refs []Ref) string {
	var b strings.Builder
	for i, r := range refs {
		if i == 10 {
			fmt.Fprintf(&b, " and %d more", len(refs)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(r.ID)
	}
	return b.String()
}
