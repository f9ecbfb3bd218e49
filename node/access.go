package node

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/capodekappa/capo/fleet/trust"
)

// access says which roles may do what: the pattern of a route, and who. A caller's job is looked at besides, see callerMay.
var access = map[string][]trust.Role{
	"GET /v1/nodes":           {trust.RoleOperator, trust.RoleViewer},
	"GET /v1/jobs":            {trust.RoleOperator, trust.RoleViewer},
	"GET /v1/jobs/{name}":     {trust.RoleOperator, trust.RoleViewer},
	"GET /v1/log":             {trust.RoleOperator, trust.RoleViewer},
	"GET /v1/log/standing":    {trust.RoleOperator, trust.RoleViewer},
	"POST /v1/log":            {trust.RoleOperator},
	"PUT /v1/blobs/{sha256}":  {trust.RoleOperator},
	"GET /v1/results/{seq}":   {trust.RoleOperator, trust.RoleViewer},
	"GET /v1/streams":         {trust.RoleOperator, trust.RoleViewer},
	"GET /v1/streams/{name}":  {trust.RoleOperator, trust.RoleViewer},
	"POST /v1/streams/{name}": {trust.RoleOperator, trust.RoleCaller},
	"GET /v1/logs":            {trust.RoleOperator, trust.RoleViewer},
	"GET /v1/secrets":         {trust.RoleOperator, trust.RoleViewer},
	"GET /v1/secrets/keys":    {trust.RoleOperator},
	"GET /metrics":            {trust.RoleOperator, trust.RoleViewer},
	kernelPattern:             {trust.RoleOperator, trust.RoleCaller},
}

// mayUse tells why an identity may not use a route, or nil.
func mayUse(pattern string, id trust.Identity) error {
	roles := access[pattern]
	if _, path, _ := strings.Cut(pattern, " "); strings.HasPrefix(path, "/v1/core/") {
		roles = []trust.Role{trust.RoleNode}
	}
	if !slices.Contains(roles, id.Role) {
		return fmt.Errorf("%s and %s: %w", id, pattern, trust.ErrRole)
	}
	return nil
}

// callerMay tells why a caller may not append to a stream, or nil: it is not one that the caller's job takes.
func callerMay(s *session, id trust.Identity, stream string) error {
	if id.Role == trust.RoleCaller && !slices.Contains(s.want.inputs(id.Job), stream) {
		return fmt.Errorf("%s and the stream %.80s: %w", id, stream, trust.ErrRole)
	}
	return nil
}

// inputs are the streams that a job's callers may append to.
func (d *desired) inputs(name string) []string {
	j, ok := d.job(name)
	if !ok || j.stopped || j.manifest.Settings.In == "" {
		return nil
	}
	return []string{j.manifest.Settings.In}
}

// who authenticates a request.
func (n *Node) who(r *http.Request) (trust.Identity, error) {
	id, _, err := n.whoUntil(r)
	return id, err
}

// whoUntil authenticates a request: by the certificate of its connection, or by a bearer token, which is good until then.
func (n *Node) whoUntil(r *http.Request) (id trust.Identity, until time.Time, err error) {
	text, hasToken := r.Header["Authorization"]
	if hasToken {
		token, ok := strings.CutPrefix(text[0], "Bearer ")
		if !ok {
			return id, until, fmt.Errorf("%w: the header wants: Authorization: Bearer …", trust.ErrBadToken)
		}
		id, claims, err := n.authority.Bearer(token)
		return id, claims.ExpiresAt(), err
	}
	conn, ok := r.Context().Value(connKey{}).(net.Conn)
	if !ok {
		return id, until, trust.ErrNoCredentials
	}
	id, ok = trust.IdentityOf(conn)
	if !ok {
		return id, until, fmt.Errorf("%w; this needs an operator's certificate or a token (Authorization: Bearer …)", trust.ErrNoCredentials)
	}
	return id, until, n.authority.Valid(id)
}

type connKey struct{}
type identityKey struct{}

// withIdentity lets a request know its connection, which knows whose it is.
func withIdentity(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// identityOf is who asks, in a request that was authorised.
func identityOf(r *http.Request) trust.Identity {
	id, _ := r.Context().Value(identityKey{}).(trust.Identity)
	return id
}

// authorised demands an identity that may use the route, and a log, and turns errors into problem documents. A request ends when its
// identity does not count any more.
func (n *Node) authorised(pattern string, h handlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, until, err := n.whoUntil(r)
		if err == nil {
			err = mayUse(pattern, id)
		}
		if err != nil {
			writeError(w, n.authority.Refuse(err))
			return
		}
		if id.Role == trust.RoleOperator && id.Token == "" {
			n.tellTime(r.Header.Get(timeHeader))
		}
		s := n.session()
		if s == nil {
			w.Header().Set("Retry-After", "1")
			writeProblem(w, http.StatusServiceUnavailable, "this node is not in a log yet: "+n.agent.Waiting(), 0)
			return
		}
		if s.isLeaving() && r.Method != http.MethodGet && !strings.HasPrefix(r.URL.Path, "/v1/core/") {
			writeProblem(w, http.StatusServiceUnavailable, "this log gives way to another one and takes no more writes", 0)
			return
		}
		ctx, stop := n.whileValid(context.WithValue(r.Context(), identityKey{}, id), id, until)
		defer stop()
		r = r.WithContext(ctx)
		if err := h(w, r, s); err != nil && r.Context().Err() == nil {
			if trust.Reason(err) != "other" {
				err = n.authority.Refuse(err)
			}
			writeError(w, err)
		}
	})
}

// whileValid is a context that ends when the identity does not count any more, or at a time, unless that is zero.
func (n *Node) whileValid(ctx context.Context, id trust.Identity, until time.Time) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	check := func() {
		if err := n.authority.Valid(id); err != nil {
			cancel(err)
		}
	}
	unwatch := n.authority.Watch(check)
	check() // it may have been revoked since it was authenticated
	expired := func() bool { return false }
	if !until.IsZero() {
		now, _ := n.authority.Clock().Now()
		expired = time.AfterFunc(until.Sub(now), func() { cancel(trust.ErrExpired) }).Stop
	}
	return ctx, func() {
		unwatch()
		expired()
		cancel(nil)
	}
}

// timeHeader is where an operator's command says what time it is, in milliseconds since 1970.
const timeHeader = "Capo-Time"

// tellTime takes the word of an operator, who was authenticated by a handshake of just now.
func (n *Node) tellTime(text string) {
	ms, err := strconv.ParseInt(text, 10, 64)
	if err == nil && ms > 0 {
		n.authority.Clock().Tell(time.UnixMilli(ms))
	}
}

// refusals counts what was refused, by reason.
type refusals struct {
	mu sync.Mutex // guards by
	by map[string]uint64
}

func newRefusals() *refusals { return &refusals{by: map[string]uint64{}} }

// Count counts one.
func (r *refusals) Count(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.by[reason]++
}
