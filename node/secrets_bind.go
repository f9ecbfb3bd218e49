package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/jsrt/cell"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/node/seal"
	"github.com/capodekappa/capo/queue"
)

// Times of waiting for a secret.
const (
	secretAgain = time.Second      // until log servers are asked again
	secretRun   = 10 * time.Second // how long a run waits for one that was put
)

// errNoSecret: there is no secret of that name.
var errNoSecret = errors.New("it was not put")

// secretFor says in whose name a secret is asked for: a job's, a run's, or with neither a log server's own.
type secretFor struct {
	job string
	run uint64
}

// sealContext is what a secret of this log is bound to.
func (s *session) sealContext(name string, generation uint64) seal.Context {
	return seal.Context{Fleet: s.cfg.Membership.ID(), Log: s.inc, Name: name, Generation: generation}
}

// learn takes a record about a secret: a copy for this node is opened at once, and what was held before is forgotten.
func (s *session) learn(name string) {
	sealed := s.want.secret(name)
	s.n.secrets.forgetOlder(name, sealed.generation)
	if _, err := s.openOwn(name, sealed); err != nil && !errors.Is(err, queue.ErrNotFound) {
		s.slog.Warn("the copy of a secret for this node does not open", "secret", name, "generation", sealed.generation, "err", err)
	}
}

// openOwn opens the copy of a secret that was sealed to this node.
func (s *session) openOwn(name string, sealed sealedSecret) (heldSecret, error) {
	c := s.sealContext(name, sealed.generation)
	key, found, err := seal.OpenCopy(c, sealed.set, s.id, s.boot, s.n.secrets.key)
	if err != nil {
		return heldSecret{}, err
	}
	if !found {
		return heldSecret{}, fmt.Errorf("a copy of secret %s for node %s: %w", name, s.id, queue.ErrNotFound)
	}
	return s.openWith(c, sealed, key)
}

// openWith opens the value in a record, and holds it.
func (s *session) openWith(c seal.Context, sealed sealedSecret, key []byte) (heldSecret, error) {
	value, err := seal.OpenValue(c, sealed.set, key)
	if err != nil {
		return heldSecret{}, err
	}
	h := heldSecret{generation: sealed.generation, key: key, value: value}
	s.n.secrets.hold(c.Name, h)
	return h, nil
}

// obtain gives a secret: the one that is held, the copy in its record, or what a log server gives.
func (s *session) obtain(ctx context.Context, name string, why secretFor) (heldSecret, error) {
	sealed := s.want.secret(name)
	if sealed.generation == 0 || sealed.set.Remove {
		return heldSecret{}, errNoSecret
	}
	if h, ok := s.n.secrets.find(name, sealed.generation); ok {
		return h, nil
	}
	h, err := s.openOwn(name, sealed)
	if err == nil || !errors.Is(err, queue.ErrNotFound) {
		return h, err
	}
	err = fmt.Errorf("no log server: %w", queue.ErrUnavailable)
	for _, server := range s.keeper.list() {
		if server.ID == s.id {
			continue
		}
		var key api.SecretKey
		if key, err = s.askKey(ctx, server, name, why); err != nil {
			continue
		}
		if key.Generation != sealed.generation {
			err = fmt.Errorf("log server %s has generation %d of the secret, the control log is at %d here", server.ID, key.Generation, sealed.generation)
			continue
		}
		if h, err = s.openWith(s.sealContext(name, sealed.generation), sealed, key.Key); err == nil {
			return h, nil
		}
	}
	return heldSecret{}, err
}

// askKey asks one log server for the key of a secret's record.
func (s *session) askKey(ctx context.Context, server fleet.Server, name string, why secretFor) (api.SecretKey, error) {
	ctx, cancel := context.WithTimeout(ctx, coreTry)
	defer cancel()
	transport := api.Transport(s.n.authority.Client(trust.Expect(server.ID)), s.cfg.Address)
	defer transport.CloseIdleConnections()
	client := &api.Client{Base: "https://" + net.JoinHostPort(server.Addr.String(), strconv.Itoa(s.cfg.Port)), HTTP: transport}
	run := ""
	if why.run > 0 {
		run = strconv.FormatUint(why.run, 10)
	}
	key, err := client.SecretKey(ctx, s.inc, name, why.job, run)
	if err != nil {
		return key, fmt.Errorf("log server %s: %w", server.ID, err)
	}
	return key, nil
}

// bound is what a program is given of what it binds, and what to call when it has ended.
type bound struct {
	env  map[string]cell.Binding
	done func()
}

// bindNow gives a manifest's secrets, or says which one is not there and why.
func (s *session) bindNow(ctx context.Context, m api.Manifest, why secretFor) (bound, error) {
	b := bound{done: func() {}}
	values := map[string]string{}
	names := m.Settings.Secrets()
	for _, variable := range slices.Sorted(maps.Keys(names)) {
		name := names[variable]
		h, err := s.obtain(ctx, name, why)
		if err != nil {
			return b, &noSecretError{name, err}
		}
		if b.env == nil {
			b.env = map[string]cell.Binding{}
		}
		values[name] = h.value
		b.env[variable] = cell.Binding{Kind: cell.BindText, Value: h.value}
	}
	b.done = s.n.secrets.use(values)
	return b, nil
}

// noSecretError: a secret that a program binds is not there.
type noSecretError struct {
	name string
	err  error
}

// Error says what to do, or what stands in the way.
func (e *noSecretError) Error() string {
	if errors.Is(e.err, errNoSecret) {
		return fmt.Sprintf("waits for the secret %s (capo secret put %s)", e.name, e.name)
	}
	return fmt.Sprintf("waits for the secret %s, which was put: %v", e.name, e.err)
}

// Unwrap gives what stands in the way.
func (e *noSecretError) Unwrap() error { return e.err }

// awaitSecrets gives the job's secrets once they are all there; until then the job waits, and says for what. It tells whether they
// came before the job was to end.
func (r *runner) awaitSecrets(ctx context.Context, into *bound) bool {
	for {
		changed := r.s.want.wait()
		b, err := r.s.bindNow(ctx, r.job.manifest, secretFor{job: r.job.manifest.Name})
		if err == nil {
			r.waitFor("")
			*into = b
			return true
		}
		r.waitFor(err.Error())
		select {
		case <-ctx.Done():
			return false
		case <-r.draining:
			return false
		case <-changed:
		case <-time.After(secretAgain):
		}
	}
}

// runSecrets gives a run's secrets. One that was put is waited for; one that was not is an error.
func (s *session) runSecrets(ctx context.Context, m api.Manifest, seq uint64) (bound, error) {
	ctx, cancel := context.WithTimeout(ctx, secretRun)
	defer cancel()
	for {
		b, err := s.bindNow(ctx, m, secretFor{run: seq})
		if err == nil || errors.Is(err, errNoSecret) || ctx.Err() != nil {
			return b, err
		}
		pause(ctx, coreAgain)
	}
}

// tendSecrets forgets, on a node that is no log server, what no job here binds; a log server fetches what it lacks from the others.
func (s *session) tendSecrets(ctx context.Context) {
	if s.keeper.roleNow() != fleet.RoleServer {
		s.n.secrets.forgetUnused()
		return
	}
	var lacking []string
	for _, name := range s.want.secretNames() {
		sealed := s.want.secret(name)
		if _, ok := s.n.secrets.find(name, sealed.generation); !ok && !sealed.set.Remove {
			lacking = append(lacking, name)
		}
	}
	if len(lacking) == 0 || !s.fetching.CompareAndSwap(false, true) {
		return
	}
	s.runs.Go(func() {
		defer s.fetching.Store(false)
		for _, name := range lacking {
			if _, err := s.obtain(ctx, name, secretFor{}); err != nil && ctx.Err() == nil {
				s.slog.Info("a secret that this log server should keep is not there yet", "secret", name, "err", err)
			}
		}
	})
}
