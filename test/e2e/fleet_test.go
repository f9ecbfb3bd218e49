// Package e2e tests the whole: the command, three nodes as processes, their log, and jobs in real
// cells. Nothing in it is a stand-in; every fleet forms by mDNS on the loopback.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/images"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/tools/capo/local"
)

var (
	capoPath string // the command, built by TestMain
	distDir  string // with the node's binary
)

func TestMain(m *testing.M) {
	code, err := build(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func build(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "capo-e2e-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return 1, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	node, err := images.NewSource("", slog.New(slog.DiscardHandler)).Node(ctx, runtime.GOARCH)
	if err != nil {
		return 1, err
	}
	distDir, capoPath = filepath.Join(dir, "dist"), filepath.Join(dir, "capo")
	if err := os.Mkdir(distDir, 0o755); err != nil {
		return 1, err
	}
	if err := copyFile(node, filepath.Join(distDir, images.NodeName("linux", runtime.GOARCH))); err != nil {
		return 1, err
	}
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", capoPath, "github.com/capodekappa/capo/tools/capo").CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build capo: %w\n%s", err, out)
	}
	return m.Run(), nil
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

// operator is somebody who types commands, with folders of their own.
type operator struct {
	t   *testing.T
	dir string
	uid int // run as this user, 0: as the test does
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	dir, err := os.MkdirTemp("", "capo-op-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return &operator{t: t, dir: dir}
}

func (o *operator) command(ctx context.Context, args ...string) *exec.Cmd {
	argv := append([]string{capoPath}, args...)
	if o.uid != 0 {
		argv = append([]string{"setpriv", fmt.Sprintf("--reuid=%d", o.uid), fmt.Sprintf("--regid=%d", o.uid), "--clear-groups", "--no-new-privs"}, argv...)
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = o.dir
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+filepath.Join(o.dir, "config"), "XDG_STATE_HOME="+filepath.Join(o.dir, "state"),
		"XDG_CACHE_HOME="+filepath.Join(o.dir, "cache"), "XDG_RUNTIME_DIR=", "CAPO_DIST="+distDir, "HOME="+o.dir, "SUDO_UID=", "SUDO_USER=", "CI=")
	return cmd
}

// result is what a command gave.
type result struct {
	code     int
	out, err string
}

func (o *operator) try(args ...string) result { return o.tryWith("", args...) }

func (o *operator) tryWith(stdin string, args ...string) result {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := o.command(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		o.t.Fatalf("capo %s: %v", strings.Join(args, " "), err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// capo runs a command that must succeed, and returns its standard output.
func (o *operator) capo(args ...string) string { o.t.Helper(); return o.capoWith("", args...) }

func (o *operator) capoWith(stdin string, args ...string) string {
	o.t.Helper()
	r := o.tryWith(stdin, args...)
	if r.code != 0 {
		o.t.Fatalf("capo %s: exit code %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.err)
	}
	return r.out
}

// json runs a command with -o json and reads what it prints.
func (o *operator) json(into any, args ...string) {
	o.t.Helper()
	text := o.capo(append(args, "-o", "json")...)
	if err := json.Unmarshal([]byte(text), into); err != nil {
		o.t.Fatalf("capo %s -o json: %v\n%s", strings.Join(args, " "), err, text)
	}
}

// up starts a fleet of host nodes that the test's end stops.
func (o *operator) up(args ...string) []api.Node {
	o.t.Helper()
	var rows []api.Node
	o.t.Cleanup(func() {
		if o.t.Failed() {
			o.showLogs()
		}
		if r := o.try("down", "--yes"); r.code != 0 {
			o.t.Errorf("down: %s", r.err)
		}
	})
	o.json(&rows, append([]string{"up", "--board", "host", "--ttl", "6m", "--wait", "60s"}, args...)...)
	return rows
}

// showLogs prints the ends of the nodes' logs.
func (o *operator) showLogs() {
	paths, _ := filepath.Glob(filepath.Join(o.dir, "state/capo/up/*/*.log"))
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err == nil {
			o.t.Logf("%s:\n%s", filepath.Base(p), data[max(0, len(data)-4000):])
		}
	}
}

// running is the state of the operator's fleet on this machine.
func (o *operator) running(name string) *local.Running {
	o.t.Helper()
	data, err := os.ReadFile(filepath.Join(o.dir, "state/capo/up", name, "state.json"))
	if err != nil {
		o.t.Fatal(err)
	}
	r := &local.Running{}
	if err := json.Unmarshal(data, r); err != nil {
		o.t.Fatal(err)
	}
	return r
}

// file writes a source file.
func (o *operator) file(name, text string) string {
	o.t.Helper()
	path := filepath.Join(o.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		o.t.Fatal(err)
	}
	return path
}

// eventually waits until check holds; it says what was last wrong.
func eventually(t *testing.T, limit time.Duration, check func() error) {
	t.Helper()
	end := time.Now().Add(limit)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %v still: %v", limit, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
