package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/capodekappa/capo/node/api"
)

// lab is where a part measures: folders of its own, and the series so far.
type lab struct {
	cfg    Config
	name   string
	dir    string
	series []*series
}

func newLab(cfg Config, name string) (*lab, error) {
	dir, err := os.MkdirTemp("", "capo-bench-")
	if err != nil {
		return nil, err
	}
	return &lab{cfg: cfg, name: name, dir: dir}, nil
}

func (l *lab) close() { os.RemoveAll(l.dir) }

// note records a value, which is not to exceed the target if there is one.
func (l *lab) note(metric, unit string, target, value float64) {
	l.record(series{system: "capo", metric: metric, unit: unit, target: target}, value)
}

// reach records a value that is to be at least the target.
func (l *lab) reach(metric, unit string, target, value float64) {
	l.record(series{system: "capo", metric: metric, unit: unit, target: target, reach: true}, value)
}

// peer records a value of another system.
func (l *lab) peer(system, metric, unit string, value float64) {
	l.record(series{system: system, metric: metric, unit: unit}, value)
}

func (l *lab) record(to series, value float64) {
	fmt.Fprintf(l.cfg.Log, "%s: %s, %s %.4g %s\n", l.name, to.metric, to.system, value, to.unit)
	for _, s := range l.series {
		if s.metric == to.metric && s.system == to.system {
			s.values = append(s.values, value)
			return
		}
	}
	to.values = []float64{value}
	l.series = append(l.series, &to)
}

func (l *lab) rows() []Row {
	var rows []Row
	for _, s := range l.series {
		rows = append(rows, s.row(l.name))
	}
	return rows
}

// capo runs the command and returns its output and wall time.
func (l *lab) capo(ctx context.Context, args ...string) ([]byte, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if l.cfg.Dist != "" {
		args = append([]string{"--dist", l.cfg.Dist}, args...)
	}
	cmd := exec.CommandContext(ctx, l.cfg.Capo, args...)
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+filepath.Join(l.dir, "config"), "XDG_STATE_HOME="+filepath.Join(l.dir, "state"), "SUDO_UID=", "SUDO_USER=")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	started := time.Now()
	if err := cmd.Run(); err != nil {
		return nil, 0, fmt.Errorf("capo %s: %w\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.Bytes(), time.Since(started), nil
}

// up starts a fleet, hands its nodes to use, and stops it.
func (l *lab) up(ctx context.Context, use func(rows []api.Node, took time.Duration) error, args ...string) error {
	out, took, err := l.capo(ctx, append([]string{"up", "-o", "json", "--ttl", "10m"}, args...)...)
	if err != nil {
		return err
	}
	var rows []api.Node
	if err := json.Unmarshal(out, &rows); err != nil {
		return err
	}
	err = use(rows, took)
	if _, _, derr := l.capo(context.WithoutCancel(ctx), "down", "--yes"); err == nil {
		err = derr
	}
	return err
}

func (l *lab) file(name, text string) (string, error) {
	path := filepath.Join(l.dir, name)
	return path, os.WriteFile(path, []byte(text), 0o644)
}

func (l *lab) nodes(ctx context.Context) ([]api.Node, error) {
	out, _, err := l.capo(ctx, "nodes", "-o", "json")
	if err != nil {
		return nil, err
	}
	var rows []api.Node
	return rows, json.Unmarshal(out, &rows)
}
