package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/capodekappa/capo/jsrt/cell"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
)

// runner runs one version of a job on this node until it is stopped.
type runner struct {
	s    *session
	job  desiredJob
	stop context.CancelFunc
	done chan struct{}
	stats
	bound map[string]uint64 // the secrets that the job binds, with the generations that it began with

	nodes    chan []string            // newest assignment: the nodes that the job is on
	placed   atomic.Pointer[[]string] // the same, to look at
	draining chan struct{}            // closed: finish the batch in hand, begin no other
	once     sync.Once
}

// handOver is how long a runner that is being stopped may finish its batch.
const handOver = 2 * time.Second

func startRunner(ctx context.Context, s *session, j desiredJob, nodes []string) *runner {
	ctx, cancel := context.WithCancel(ctx)
	r := &runner{s: s, job: j, bound: s.want.secretsOf(j.manifest), stop: cancel, done: make(chan struct{}), nodes: make(chan []string, 1), draining: make(chan struct{})}
	r.stats.clean = s.n.secrets.clean
	r.stats.begin(j, s.id, s.tell)
	r.assign(nodes)
	go func() {
		defer close(r.done)
		defer cancel()
		secrets := bound{done: func() {}}
		err := recovered(ctx, func(ctx context.Context) error { return r.run(ctx, &secrets) })
		if err != nil && ctx.Err() == nil {
			r.park(err, 0)
			s.lines.put(j.manifest.Name, "error", err.Error())
		}
		secrets.done() // what it printed last has been redacted
	}()
	return r
}

// assign tells the runner which nodes the job is on now.
func (r *runner) assign(nodes []string) {
	r.placed.Store(&nodes)
	select {
	case <-r.nodes:
	default:
	}
	r.nodes <- nodes
}

// drain has the runner end after its batch, and tells whether nobody asked for that before.
func (r *runner) drain() (first bool) {
	r.once.Do(func() { close(r.draining); first = true })
	return first
}

// close ends the runner: it may finish its batch within the hand-over time.
func (r *runner) close() {
	r.drain()
	select {
	case <-r.done:
	case <-time.After(handOver):
	}
	r.stop()
	<-r.done
}

// run gives the job its secrets, and runs it. The caller lets go of them.
func (r *runner) run(ctx context.Context, secrets *bound) error {
	m := r.job.manifest
	if !r.awaitSecrets(ctx, secrets) {
		return nil
	}
	program, err := r.s.fetch(ctx, m)
	if err != nil {
		return err
	}
	program.env = secrets.env
	c, err := r.s.startCell(ctx, m, program)
	if err != nil {
		return err
	}
	if m.Settings.Every.Text != "" {
		if m.Settings.Out != "" { // so that it can be read before the first slot; a run makes sure of it again
			_, _ = r.s.log.EnsureStream(ctx, m.Settings.Out, r.s.log.Patience())
		}
		var schedule sync.WaitGroup
		defer schedule.Wait()
		schedule.Go(func() { r.keepSchedule(ctx, program) })
	}
	if !slices.Contains(m.Handlers, "queue") || m.Settings.In == "" {
		c.Close() // it loads; a run starts a cell of its own
		r.setState(api.JobRunning)
		select {
		case <-ctx.Done():
		case <-r.draining:
		}
		return nil
	}
	q := &consumer{runner: r, program: program, cell: c}
	defer q.closeCell()
	return q.run(ctx)
}

// program is a job's code, fetched and verified, and what it finds in env.
type program struct {
	js, sourceMap []byte
	kernels       map[string][]byte
	env           map[string]cell.Binding
}

// fetch reads a manifest's blobs, waiting for the log where it has to.
func (s *session) fetch(ctx context.Context, m api.Manifest) (program, error) {
	var parts [2][]byte
	for i, p := range []api.Part{m.JS, m.Map} {
		data, err := s.fetchPart(ctx, p)
		if err != nil {
			return program{}, fmt.Errorf("fetch %s: %w", m.Name, err)
		}
		parts[i] = data
	}
	p := program{js: parts[0], sourceMap: parts[1], kernels: map[string][]byte{}}
	for _, k := range m.Kernels {
		text, err := s.fetchPart(ctx, k.Part)
		if err != nil {
			return program{}, fmt.Errorf("fetch kernel %s of %s: %w", k.Name, m.Name, err)
		}
		p.kernels[k.Name] = text
	}
	return p, nil
}

func (s *session) fetchPart(ctx context.Context, p api.Part) ([]byte, error) {
	for {
		data, err := s.log.Blob(ctx, p.Digest)
		if err == nil && int64(len(data)) != p.Bytes {
			return nil, fmt.Errorf("blob %.12s… has %d bytes, its manifest says %d", p.Digest, len(data), p.Bytes)
		}
		if !errors.Is(err, queue.ErrUnavailable) {
			return data, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// startCell starts a manifest's program; what it prints goes to the log. Each of more may give it more.
func (s *session) startCell(ctx context.Context, m api.Manifest, p program, more ...func(*cell.Config) error) (*cell.Cell, error) {
	cfg := cell.Config{
		Name: m.Name, Exec: s.cfg.CellExec, Bundle: p.js, Map: p.sourceMap, File: m.File,
		Memory: m.Settings.Needs.MemBytes, CgroupParent: s.cfg.CgroupParent, Env: maps.Clone(p.env), Kernels: p.kernels,
		Log:    func(l cell.Line) { s.lines.put(m.Name, l.Level, l.Text) },
		Logger: s.slog,
	}
	for _, change := range more {
		if err := change(&cfg); err != nil {
			return nil, err
		}
	}
	c, err := cell.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s.n.noteStrength(c.Strength())
	return c, nil
}

// runOnce answers a run's record, when its turn has come: the handler's value, or why there is none.
func (s *session) runOnce(ctx context.Context, seq uint64, run *api.Run) {
	if s.core.HasResult(ctx, seq, s.id) {
		return
	}
	notRun := s.awaitTurn(ctx, seq, run)
	select {
	case s.oneshot <- struct{}{}:
		defer func() { <-s.oneshot }()
	case <-ctx.Done():
		return
	}
	if s.core.HasResult(ctx, seq, s.id) {
		return
	}
	if notRun != "" {
		s.putResult(ctx, seq, api.Result{NotRun: true, Error: &api.RunError{Message: notRun}})
		return
	}
	asked := &adminRun{s: s}
	result := s.resultOf(ctx, seq, run, asked)
	if ctx.Err() != nil {
		return
	}
	asked.announce(&result)
	asked.finish(ctx, result.OK, s.putResult(ctx, seq, result))
}

// resultOf does the run whose record has this sequence.
func (s *session) resultOf(ctx context.Context, seq uint64, run *api.Run, asked *adminRun) (result api.Result) {
	started := time.Now()
	secrets := bound{done: func() {}}
	defer func() {
		s.n.secrets.cleanResult(&result)
		secrets.done()
	}()
	err := recovered(ctx, func(ctx context.Context) (err error) {
		if secrets, err = s.runSecrets(ctx, run.Manifest, seq); err != nil {
			return err
		}
		value, err := s.answer(ctx, run, secrets, asked)
		if err == nil {
			result.Value, err = value, asked.unawaited()
		}
		return err
	})
	result.OK, result.TookMS = err == nil, time.Since(started).Milliseconds()
	if err != nil && ctx.Err() == nil {
		e := describeError(err)
		result.Error = &api.RunError{Message: e.Message, File: e.File, Line: e.Line, Column: e.Column, TimedOut: errors.Is(err, cell.ErrTimeout)}
		s.lines.put(run.Manifest.Name, "error", err.Error())
	}
	return result
}

// putResult records this node's answer to a run, and tells whether the log has it.
func (s *session) putResult(ctx context.Context, seq uint64, result api.Result) bool {
	result.Node = s.id
	data, err := encodeJSON(result)
	if err == nil {
		err = s.core.PutResult(ctx, seq, s.id, data)
	}
	if err != nil {
		s.slog.Warn("result not recorded", "run", seq, "err", err)
	}
	return err == nil
}

func (s *session) answer(ctx context.Context, run *api.Run, secrets bound, asked *adminRun) ([]byte, error) {
	p, err := s.fetch(ctx, run.Manifest)
	if err != nil {
		return nil, err
	}
	p.env = secrets.env
	var more []func(*cell.Config) error
	if run.Manifest.Settings.Admin {
		more = append(more, asked.bind)
	}
	c, err := s.startCell(ctx, run.Manifest, p, more...)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	limit := time.Duration(run.Manifest.Settings.Needs.TimeMS) * time.Millisecond
	if run.Record != nil {
		return s.answerRecord(ctx, c, run, limit)
	}
	return c.Run(ctx, cell.Run{AttemptID: s.id, Limit: limit})
}

// answerRecord hands one kept record to the queue handler; what it sends is shown, not stored.
func (s *session) answerRecord(ctx context.Context, c *cell.Cell, run *api.Run, limit time.Duration) ([]byte, error) {
	reader, err := s.log.Read(ctx, run.Record.Stream, queue.ReadOptions{From: run.Record.Seq})
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	rec, err := reader.Next(ctx)
	if err != nil || rec.Seq != run.Record.Seq {
		return nil, fmt.Errorf("record %d of %s: %w", run.Record.Seq, run.Record.Stream, queue.ErrNotFound)
	}
	out, err := c.Queue(ctx, cell.Batch{Queue: run.Record.Stream, AttemptID: s.id, Limit: limit, Messages: []cell.Message{messageOf(rec, 1)}})
	if err != nil {
		return nil, err
	}
	sent := []api.Record{}
	for _, send := range out.Sends {
		sent = append(sent, recordRow(queue.Record{Key: send.Key, Headers: send.Headers, Body: send.Body}))
	}
	return encodeJSON(map[string]any{"sent": sent})
}

// describeError finds the position in the user's source that an error has.
func describeError(err error) api.JobError {
	var js *cell.JSError
	if errors.As(err, &js) {
		return api.JobError{Message: js.Message, File: js.File, Line: js.Line, Column: js.Column}
	}
	var ce *cell.Error
	if errors.As(err, &ce) {
		message := ce.Kind.Error()
		if ce.Detail != "" {
			message += ": " + ce.Detail
		}
		return api.JobError{Message: message, File: ce.At.File, Line: ce.At.Line, Column: ce.At.Column}
	}
	return api.JobError{Message: err.Error()}
}
