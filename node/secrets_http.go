package node

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
)

// secretGrace is how long a log server waits until it sees what a node already sees, before it refuses it a secret.
const secretGrace = time.Second

// secretRoutes is the part of the API that is about secrets.
func (n *Node) secretRoutes() map[string]handlerFunc {
	return map[string]handlerFunc{
		"GET /v1/secrets":                   n.getSecrets,
		"GET /v1/secrets/keys":              n.getSealKeys,
		"GET /v1/core/{log}/secrets/{name}": n.coreSecretKey,
	}
}

// getSecrets lists the secrets that were put, and those that jobs bind. Values are in no answer.
func (n *Node) getSecrets(w http.ResponseWriter, _ *http.Request, s *session) error {
	byName := map[string]*api.Secret{}
	row := func(name string) *api.Secret {
		if byName[name] == nil {
			byName[name] = &api.Secret{Name: name, Sealed: []string{}, Jobs: []string{}, Nodes: []string{}}
		}
		return byName[name]
	}
	for _, name := range s.want.secretNames() {
		sealed, r := s.want.secret(name), row(name)
		r.Generation, r.Put, r.Time, r.Signer = sealed.generation, !sealed.set.Remove, sealed.signed, sealed.signer
		for _, c := range sealed.set.Copies {
			r.Sealed = append(r.Sealed, c.Node)
		}
	}
	live := s.roster.live()
	for _, j := range s.want.snapshot() {
		if j.stopped {
			continue
		}
		placed, err := place(j.manifest, live)
		if err != nil {
			placed = nil
		}
		for _, name := range j.manifest.Settings.Secrets() {
			r := row(name)
			r.Jobs = append(r.Jobs, j.manifest.Name)
			r.Nodes = append(r.Nodes, placed...)
		}
	}
	rows := []api.Secret{}
	for _, r := range byName {
		slices.Sort(r.Nodes)
		slices.Sort(r.Jobs)
		r.Nodes, r.Jobs = slices.Compact(r.Nodes), slices.Compact(r.Jobs)
		if r.Put || len(r.Jobs) > 0 {
			rows = append(rows, *r)
		}
	}
	slices.SortFunc(rows, func(a, b api.Secret) int { return strings.Compare(a.Name, b.Name) })
	return writeJSON(w, rows)
}

// coreSecretKey gives a node the key of a secret's record, if it may have it.
func (n *Node) coreSecretKey(w http.ResponseWriter, r *http.Request, s *session) error {
	c, err := s.own(r)
	if err != nil {
		return err
	}
	why := secretFor{job: r.URL.Query().Get("job")}
	if why.run, err = numberParam(r, "run"); err != nil {
		return err
	}
	name, id := r.PathValue("name"), identityOf(r)
	if !s.soon(r.Context(), func() bool { return s.mayHave(r.Context(), c, id.ID, name, why) }) {
		return fmt.Errorf("%s and the secret %.64q (job %.64q, run %d): %w", id, name, why.job, why.run, trust.ErrRole)
	}
	sealed := s.want.secret(name)
	h, ok := s.n.secrets.find(name, sealed.generation)
	if !ok {
		return fmt.Errorf("secret %s, generation %d, on log server %s: %w", name, sealed.generation, s.id, queue.ErrNotFound)
	}
	w.Header().Set("Cache-Control", "no-store")
	return writeJSON(w, api.SecretKey{Generation: h.generation, Key: h.key})
}

// soon tells whether something holds, or comes to hold within the grace.
func (s *session) soon(ctx context.Context, holds func() bool) bool {
	end := time.After(secretGrace)
	for {
		changed, beat := s.want.wait(), s.roster.wait()
		if holds() {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-end:
			return false
		case <-changed:
		case <-beat:
		}
	}
}

// mayHave tells whether a node may have a secret: it is placed on it, by what this log server folded, for a job that binds it and is
// not stopped; or it was asked to run something that binds it and has not answered; or it carries the log.
func (s *session) mayHave(ctx context.Context, c core, node, name string, why secretFor) bool {
	switch {
	case why.job != "":
		j, ok := s.want.job(why.job)
		if !ok || j.stopped || !j.manifest.Settings.Binds(name) {
			return false
		}
		placed, err := place(j.manifest, s.roster.live())
		return err == nil && slices.Contains(placed, node)
	case why.run > 0:
		run, ok := s.want.boundRun(why.run)
		if !ok || !slices.Contains(run.names, name) {
			return false
		}
		b, there := s.roster.find(node)
		return there && run.nodes[node] == b.Boot && !c.HasResult(ctx, why.run, node)
	}
	return slices.ContainsFunc(s.keeper.list(), func(o fleet.Server) bool { return o.ID == node })
}
