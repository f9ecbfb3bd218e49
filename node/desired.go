package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
	"github.com/capodekappa/capo/queue/control"
)

// desiredJob is a job as the control log says it should be.
type desiredJob struct {
	manifest   api.Manifest
	version    string
	generation uint64
	stopped    bool
	history    []api.JobVersion
}

// desired is the fold of the control log: what should be. It is the same on every node that
// has read the same records.
type desired struct {
	verifier control.Verifier

	mu     sync.Mutex // guards what follows
	ledger control.Ledger
	jobs   map[string]*desiredJob
	// approved are the nodes that operators let in, by id.
	approved map[string]api.Approve
	secrets  foldedSecrets
	applied  uint64            // sequence of the newest record folded
	refused  map[uint64]string // why, of the newest refused ones
	changed  chan struct{}     // closed and made anew at each record folded
}

// order is what a folded record asks the node to do beside converging to the jobs.
type order struct {
	run    *api.Run
	stream *api.StreamSet
	target string

	revoke   *api.Revoke
	approve  *api.Approve
	operator *operatorOrder
	secret   bool // a record about the secret target
	seq      uint64
	signed   int64 // when an operator signed it, in milliseconds since 1970
}

func newDesired(v control.Verifier) *desired {
	return &desired{verifier: v, jobs: map[string]*desiredJob{}, approved: map[string]api.Approve{}, secrets: newFoldedSecrets(), refused: map[uint64]string{}, changed: make(chan struct{})}
}

// maxHistory bounds the versions remembered for each job.
const maxHistory = 16

// fold takes one entry of the control log. A refused one changes nothing and says why.
func (d *desired) fold(e queue.ControlEntry) (order, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o, err := d.take(e)
	if err != nil {
		d.refused[e.Seq] = err.Error()
		if len(d.refused) > maxRefused {
			delete(d.refused, slices.Min(slices.Collect(maps.Keys(d.refused))))
		}
	}
	d.applied = e.Seq
	close(d.changed)
	d.changed = make(chan struct{})
	return o, err
}

// maxRefused bounds how many refusals are remembered.
const maxRefused = 1024

// verdict says why a record was refused, "" if it was not. It waits until the record is folded, or ctx
// ends.
func (d *desired) verdict(ctx context.Context, seq uint64) string {
	for {
		d.mu.Lock()
		reason, applied, changed := d.refused[seq], d.applied, d.changed
		d.mu.Unlock()
		if applied >= seq {
			return reason
		}
		select {
		case <-ctx.Done():
			return "not folded yet"
		case <-changed:
		}
	}
}

func (d *desired) take(e queue.ControlEntry) (order, error) {
	o := order{seq: e.Seq}
	if e.Err != nil {
		return o, e.Err
	}
	c := e.Record
	if err := d.verifier.Check(c); err != nil {
		return o, err
	}
	// The body is read before the ledger moves on: a record that cannot be obeyed leaves no mark.
	apply, err := d.plan(c, &o, e.Time)
	if err != nil {
		return o, fmt.Errorf("%w: %w", control.ErrMalformed, err)
	}
	repeated, err := d.ledger.Accept(c)
	if err != nil || repeated {
		return order{seq: e.Seq}, err
	}
	o.signed = c.Time
	if c.Kind == control.KindEvent {
		o.signed = 0
	}
	apply()
	return o, nil
}

// plan reads a record's body and returns what accepting it does.
func (d *desired) plan(c *control.Record, o *order, at time.Time) (func(), error) {
	o.target = c.Target
	switch c.Kind {
	case control.KindJob:
		var m api.Manifest
		if err := readBody(c.Body, &m); err != nil {
			return nil, err
		}
		if m.Name != c.Target {
			return nil, fmt.Errorf("manifest of %q in a record about %q", m.Name, c.Target)
		}
		if m.Settings.Admin {
			return nil, fmt.Errorf("%s is an admin job, which is run once (capo run) and not deployed", m.Name)
		}
		return func() { d.setJob(c, m, at) }, checkManifest(m)
	case control.KindRemove:
		return func() { d.stopJob(c, at) }, nil
	case control.KindRun:
		o.run = &api.Run{}
		if err := readBody(c.Body, o.run); err != nil {
			return nil, err
		}
		return func() { d.noteRun(o.seq, o.run) }, checkManifest(o.run.Manifest)
	case control.KindStream:
		o.stream = &api.StreamSet{}
		return func() {}, errors.Join(readBody(c.Body, o.stream), control.ValidStream(c.Target))
	case control.KindRevoke, control.KindApprove, control.KindOperator:
		return d.planTrust(c, o)
	case control.KindSecret:
		return d.planSecret(c, o)
	}
	return func() {}, nil
}

func (d *desired) setJob(c *control.Record, m api.Manifest, at time.Time) {
	j := d.jobs[c.Target]
	if j == nil {
		j = &desiredJob{}
		d.jobs[c.Target] = j
	}
	j.manifest, j.version, j.generation, j.stopped = m, c.Digest[:8], c.Generation, false
	j.remember(api.JobVersion{Version: j.version, Generation: c.Generation, State: api.JobRunning, Since: at})
}

func (d *desired) stopJob(c *control.Record, at time.Time) {
	j := d.jobs[c.Target]
	if j == nil {
		j = &desiredJob{manifest: api.Manifest{Name: c.Target}}
		d.jobs[c.Target] = j
	}
	j.generation, j.stopped = c.Generation, true
	j.remember(api.JobVersion{Version: j.version, Generation: c.Generation, State: api.JobStopped, Since: at})
}

func (j *desiredJob) remember(v api.JobVersion) {
	for i := range j.history {
		j.history[i].State = api.JobStopped
	}
	j.history = append(j.history, v)
	if len(j.history) > maxHistory {
		j.history = slices.Delete(j.history, 0, len(j.history)-maxHistory)
	}
}

// snapshot copies the jobs, sorted by name.
func (d *desired) snapshot() []desiredJob {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]desiredJob, 0, len(d.jobs))
	for _, j := range d.jobs {
		c := *j
		c.history = slices.Clone(j.history)
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b desiredJob) int { return strings.Compare(a.manifest.Name, b.manifest.Name) })
	return all
}

func (d *desired) job(name string) (desiredJob, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	j, ok := d.jobs[name]
	if !ok {
		return desiredJob{}, false
	}
	c := *j
	c.history = slices.Clone(j.history)
	return c, true
}

func (d *desired) generation(class, target string) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ledger.Generation(class, target)
}

// check tells whether a record would be accepted now, without accepting it.
func (d *desired) check(c *control.Record) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.verifier.Check(c); err != nil {
		return err
	}
	if _, err := d.plan(c, &order{}, time.Time{}); err != nil {
		return fmt.Errorf("%w: %w", control.ErrMalformed, err)
	}
	return d.ledger.Admits(c)
}

func readBody(body []byte, into any) error { return json.Unmarshal(body, into) }

func checkManifest(m api.Manifest) error {
	if m.Name == "" {
		return errors.New("manifest without a name")
	}
	parts := []api.Part{m.JS, m.Map}
	for _, k := range m.Kernels {
		parts = append(parts, k.Part)
	}
	for _, p := range parts {
		if !control.ValidDigest(p.Digest) {
			return fmt.Errorf("manifest of %s: part %q is no digest", m.Name, p.Digest)
		}
	}
	if err := api.CheckKernels(m.Kernels); err != nil {
		return fmt.Errorf("manifest of %s: %w", m.Name, err)
	}
	return nil
}
