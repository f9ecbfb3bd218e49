// Package vm tests the whole on virtual boards: three QEMU machines boot the image, find each
// other by mDNS on a segment of their own, and carry a log, as `make run` has them do.
package vm

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/test/need"
	"github.com/capodekappa/capo/tools/capo/local"
)

// fleet is three machines and the command that speaks to them.
type fleet struct {
	t    *testing.T
	dir  string
	capo string
}

func (f *fleet) cmd(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+f.dir+"/config", "XDG_STATE_HOME="+f.dir+"/state", "SUDO_UID=", "SUDO_USER=")
	return cmd
}

func (f *fleet) run(stdin string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	cmd := f.cmd(ctx, f.capo, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("capo %s: %w\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

func (f *fleet) must(args ...string) string {
	f.t.Helper()
	out, err := f.run("", args...)
	if err != nil {
		f.t.Fatal(err)
	}
	return out
}

func (f *fleet) nodes() []api.Node {
	f.t.Helper()
	var rows []api.Node
	if err := json.Unmarshal([]byte(f.must("nodes", "-o", "json")), &rows); err != nil {
		f.t.Fatal(err)
	}
	return rows
}

// state reads what `up` remembers of the machines.
func (f *fleet) state() local.Running {
	f.t.Helper()
	data, err := os.ReadFile(filepath.Join(f.dir, "state/capo/up/dev/state.json"))
	if err != nil {
		f.t.Fatal(err)
	}
	var r local.Running
	if err := json.Unmarshal(data, &r); err != nil {
		f.t.Fatal(err)
	}
	return r
}

func start(t *testing.T, args ...string) *fleet {
	t.Helper()
	need.Command(t, "qemu-system-x86_64")
	f := &fleet{t: t, dir: t.TempDir()}
	f.capo = filepath.Join(f.dir, "capo")
	build(t, f.capo, "github.com/capodekappa/capo/tools/capo")
	t.Cleanup(func() {
		if t.Failed() {
			f.consoles()
		}
		if _, err := f.run("", "down", "--yes"); err != nil {
			t.Error(err)
		}
	})
	f.must(append([]string{"up", "--ttl", "8m", "--wait", "3m"}, args...)...)
	return f
}

func build(t *testing.T, path, pkg string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-o", path, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
}

func (f *fleet) consoles() {
	paths, _ := filepath.Glob(filepath.Join(f.dir, "state/capo/up/dev/*.console"))
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err == nil {
			f.t.Logf("%s:\n%s", filepath.Base(p), data[max(0, len(data)-3000):])
		}
	}
}

func TestThreeBoardsProcessAPhotographAndOneMayDie(t *testing.T) {
	need.File(t, "/usr/share/libjxl-testdata/jxl/flower/flower.png", "libjxl-testdata")
	f := start(t)
	rows := f.nodes()
	if len(rows) != 3 {
		t.Fatalf("%d nodes, want 3", len(rows))
	}
	for _, n := range rows {
		if n.State != "ready" || n.Board != "qemu-amd64" || n.Log != "server" || n.Cells != "full" {
			t.Errorf("node %+v", n)
		}
		if n.Resident > 60<<20 {
			t.Errorf("%s: %d bytes resident", n.ID, n.Resident)
		}
	}
	t.Run("the picture", f.picture)
	t.Run("a hostile job", func(t *testing.T) { f.hostile(t, rows[0].ID) })
	t.Run("killing one loses nothing", f.killOne)
}

// picture has examples/tiles run, as `make run` does.
func (f *fleet) picture(t *testing.T) {
	tiles, out := filepath.Join(f.dir, "tiles"), filepath.Join(f.dir, "tiles.png")
	build(t, tiles, "github.com/capodekappa/capo/examples/tiles")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := f.cmd(ctx, tiles, "--capo", f.capo, "--out", out, "--job", "../../examples/tiles/tiles.ts", "--shrink", "12", "--tile", "21")
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("tiles: %v\n%s", err, text)
	}
	for _, n := range f.nodes() {
		if !regexp.MustCompile(`(?m)^\s*` + n.ID + `\s+[1-9]`).Match(text) {
			t.Errorf("%s did no tile:\n%s", n.ID, text)
		}
	}
	if !strings.Contains(string(text), "every byte is what") {
		t.Errorf("the picture was not compared:\n%s", text)
	}
	file, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if img, err := png.Decode(file); err != nil || img.Bounds().Dx() != 189 {
		t.Errorf("picture %v, %v", img.Bounds(), err)
	}
}

// hostile checks on a board, with cgroup v2, that memory is limited and the node stays up.
func (f *fleet) hostile(t *testing.T, id string) {
	before := f.nodes()
	out, err := f.run("", "exec", "--on", "id="+id, "'x'.repeat(2**30).length", "-o", "json")
	if err == nil || !strings.Contains(out, "memory") {
		t.Errorf("%v: %s; want an error about memory", err, out)
	}
	after := f.nodes()
	for i, n := range after {
		if n.Boot != before[i].Boot || n.UptimeMS < before[i].UptimeMS {
			t.Errorf("%s began anew", n.ID)
		}
	}
}

// killOne kills a machine as a power cut would, while records are appended.
func (f *fleet) killOne(t *testing.T) {
	r := f.state()
	victim := r.Nodes[len(r.Nodes)-1]
	killed := make(chan error, 1)
	acked := map[string]bool{}
	for i := range 30 {
		if i == 10 {
			go func() { killed <- syscall.Kill(victim.Process.PID, syscall.SIGKILL) }()
		}
		body := fmt.Sprintf("record %d", i)
		end := time.Now().Add(40 * time.Second)
		for {
			_, err := f.run(body, "put", "kept", "--node", r.Nodes[0].Address)
			if err == nil {
				acked[body] = true
				break
			}
			if time.Now().After(end) {
				t.Fatalf("after the kill nothing can be appended: %v", err)
			}
		}
	}
	if err := <-killed; err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for line := range strings.Lines(f.must("get", "kept", "--node", r.Nodes[1].Address)) {
		var rec api.Record
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			t.Fatal(err)
		}
		have[*rec.Data] = true
	}
	for body := range acked {
		if !have[body] {
			t.Errorf("%s was acknowledged and is lost", body)
		}
	}
}
