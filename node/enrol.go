package node

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
)

// maxEnrol bounds a request to be enrolled, or to enrol, in bytes.
const maxEnrol = 16 << 10

// unapproved is a node that waits to be let in, as a heartbeat tells of it.
type unapproved struct {
	ID          string `json:"id"`
	Fingerprint string `json:"fingerprint"`
	Address     string `json:"address"`
}

// waiting are the nodes that this one met which wait to be let in.
func (s *session) waiting() []unapproved {
	if s.keeper.roleNow() != fleet.RoleServer {
		return nil
	}
	var list []unapproved
	for _, u := range s.n.agent.Unapproved() {
		list = append(list, unapproved{u.ID, u.Fingerprint, u.Addr.String()})
	}
	return list
}

// unapprovedRows are they as rows of nodes, each once.
func (s *session) unapprovedRows() []api.Node {
	met := map[string]unapproved{}
	for _, b := range s.roster.all() {
		for _, u := range b.Unapproved {
			met[u.Fingerprint] = u
		}
	}
	var rows []api.Node
	for _, u := range met {
		rows = append(rows, api.Node{ID: u.ID, Name: u.ID, Address: u.Address, State: fleet.StateUnapproved, Fingerprint: u.Fingerprint,
			FPGAs: []api.FPGA{}, Jobs: []string{}, Labels: map[string]string{}})
	}
	slices.SortFunc(rows, func(a, b api.Node) int { return strings.Compare(a.ID+a.Fingerprint, b.ID+b.Fingerprint) })
	return rows
}

// Times of letting nodes in.
const (
	approveEvery = 500 * time.Millisecond
	approveRank  = 2 * time.Second // by which a server lets those before it go first
	enrolTry     = 3 * time.Second
	enrolAgain   = time.Second
)

// approve lets the nodes in that operators have approved. Any log server whose image has a join token does, the first of them at once.
func (s *session) approve(ctx context.Context) error {
	token := s.n.speaker.Token()
	if token == nil || !s.keeper.untilServer(ctx) {
		<-ctx.Done()
		return nil
	}
	rank := max(0, slices.IndexFunc(s.keeper.list(), func(o fleet.Server) bool { return o.ID == s.id }))
	since := map[string]time.Time{}
	tick := time.NewTicker(approveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		met := s.n.agent.Unapproved()
		for _, u := range met {
			if !s.want.approves(u.ID, u.Fingerprint) {
				continue
			}
			if since[u.Fingerprint].IsZero() {
				since[u.Fingerprint] = time.Now()
			}
			if time.Since(since[u.Fingerprint]) < time.Duration(rank)*approveRank {
				continue
			}
			if err := s.admit(ctx, token, u); err != nil {
				s.slog.Warn("an approved node could not be let in", "node", u.ID, "address", u.Addr, "err", err)
				continue
			}
			s.slog.Info("let in", "node", u.ID, "fingerprint", u.Fingerprint)
			s.lines.put("", "info", fmt.Sprintf("node %s (key %.16s…) was let into the fleet", u.ID, u.Fingerprint))
			since[u.Fingerprint] = time.Now().Add(time.Minute)
		}
	}
}

// approves tells whether an operator has approved the node with that id and key.
func (d *desired) approves(id, key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	a, ok := d.approved[id]
	return ok && (a.Always || a.Key == key)
}

// chainFile is a certificate and its intermediate on the wire, DER.
type chainFile struct {
	Chain [][]byte `json:"chain"`
}

// admit signs a node's key and takes the certificate to the node, over a connection to exactly that key.
func (s *session) admit(ctx context.Context, token *trust.Intermediate, u fleet.Unapproved) error {
	public, err := trust.ParsePublic(u.Leaf.RawSubjectPublicKeyInfo)
	if err != nil {
		return err
	}
	leaf, err := token.Sign(s.n.authority.Fleet(), u.ID, public, trust.NodeNames(u.ID, u.Addr.Addr().AsSlice()))
	if err != nil {
		return err
	}
	data, err := encodeJSON(chainFile{[][]byte{leaf, token.Cert.Raw}})
	if err != nil {
		return err
	}
	settings := s.n.authority.Client(nil)
	settings.VerifyConnection = func(state tls.ConnectionState) error {
		if got := trust.Fingerprint(state.PeerCertificates[0].RawSubjectPublicKeyInfo); got != u.Fingerprint {
			return fmt.Errorf("%w: key %.16s", trust.ErrOtherID, got)
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, enrolTry)
	defer cancel()
	return (&api.Client{Base: "https://" + u.Addr.String(), HTTP: api.Transport(settings, s.cfg.Address)}).Send(ctx, http.MethodPost, "/v1/enrol", data)
}

// invitation is what a node asks to be enrolled with.
type invitation struct {
	Invite string `json:"invite"`
	ID     string `json:"id"`
	Key    []byte `json:"key"` // SubjectPublicKeyInfo
}

// enrol is both sides of coming in: a node that waits is handed its certificate by a node of the fleet; a log server signs the key of a node
// that shows a one-use token.
func (n *Node) enrol(w http.ResponseWriter, r *http.Request) {
	data, err := readLimited(r, "enrolment", maxEnrol)
	if err == nil {
		if n.approved() {
			err = n.enrolOther(w, r, data)
		} else {
			err = n.enrolSelf(w, r, data)
		}
	}
	if err != nil {
		if trust.Reason(err) != "other" {
			err = n.authority.Refuse(err)
		}
		writeError(w, err)
	}
}

// enrolSelf takes the certificate that a node of the fleet brings.
func (n *Node) enrolSelf(w http.ResponseWriter, r *http.Request, data []byte) error {
	id, err := n.who(r)
	if err != nil {
		return err
	}
	if id.Role != trust.RoleNode {
		return fmt.Errorf("%s brings a certificate: %w", id, trust.ErrRole)
	}
	var f chainFile
	if err := json.Unmarshal(data, &f); err != nil || len(f.Chain) == 0 {
		return badRequest{errors.New("enrolment: want the chain of a certificate")}
	}
	if err := n.takeCertificate(f.Chain); err != nil {
		return err
	}
	n.cfg.Log.Info("approved", "by", id.String(), "id", n.cfg.ID)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (n *Node) takeCertificate(chain [][]byte) error {
	certs, err := trust.ParseChain(chain)
	if err != nil {
		return badRequest{err}
	}
	who, err := n.authority.Identify(certs)
	if err != nil {
		return err
	}
	if err := trust.Expect(n.cfg.ID)(who); err != nil {
		return err
	}
	if err := n.speaker.Enrol(chain...); err != nil {
		return badRequest{err}
	}
	n.agent.Enrolled()
	return nil
}

// enrolOther signs the key of a node that has a one-use token.
func (n *Node) enrolOther(w http.ResponseWriter, r *http.Request, data []byte) error {
	var ask invitation
	if err := json.Unmarshal(data, &ask); err != nil {
		return badRequest{fmt.Errorf("enrolment: %w", err)}
	}
	who, claims, err := n.authority.Bearer(ask.Invite)
	if err != nil {
		return err
	}
	if who.Role != trust.RoleJoin {
		return fmt.Errorf("%s enrols a node: %w", who, trust.ErrRole)
	}
	s, token := n.session(), n.speaker.Token()
	if s == nil || token == nil {
		return fmt.Errorf("%w: node %s has no join token or is in no log; another node may", queue.ErrUnavailable, n.agent.ID())
	}
	core, err := s.inside()
	if err != nil {
		return err
	}
	public, err := trust.ParsePublic(ask.Key)
	if err != nil {
		return badRequest{err}
	}
	if !fleet.ValidID(ask.ID) {
		return badRequest{fmt.Errorf("id %.60q", ask.ID)}
	}
	names := trust.NodeNames(ask.ID)
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		names = trust.NodeNames(ask.ID, from.Addr().Unmap().AsSlice())
	}
	leaf, err := token.Sign(n.authority.Fleet(), ask.ID, public, names)
	if err != nil {
		return err
	}
	// The request's own id makes the same request another one when it comes again.
	used, err := encodeJSON(map[string]any{"node": ask.ID, "key": trust.Fingerprint(ask.Key), "expires": claims.Expires, "request": trust.NewTokenID()})
	if err != nil {
		return err
	}
	if _, err := core.SwapState(r.Context(), queue.StateKey("invite", claims.ID), used, 0); errors.Is(err, queue.ErrConflict) {
		return fmt.Errorf("invitation %s: %w", claims.ID, trust.ErrUsed)
	} else if err != nil {
		return err
	}
	n.cfg.Log.Info("let in by a one-use token", "node", ask.ID, "token", claims.ID)
	s.lines.put("", "info", fmt.Sprintf("node %s was let into the fleet by the one-use token %s", ask.ID, claims.ID))
	return writeJSON(w, chainFile{[][]byte{leaf, token.Cert.Raw}})
}

// enrolByInvite shows the node's one-use token to the nodes that it sees, until one lets it in or refuses it for good.
func (n *Node) enrolByInvite(ctx context.Context) {
	invite := n.cfg.Membership.Invite
	if invite == "" {
		return
	}
	key, err := n.speaker.Key().Public()
	if err != nil {
		n.cfg.Log.Error("cannot be enrolled", "err", err)
		return
	}
	ask, err := encodeJSON(invitation{invite, n.cfg.ID, key})
	if err != nil {
		n.cfg.Log.Error("cannot be enrolled", "err", err)
		return
	}
	for ctx.Err() == nil && !n.approved() {
		for _, addr := range n.agent.Sighted() {
			err := n.askToEnrol(ctx, addr, ask)
			if err == nil {
				n.cfg.Log.Info("enrolled by a one-use token", "by", addr, "id", n.cfg.ID)
				return
			}
			var s *api.StatusError
			if errors.As(err, &s) && s.Problem.Status < 500 {
				n.cfg.Log.Error("the one-use token is refused: this node waits to be approved", "by", addr, "err", err)
				return
			}
			n.cfg.Log.Debug("not enrolled yet", "by", addr, "err", err)
		}
		pause(ctx, enrolAgain)
	}
}

func (n *Node) askToEnrol(ctx context.Context, addr string, ask []byte) error {
	settings := n.authority.Client(nil)
	settings.GetClientCertificate = nil // it proves nothing yet
	client := &api.Client{Base: "https://" + strings.ReplaceAll(addr, "%", "%25"), HTTP: api.Transport(settings, netip.Addr{})}
	ctx, cancel := context.WithTimeout(ctx, enrolTry)
	defer cancel()
	resp, err := client.Do(ctx, http.MethodPost, "/v1/enrol", "application/json", bytes.NewReader(ask))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var f chainFile
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxEnrol)).Decode(&f); err != nil {
		return fmt.Errorf("answer of %s: %w", addr, err)
	}
	return n.takeCertificate(f.Chain)
}

// getFleet tells what anybody may know of the fleet: what a machine that was invited verifies by the fingerprint in its invitation.
func (n *Node) getFleet(w http.ResponseWriter, _ *http.Request) {
	m := *n.cfg.Membership
	m.Token, m.Invite, m.Labels = nil, "", nil
	m.Operators, m.Revoked = n.authority.Operators(), n.authority.Revoked()
	data, err := m.Marshal()
	if err != nil {
		writeError(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data) // the caller has gone, or gets it
}
