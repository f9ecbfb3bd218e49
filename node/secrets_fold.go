package node

import (
	"maps"
	"slices"
	"time"

	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/node/seal"
	"github.com/capodekappa/capo/queue/control"
)

// sealedSecret is a secret as the control log says: sealed.
type sealedSecret struct {
	set        api.SecretSet
	generation uint64
	signer     string
	signed     time.Time
}

// boundRun is a run that binds secrets.
type boundRun struct {
	names []string
	nodes map[string]string // id → boot
}

// maxBoundRuns bounds how many runs that bind secrets are remembered.
const maxBoundRuns = 256

// folded secrets: what the control log says about secrets, and who was asked to run something that binds one.
type foldedSecrets struct {
	byName map[string]sealedSecret
	runs   map[uint64]boundRun // by the sequence of the run's record
}

func newFoldedSecrets() foldedSecrets {
	return foldedSecrets{byName: map[string]sealedSecret{}, runs: map[uint64]boundRun{}}
}

// planSecret reads a record about a secret.
func (d *desired) planSecret(c *control.Record, o *order) (func(), error) {
	set, err := seal.Parse(c.Body)
	if err != nil {
		return nil, err
	}
	return func() {
		d.secrets.byName[c.Target] = sealedSecret{set: set, generation: c.Generation, signer: c.Signer, signed: time.UnixMilli(c.Time).UTC()}
		o.secret = true
	}, nil
}

// noteRun remembers a run that binds secrets.
func (d *desired) noteRun(seq uint64, run *api.Run) {
	bound := run.Manifest.Settings.Secrets()
	if len(bound) == 0 {
		return
	}
	d.secrets.runs[seq] = boundRun{slices.Collect(maps.Values(bound)), run.Nodes}
	if len(d.secrets.runs) > maxBoundRuns {
		delete(d.secrets.runs, slices.Min(slices.Collect(maps.Keys(d.secrets.runs))))
	}
}

// secret is a secret as the control log says; its generation is 0 if there was none.
func (d *desired) secret(name string) sealedSecret {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.secrets.byName[name]
}

func (d *desired) secretNames() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.secrets.byName))
}

// run is a run that binds secrets, as far as it is remembered.
func (d *desired) boundRun(seq uint64) (boundRun, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r, ok := d.secrets.runs[seq]
	return r, ok
}

// secretsOf are the newest generations of the secrets that a manifest binds: what it was started with is out of date when they change.
func (d *desired) secretsOf(m api.Manifest) map[string]uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out map[string]uint64
	for _, name := range m.Settings.Secrets() {
		if out == nil {
			out = map[string]uint64{}
		}
		out[name] = d.secrets.byName[name].generation
	}
	return out
}

// wait returns a channel that is closed at the next record.
func (d *desired) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}
