package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/capodekappa/capo/jsrt/cell"
	"github.com/capodekappa/capo/node/api"
)

// adminModule is the built-in module whose methods an adminRun answers.
const adminModule = "capo:admin"

// adminMethods are what a program may ask of the node.
var adminMethods = []string{"label", "drain", "reboot", "poweroff", "boot", "logLevel", "diagnostics"}

// The ends of a node that a result may announce, in its field `then`.
const (
	thenReboot   = "reboot"
	thenPoweroff = "poweroff"
)

// drainTime is how long a node's jobs may take to leave it unless the program says otherwise.
const drainTime = 30 * time.Second

// adminRun is one admin job on this node: it answers what the program asks, and remembers what is to happen once the
// run has its result.
type adminRun struct {
	s *session

	mu      sync.Mutex // guards what follows
	then    string     // "", thenReboot or thenPoweroff
	force   bool
	drained bool  // the node was draining before
	lost    error // of a call that the handler did not wait for
}

// bind gives the module to a cell.
func (r *adminRun) bind(cfg *cell.Config) error {
	row := r.s.n.row()
	facts, err := encodeJSON(map[string]any{"id": row.ID, "name": row.Name, "board": row.Board, "arch": row.Arch, "labels": row.Labels,
		"uptime": float64(row.UptimeMS) / 1000, "image": row.Version, "fpgas": row.FPGAs})
	if err != nil {
		return err
	}
	if cfg.Env == nil {
		cfg.Env = map[string]cell.Binding{}
	}
	cfg.Env[adminModule] = cell.Binding{Kind: cell.BindCalls, Value: string(facts), Methods: adminMethods}
	next := cfg.Call
	cfg.Call = func(ctx context.Context, binding, method string, args []cell.Value) (cell.Value, error) {
		if binding != adminModule {
			if next == nil {
				return cell.Value{}, fmt.Errorf("%s.%s is not bound", binding, method)
			}
			return next(ctx, binding, method, args)
		}
		return r.call(ctx, method, args)
	}
	return nil
}

// call answers one method.
func (r *adminRun) call(ctx context.Context, method string, args []cell.Value) (cell.Value, error) {
	arg := cell.Value{}
	if len(args) > 0 {
		arg = args[0]
	}
	var answer any
	var err error
	switch method {
	case "label":
		answer, err = r.label(ctx, arg)
	case "drain":
		err = r.drain(ctx, arg)
	case thenReboot, thenPoweroff:
		err = r.end(ctx, method, arg)
	case "logLevel":
		answer, err = r.logLevel(arg)
	case "diagnostics":
		answer, err = r.s.diagnose(ctx), nil
	case "boot":
		err = errors.New("this version of Capo cannot boot another image yet")
	default:
		err = errors.New("there is no such method")
	}
	if err != nil {
		r.noteLost(ctx, method)
		return cell.Value{}, fmt.Errorf("node.%s: %w", method, err)
	}
	if answer == nil {
		return cell.Value{}, nil
	}
	data, err := encodeJSON(answer)
	return cell.Value{Kind: cell.JSON, Data: data}, err
}

// noteLost remembers a call that ended with the cell: its handler returned before.
func (r *adminRun) noteLost(ctx context.Context, method string) {
	if ctx.Err() == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost = fmt.Errorf("the handler returned before node.%s() was done: write await before it", method)
}

func (r *adminRun) unawaited() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost
}

func (r *adminRun) label(ctx context.Context, arg cell.Value) (any, error) {
	change, err := parseLabels(arg)
	if err != nil {
		return nil, err
	}
	n := r.s.n
	all, err := n.admin.relabel(n.givenLabels(), change)
	if err != nil {
		return nil, err
	}
	r.s.poke()
	return all, r.s.show(ctx)
}

// leaveOptions is the argument of drain, reboot and poweroff.
type leaveOptions struct {
	Timeout string `json:"timeout"` // for the jobs to leave
	Undo    *bool  `json:"undo"`    // of drain
	Force   *bool  `json:"force"`   // of reboot and poweroff: whatever happens to jobs and log
}

func (o leaveOptions) time() (time.Duration, error) {
	if o.Timeout == "" {
		return drainTime, nil
	}
	d, err := time.ParseDuration(o.Timeout)
	if err != nil || d <= 0 || d > time.Hour {
		return 0, fmt.Errorf("timeout %.40q is not a time between 1ms and 1h: write '30s' or '5m'", o.Timeout)
	}
	return d, nil
}

func (r *adminRun) drain(ctx context.Context, arg cell.Value) error {
	var o leaveOptions
	if err := leaveArgument(arg, &o); err != nil {
		return err
	}
	if o.Force != nil {
		return errors.New("there is no option force: a job that does not leave in time stays")
	}
	limit, err := o.time()
	if err != nil {
		return err
	}
	if o.Undo != nil && *o.Undo {
		return r.s.setDraining(ctx, false)
	}
	return r.s.drain(ctx, limit)
}

// end readies the node for its reboot or for being switched off, which comes after the run's result.
func (r *adminRun) end(ctx context.Context, then string, arg cell.Value) error {
	var o leaveOptions
	if err := leaveArgument(arg, &o); err != nil {
		return err
	}
	limit, err := o.time()
	if err != nil {
		return err
	}
	if o.Undo != nil {
		return errors.New("there is no option undo")
	}
	if r.s.cfg.ender(then) == nil {
		return fmt.Errorf("this node cannot be told to %s: whoever started its program gave it no way to", then)
	}
	force := o.Force != nil && *o.Force
	drained := r.s.n.admin.isDraining()
	r.mu.Lock()
	if r.then != "" {
		r.mu.Unlock()
		return fmt.Errorf("the node is about to %s already", r.then)
	}
	r.then, r.force, r.drained = then, force, drained
	r.mu.Unlock()
	if err := r.s.depart(ctx, limit, force); err != nil {
		r.mu.Lock()
		r.then = ""
		r.mu.Unlock()
		return err
	}
	return nil
}

func (r *adminRun) logLevel(arg cell.Value) (any, error) {
	level := slog.LevelInfo
	if arg.Kind != cell.Text || level.UnmarshalText(arg.Data) != nil {
		return nil, errors.New("wants one of 'debug', 'info', 'warn', 'error'")
	}
	at := r.s.cfg.Level
	if at == nil {
		return nil, errors.New("the level of this node's log is fixed")
	}
	was := at.Level()
	at.Set(level)
	r.s.slog.Info("log level", "level", level, "was", was)
	return was.String(), nil
}

// leaveArgument reads an object with known members; nothing is an empty one.
func leaveArgument(arg cell.Value, into any) error {
	if arg.Kind == cell.Undefined {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(arg.Data))
	d.DisallowUnknownFields()
	if arg.Kind != cell.JSON || d.Decode(into) != nil || d.Decode(&struct{}{}) != io.EOF {
		return errors.New("the options are an object with timeout: '30s', and undo: true or force: true where there is one")
	}
	return nil
}

// announce says in a result what its node will do next.
func (r *adminRun) announce(result *api.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if result.OK {
		result.Then = r.then
	}
}

// farewell is how long a node stays after its last result, so that whoever waits for it here hears it.
const farewell = 300 * time.Millisecond

// finish does what the program asked for, now that its result is in the log (answered), or undoes it.
func (r *adminRun) finish(ctx context.Context, ok, answered bool) {
	r.mu.Lock()
	then, force, drained := r.then, r.force, r.drained
	r.mu.Unlock()
	if then == "" {
		return
	}
	if !ok || !answered && !force {
		r.s.slog.Warn("the node stays, since the run has no good result", "wanted", then)
		r.s.stay(context.WithoutCancel(ctx), drained)
		return
	}
	r.s.slog.Info("the node ends as an admin job asked", "then", then)
	pause(ctx, farewell)
	r.s.cfg.ender(then)()
}
