package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/test/need"
)

// asNobody has an operator's commands run as an unprivileged user. A test that is not root is
// unprivileged as it is.
func asNobody(t *testing.T, o *operator) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	need.Command(t, "setpriv")
	o.uid = 65534
	if err := os.Chown(o.dir, o.uid, o.uid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Access(o.dir, 0); err != nil {
		t.Fatal(err)
	}
}

func TestNoFleetSaysWhatToType(t *testing.T) {
	o := newOperator(t)
	for _, args := range [][]string{{"nodes"}, {"deploy", o.file("a.ts", "export default { run() {} }")}, {"down"}} {
		r := o.try(args...)
		if r.code != 3 {
			t.Errorf("capo %v: exit code %d, want 3", args, r.code)
		}
		if args[0] != "down" && !strings.Contains(r.err, "capo up") {
			t.Errorf("capo %v does not say what to type: %s", args, r.err)
		}
	}
	if r := o.try("frobnicate"); r.code != 2 {
		t.Errorf("an unknown verb: exit code %d, want 2", r.code)
	}
	if r := o.try("nodes", "--frob"); r.code != 2 {
		t.Errorf("an unknown flag: exit code %d, want 2", r.code)
	}
	if r := o.try("down", "nothing-of-this-name"); r.code != 3 {
		t.Errorf("down of no fleet: exit code %d, want 3", r.code)
	}
}

// hostile are jobs that a node must survive.
var hostile = []struct {
	name, body string
	want       string // in the last error
	line       bool   // the error has a position
}{
	{"throws", `throw new Error('on purpose')`, "on purpose", true},
	{"loops for ever", `let i = 0; for (;;) i++`, "timed out", true},
	{"repeats to 2^30", `return 'x'.repeat(2**30)`, "memory", false},
	{"repeats to 2^40", `return 'x'.repeat(2**40)`, "", false},
	{"fills an array", `return new Array(1e9).fill(0)`, "", false},
	{"joins an array", `return new Array(2**32-1).join('x')`, "", false},
	{"pushes", `const a = []; for (;;) a.push({ a: [1, 2, 3] })`, "memory", false},
	{"doubles a string", `let s = 'x'; for (;;) s += s`, "", false},
	{"nests JSON", `return JSON.parse('['.repeat(5e6))`, "", false},
	{"allocates typed arrays", `const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1))`, "memory", false},
	{"grows a Map", `const m = new Map(); for (let i = 0; ; i++) m.set(i, { i })`, "memory", false},
	{"recurses", `const f = () => f() + 1; return f()`, "", true},
	{"never settles", `return new Promise(() => {})`, "settle", false},
	{"prints 1 GB", `const s = 'y'.repeat(1 << 16); for (let i = 0; i < 16384; i++) console.log(s)`, "", false},
}

func TestHostileJobsLeaveTheNodesAlone(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	before := o.up()
	o.capo("deploy", o.file("bystander.ts", `
export const job = { in: 'ticks', out: 'tocks' }
export default { async queue(batch, env) { for (const m of batch.messages) await env.out.send(m.text()) } }`))

	ticks := 0
	for i, h := range hostile {
		name := fmt.Sprintf("hostile-%d", i)
		file := o.file(name+".ts", fmt.Sprintf(`
export const job = { in: '%s.in', retry: { max: 0 }, needs: { time: '700ms', mem: '64M' } }
export default { async queue(batch: any, env: any) {
  %s
} }`, name, h.body))
		o.capo("deploy", file)
		o.capoWith("go", "put", name+".in")
		o.capoWith("tick", "put", "ticks")
		ticks++
		eventually(t, 30*time.Second, func() error {
			var job api.Job
			o.json(&job, "job", name)
			if h.name == "prints 1 GB" && job.LastError == nil && job.Lag == 0 && job.InPerS > 0 {
				return nil // it may, if it is quick enough: lines are dropped, not the node
			}
			if job.LastError == nil {
				return fmt.Errorf("%s: no error yet, state %s", h.name, job.State)
			}
			if !strings.Contains(job.LastError.Message, h.want) {
				return fmt.Errorf("%s: error %q, want %q", h.name, job.LastError.Message, h.want)
			}
			if h.line && (job.LastError.Line != 4 || job.LastError.File != name+".ts") {
				return fmt.Errorf("%s: at %s:%d, want %s.ts:4", h.name, job.LastError.File, job.LastError.Line, name)
			}
			if !strings.Contains(o.capo("logs", name), "error") && h.name != "prints 1 GB" {
				return fmt.Errorf("%s: the error is not in the logs", h.name)
			}
			return nil
		})
		o.capo("rm", name, "--yes")
	}
	eventually(t, 10*time.Second, func() error {
		if n := strings.Count(o.capo("get", "tocks"), `"tick"`); n < ticks {
			return fmt.Errorf("the other job has done %d of %d", n, ticks)
		}
		return nil
	})
	var after []api.Node
	o.json(&after, "nodes")
	for i, n := range after {
		if n.State != "ready" || n.Boot != before[i].Boot || n.UptimeMS <= before[i].UptimeMS {
			t.Errorf("%s: %s, boot %s was %s, uptime %d was %d", n.ID, n.State, n.Boot, before[i].Boot, n.UptimeMS, before[i].UptimeMS)
		}
	}
}

func TestARecordThatKillsItsCellParksTheJob(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	o.up("--nodes", "1")
	o.capo("deploy", o.file("eater.ts", `
export const job = { in: 'food', out: 'fed', retry: { backoff: '10ms..20ms' }, needs: { time: '2s', mem: '32M' } }
export default { async queue(batch, env) { for (const m of batch.messages) { if (m.text() === 'bad') { const a = []; for (;;) a.push({ a }) } await env.out.send('ok') } } }`))
	o.capoWith("bad", "put", "food")
	eventually(t, 30*time.Second, func() error {
		var job api.Job
		o.json(&job, "job", "eater")
		if job.State != api.JobParked || job.LastError == nil || job.LastError.Seq != 1 || job.Restarts < 2 {
			return fmt.Errorf("state %s, restarts %d, last error %+v; want parked at record 1", job.State, job.Restarts, job.LastError)
		}
		return nil
	})
	o.json(new([]api.Node), "nodes")
}

func TestDeployRefusesWhatCannotRun(t *testing.T) {
	o := newOperator(t)
	o.up("--nodes", "1")
	for name, text := range map[string]string{
		"does not parse":   "export default {\n  run( { }",
		"top level throws": "\n\nthrow new Error('at the top')\nexport default {}",
		"top level loops":  "\n\nfor (;;) {}\nexport default {}",
		"needs a file":     "import fs from 'fs'\nexport default { run() { return fs.readFileSync('/etc/passwd') } }",
		"bad unit":         "export const job = { needs: { mem: 'lots' } }\nexport default { run() {} }",
	} {
		t.Run(name, func(t *testing.T) {
			r := o.try("deploy", o.file("bad.ts", text))
			if r.code != 1 || r.err == "" {
				t.Fatalf("exit code %d: %s", r.code, r.err)
			}
			if name != "bad unit" && !strings.Contains(r.err, "bad.ts:") {
				t.Errorf("no position: %s", r.err)
			}
			if strings.Contains(r.err, "bad.ts:0") {
				t.Errorf("no line: %s", r.err)
			}
		})
	}
}
