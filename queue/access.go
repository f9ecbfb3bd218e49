package queue

import (
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/capodekappa/capo/fleet/trust"
)

// The accounts of a log server. What happens in one is not seen in another.
const (
	accountSystem = "SYS"  // moving seats: the servers themselves
	accountCore   = "CORE" // the control log, heartbeats, results and printed lines: the servers themselves
	accountData   = "DATA" // streams, blobs and checkpoints: nodes, and operators
	accountView   = "VIEW" // reading streams: viewers
	accountCall   = "CALL" // appending to one stream: callers
)

// The names under which a server's own node connects to it, in its process.
const (
	userSystem = "sys"
	userCore   = "core"
	userData   = "data"
)

// access decides who may connect to a log server and what they may do there.
type access struct {
	authority   *trust.Authority
	incarnation string
	inputs      func(job string) []string // the streams that a job's callers may append to
	secret      string                    // of the server's own node
	log         *slog.Logger
	nats        *server.Server

	mu      sync.Mutex // guards what follows
	clients map[uint64]trust.Identity
	servers map[string]bool           // ids of the nodes that carry the log
	met     map[string]trust.Identity // those of them that were connected with, as whom they came
	told    map[string]time.Time      // when a refusal for a reason was last told
}

func newAccess(cfg ServerConfig) *access {
	secret := make([]byte, 16)
	_, _ = rand.Read(secret) // never fails, see crypto/rand
	a := &access{authority: cfg.Authority, incarnation: cfg.Incarnation, inputs: cfg.Inputs, secret: hex.EncodeToString(secret), log: cfg.Log, clients: map[uint64]trust.Identity{}, met: map[string]trust.Identity{}, told: map[string]time.Time{}}
	a.setServers(cfg.Peers)
	return a
}

func (a *access) setServers(peers []Peer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.servers = map[string]bool{}
	for _, p := range peers {
		a.servers[p.id()] = true
	}
}

// id is the node's: a server's name is its node's id and boot nonce.
func (p Peer) id() string {
	if p.ID != "" {
		return p.ID
	}
	if i := strings.LastIndexByte(p.Name, '-'); i > 0 {
		return p.Name[:i]
	}
	return p.Name
}

// Check admits a client, with the permissions of its role.
func (a *access) Check(c server.ClientAuthentication) bool {
	user, deadline, id, err := a.client(c)
	if err == nil {
		if user.Account, err = a.nats.LookupAccount(user.account); err == nil {
			a.note(c.GetID(), id)
			err = a.stillValid(id) // it may have been revoked before it was noted
		}
		if err == nil {
			c.RegisterUser(&server.User{Username: user.name, Account: user.Account, Permissions: user.permissions, ConnectionDeadline: deadline})
			return true
		}
	}
	a.refuse("log server refused a client", c, err)
	return false
}

// stillValid tells why an identity does not count any more, or nil. The server's own node needs none.
func (a *access) stillValid(id trust.Identity) error {
	if id.Role == "" {
		return nil
	}
	return a.authority.Valid(id)
}

// refuse counts a refusal, and tells of it unless it has just told of one for the same reason.
func (a *access) refuse(what string, c server.ClientAuthentication, err error) {
	_ = a.authority.Refuse(err)
	a.mu.Lock()
	reason := trust.Reason(err)
	again := time.Since(a.told[reason]) < tellEvery
	if !again {
		a.told[reason] = time.Now()
	}
	a.mu.Unlock()
	if a.log != nil && !again {
		a.log.Warn(what, "address", c.RemoteAddress(), "err", err)
	}
}

// tellEvery is how often a refusal for one reason is told.
const tellEvery = 10 * time.Second

// user is what a client becomes on the server.
type user struct {
	name        string
	account     string
	permissions *server.Permissions
	Account     *server.Account
}

func (a *access) client(c server.ClientAuthentication) (user, time.Time, trust.Identity, error) {
	var never time.Time
	o, state := c.GetOpts(), c.GetTLSConnectionState()
	if state == nil {
		u, err := a.own(o.Username, o.Password)
		return u, never, trust.Identity{}, err
	}
	if len(state.PeerCertificates) > 0 {
		id, err := a.authority.Identify(state.PeerCertificates)
		if err != nil {
			return user{}, never, id, err
		}
		if id.Role == trust.RoleNode && o.Username != ClientUser(a.incarnation) {
			return user{}, never, id, fmt.Errorf("%w: node %s looks for the log %.60q, this is %s", trust.ErrRole, id.ID, o.Username, a.incarnation)
		}
		u, err := a.user(id)
		return u, never, id, err
	}
	token := o.Token
	if token == "" {
		token = o.Password
	}
	if token == "" {
		return user{}, never, trust.Identity{}, trust.ErrNoCredentials
	}
	id, claims, err := a.authority.Bearer(token)
	if err != nil {
		return user{}, never, id, err
	}
	u, err := a.user(id)
	now, _ := a.authority.Clock().Now()
	return u, time.Now().Add(claims.ExpiresAt().Sub(now)), id, err
}

// own is for the server's own node, in the same process.
func (a *access) own(name, password string) (user, error) {
	if subtle.ConstantTimeCompare([]byte(password), []byte(a.secret)) != 1 {
		return user{}, trust.ErrNoCredentials
	}
	switch name {
	case userSystem:
		return user{name: name, account: accountSystem}, nil
	case userCore:
		return user{name: name, account: accountCore}, nil
	case userData:
		return user{name: name, account: accountData}, nil
	}
	return user{}, trust.ErrNoCredentials
}

// user is what an identity becomes.
func (a *access) user(id trust.Identity) (user, error) {
	switch id.Role {
	case trust.RoleNode:
		return user{name: "node " + id.ID, account: accountData, permissions: dataPermissions("_INBOX." + id.ID + ".>")}, nil
	case trust.RoleOperator:
		return user{name: id.String(), account: accountData, permissions: dataPermissions("_INBOX.>")}, nil
	case trust.RoleViewer:
		return user{name: id.String(), account: accountView, permissions: permissions(viewSubjects, []string{"_INBOX.>"})}, nil
	case trust.RoleCaller:
		var subjects []string
		if a.inputs != nil {
			for _, stream := range a.inputs(id.Job) {
				subjects = append(subjects, "in."+token(stream)+".*")
			}
		}
		if len(subjects) == 0 {
			return user{}, fmt.Errorf("%w: job %s takes no records", trust.ErrRole, id.Job)
		}
		return user{name: id.String(), account: accountCall, permissions: permissions(subjects, []string{"_INBOX." + id.Token + ".>"})}, nil
	}
	return user{}, fmt.Errorf("%w: %s", trust.ErrRole, id.Role)
}

// viewSubjects are the requests that read without making anything on the server.
var viewSubjects = []string{"$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.STREAM.INFO.*", "$JS.API.STREAM.MSG.GET.*", "$JS.API.DIRECT.GET.>"}

// dataPermissions are a node's: streams, blobs and checkpoints, and answers to itself.
func dataPermissions(inbox string) *server.Permissions {
	return permissions([]string{"in.*.*", "state.>", "$O." + blobBucket + ".>", "$JS.API.>", "$JS.ACK.>", "$JS.FC.>"}, []string{inbox})
}

func permissions(publish, subscribe []string) *server.Permissions {
	return &server.Permissions{Publish: &server.SubjectPermission{Allow: publish}, Subscribe: &server.SubjectPermission{Allow: subscribe}}
}

// note remembers who a connection is, and forgets those of closed ones when there are many.
func (a *access) note(conn uint64, id trust.Identity) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.clients) > 256 && len(a.clients) > 2*a.nats.NumClients() {
		maps.DeleteFunc(a.clients, func(conn uint64, _ trust.Identity) bool { return a.nats.GetClient(conn) == nil })
	}
	if id.Role != "" {
		a.clients[conn] = id
	}
}

// sweep ends the connections of identities that do not count any more.
func (a *access) sweep() {
	a.mu.Lock()
	var out []uint64
	var nodes []string
	for conn, id := range a.clients {
		if a.authority.Valid(id) != nil {
			out = append(out, conn)
			delete(a.clients, conn)
		}
	}
	for _, id := range a.met {
		if a.authority.Valid(id) != nil {
			nodes = append(nodes, id.ID)
		}
	}
	a.mu.Unlock()
	for _, conn := range out {
		_ = a.nats.DisconnectClientByID(conn) // gone already, or goes
	}
	slices.Sort(nodes)
	a.cutRoutes(nodes)
}

// sweepEvery is how often to look for connections that came in while a revocation went by.
const sweepEvery = time.Second

// keepSweeping sweeps until done is closed.
func (a *access) keepSweeping(done <-chan struct{}) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			a.sweep()
		}
	}
}

// routes decides which servers may connect to this one.
type routes struct{ *access }

// Check admits a route from a node that carries the log.
func (r routes) Check(c server.ClientAuthentication) bool {
	err := r.check(c.GetTLSConnectionState())
	if err != nil {
		r.refuse("log server refused a server", c, err)
	}
	return err == nil
}

func (r routes) check(state *tls.ConnectionState) error {
	if state == nil {
		return trust.ErrNoCredentials
	}
	id, err := r.authority.Identify(state.PeerCertificates)
	if err != nil {
		return err
	}
	return r.carries(id)
}

// carries tells why an identity is not one of the log's servers, or nil. It remembers as whom the server came, for sweep.
func (a *access) carries(id trust.Identity) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if id.Role != trust.RoleNode || !a.servers[id.ID] {
		return fmt.Errorf("%w: %s carries no log here", trust.ErrRole, id)
	}
	a.met[id.ID] = id
	return nil
}
