package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/node/api"
)

// administered is a fleet of four host nodes: three carry the log, and one may go besides.
type administered struct {
	*operator
	ids []string
}

func TestAFleetIsAdministeredByJobs(t *testing.T) {
	t.Parallel()
	f := &administered{operator: newOperator(t)}
	for _, n := range f.up("--nodes", "4") {
		f.ids = append(f.ids, n.ID)
	}
	for _, step := range []struct {
		name string
		do   func(*testing.T)
	}{
		{"exec has the node", f.execHasTheNode},
		{"what is wrong with an admin job is told", f.wrong},
		{"a label moves a job", f.labelMoves},
		{"draining moves a job, and it comes back", f.drainMoves},
		{"a rolling run stops at a failure", f.rollingStops},
		{"a rolling run goes on without the command", f.rollingGoesOn},
		{"a node reboots, and what the others hold survives", f.reboots},
		{"a node is switched off", f.poweroff},
		{"all of it is in the control log", f.inTheLog},
	} {
		t.Run(step.name, step.do)
	}
}

func (f *administered) row(t *testing.T, id string) api.Node {
	t.Helper()
	var rows []api.Node
	f.json(&rows, "nodes")
	i := slices.IndexFunc(rows, func(n api.Node) bool { return n.ID == id })
	if i < 0 {
		t.Fatalf("%s is not listed: %+v", id, rows)
	}
	return rows[i]
}

// failing runs a verb that must fail, and returns its results with what it said.
func (f *administered) failing(t *testing.T, args ...string) (map[string]api.Result, result) {
	t.Helper()
	r := f.try(append(args, "-o", "json")...)
	if r.code == 0 {
		t.Fatalf("capo %v succeeded: %s", args, r.out)
	}
	var list []api.Result
	if r.out != "" {
		if err := json.Unmarshal([]byte(r.out), &list); err != nil {
			t.Fatalf("capo %v: %v: %s", args, err, r.out)
		}
	}
	byNode := map[string]api.Result{}
	for _, one := range list {
		byNode[one.Node] = one
	}
	return byNode, r
}

func (f *administered) execHasTheNode(t *testing.T) {
	var results []api.Result
	f.json(&results, "exec", "[node.id, node.board, typeof node.uptime]")
	if len(results) != 4 || string(results[1].Value) != fmt.Sprintf("[\n      %q,\n      \"host\",\n      \"number\"\n    ]", f.ids[1]) && !strings.Contains(string(results[1].Value), f.ids[1]) {
		t.Errorf("results %+v", results)
	}
	f.json(&results, "exec", "--on", "id="+f.ids[0], "await node.diagnostics()")
	var d struct {
		Goroutines int
		Lines      []string
		Interfaces []struct{ Name string }
		Log        struct{ Role string }
		Memory     struct {
			Resident int64 `json:"resident_bytes"`
		}
	}
	if err := json.Unmarshal(results[0].Value, &d); err != nil || d.Goroutines == 0 || len(d.Lines) == 0 || len(d.Interfaces) == 0 || d.Log.Role != "server" || d.Memory.Resident == 0 {
		t.Errorf("%v: %s", err, results[0].Value)
	}
	f.json(&results, "exec", "--on", "id="+f.ids[0], "await node.logLevel('debug')")
	if string(results[0].Value) != `"INFO"` {
		t.Errorf("the level was %s", results[0].Value)
	}
	f.capo("exec", "--on", "id="+f.ids[0], "await node.logLevel('info')")
}

func (f *administered) wrong(t *testing.T) {
	admin := `import { node } from 'capo:admin'; `
	run := ` export default { run: () => node.id }`
	for name, tt := range map[string]struct{ verb, text, want string }{
		"not an admin job": {"run", admin + run, "plain.ts:1:22: capo:admin is for admin jobs"},
		"deployed":         {"deploy", admin + `export const job = { admin: true };` + run, "is an admin job, which is done once"},
		"with a queue":     {"run", admin + `export const job = { admin: true, in: 'a' }; export default { run: () => node.id, queue() {} }`, "job.admin: an admin job has a run handler"},
	} {
		if r := f.try(tt.verb, f.file("plain.ts", tt.text)); r.code == 0 || !strings.Contains(r.err, tt.want) {
			t.Errorf("%s: exit code %d: %s; want %s", name, r.code, r.err, tt.want)
		}
	}
	for js, want := range map[string]string{
		`node.label({ id: 'x' })`:         "it says what the node is",
		`node.label('nonsense')`:          "neither k=v nor k-",
		`node.drain({ timeout: 'soon' })`: "not a time",
		`node.logLevel('loud')`:           "wants one of",
		`node.boot('image.efi')`:          "cannot boot another image yet",
	} {
		results, _ := f.failing(t, "exec", "--on", "id="+f.ids[0], "await "+js)
		if r := results[f.ids[0]]; r.Error == nil || !strings.Contains(r.Error.Message, want) || r.Error.Line != 1 || r.Error.Column == 0 {
			t.Errorf("%s: %+v, want %s at expression:1", js, r.Error, want)
		}
	}
	for _, args := range [][]string{{"label", "id=" + f.ids[0], "site"}, {"drain", "id=nobody"}, {"drain", f.ids[0]}, {"reboot", "id=" + f.ids[0]}, {"poweroff", "id=" + f.ids[0]}, {"drain"}} {
		if r := f.try(args...); r.code != 2 {
			t.Errorf("capo %v: exit code %d, want 2: %s", args, r.code, r.err)
		}
	}
	if r := f.try("reboot", "id in ("+f.ids[0]+","+f.ids[1]+")", "--dry-run"); r.code != 0 || !strings.Contains(r.out, "would reboot "+f.ids[0]+", "+f.ids[1]+", 1 at a time") {
		t.Errorf("exit code %d: %s%s", r.code, r.out, r.err)
	}
}

func (f *administered) labelMoves(t *testing.T) {
	f.capo("label", "id="+f.ids[1], "site=lab", "camera=front")
	if got := f.row(t, f.ids[1]).Labels; got["site"] != "lab" || got["camera"] != "front" {
		t.Errorf("at once after the label the labels are %v", got)
	}
	var d struct{ Nodes []string }
	f.json(&d, "deploy", f.file("there.ts", `export const job = { place: { on: 'site=lab' } }; export default { run() { return 1 } }`))
	if !slices.Equal(d.Nodes, f.ids[1:2]) {
		t.Errorf("runs on %v, want %v", d.Nodes, f.ids[1:2])
	}
	f.capo("label", "id="+f.ids[2], "site=lab")
	f.capo("label", "id="+f.ids[1], "site-")
	eventually(t, 5*time.Second, func() error {
		var job api.Job
		if f.json(&job, "job", "there"); !slices.Equal(job.Nodes, f.ids[2:3]) {
			return fmt.Errorf("runs on %v, want %v", job.Nodes, f.ids[2:3])
		}
		return nil
	})
	if got := f.row(t, f.ids[1]).Labels; len(got) != 1 || got["camera"] != "front" {
		t.Errorf("labels %v", got)
	}
	f.capo("rm", "there", "--yes")
}

const slow = `
export const job = { name: 'slow', in: 'work', out: 'done', batch: { size: 1 } }
export default { async queue(batch: any, env: any) {
  for (const m of batch.messages) {
    await new Promise(done => setTimeout(done, 200))
    await env.out.send(m.text(), { key: m.key })
  }
} }
`

// drainMoves drains a node while it works: what it has in hand is done once, and what comes after is done elsewhere.
func (f *administered) drainMoves(t *testing.T) {
	f.capo("deploy", f.file("slow.ts", slow))
	var lines strings.Builder
	for i := range 40 {
		fmt.Fprintf(&lines, "%d\n", i)
	}
	f.capoWith(lines.String(), "put", "work", "--split", "lines")
	done := func() (map[string][]string, map[string]int) {
		bodies, nodes := map[string][]string{}, map[string]int{}
		for line := range strings.Lines(f.capo("get", "done")) {
			var r api.Record
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			node := r.Headers["capo-node"]
			bodies[*r.Data] = append(bodies[*r.Data], node)
			nodes[node]++
		}
		return bodies, nodes
	}
	victim := f.ids[3]
	eventually(t, 10*time.Second, func() error {
		if _, nodes := done(); nodes[victim] == 0 {
			return fmt.Errorf("%s has done nothing yet", victim)
		}
		return nil
	})
	f.capo("drain", "id="+victim)
	_, after := done()
	if row := f.row(t, victim); row.State != "draining" || len(row.Jobs) != 0 {
		t.Errorf("it is %s and has %v", row.State, row.Jobs)
	}
	eventually(t, 20*time.Second, func() error {
		if bodies, _ := done(); len(bodies) < 40 {
			return fmt.Errorf("%d of 40 are done", len(bodies))
		}
		return nil
	})
	bodies, nodes := done()
	for body, by := range bodies {
		if len(by) > 1 && slices.Contains(by, victim) {
			t.Errorf("record %s was done by %v: %s did not finish what it had in hand before another took over", body, by, victim)
		}
	}
	if nodes[victim] != after[victim] {
		t.Errorf("after the drain it went on: %d, then %d", after[victim], nodes[victim])
	}
	if r := f.try("exec", "--on", "id="+victim, "1"); r.code != 0 {
		t.Errorf("a node that drains is not reached: %s", r.err)
	}
	f.capo("drain", "id="+victim, "--undo")
	eventually(t, 5*time.Second, func() error {
		if row := f.row(t, victim); row.State != "ready" || len(row.Jobs) != 1 {
			return fmt.Errorf("it is %s and has %v", row.State, row.Jobs)
		}
		return nil
	})
	f.capo("rm", "slow", "--yes")
}

func (f *administered) rollingStops(t *testing.T) {
	file := f.file("roll.ts", `
import { node } from 'capo:admin'
export const job = { name: 'roll', admin: true, place: { order: 'rolling', max: 1 } }
export default { async run() {
  const began = Date.now()
  await new Promise(done => setTimeout(done, 100))
  if (node.labels.bad) throw new Error('it is bad')
  return { began, ended: Date.now() }
} }`)
	var results []api.Result
	f.json(&results, "run", file)
	last := 0.0
	for _, r := range results {
		var v struct{ Began, Ended float64 }
		if err := json.Unmarshal(r.Value, &v); err != nil || !r.OK || v.Began < last {
			t.Errorf("%s: %v, began at %v, the one before ended at %v: %+v", r.Node, err, v.Began, last, r)
		}
		last = v.Ended
	}
	f.capo("label", "id="+f.ids[1], "bad=yes")
	byNode, r := f.failing(t, "run", file)
	if r.code != 1 || !byNode[f.ids[0]].OK {
		t.Errorf("exit code %d, %+v", r.code, byNode)
	}
	if e := byNode[f.ids[1]].Error; e == nil || !strings.Contains(e.Message, "it is bad") || e.Line != 7 {
		t.Errorf("the second: %+v", e)
	}
	for _, id := range f.ids[2:] {
		if one := byNode[id]; one.OK || !one.NotRun || one.Error == nil || one.Error.Message != "not run: "+f.ids[1]+" failed" {
			t.Errorf("%s: %+v, %+v", id, one, one.Error)
		}
	}
	f.capo("label", "id="+f.ids[1], "bad-", "camera-")
}

func (f *administered) rollingGoesOn(t *testing.T) {
	file := f.file("long.ts", `
export const job = { name: 'long', admin: true, place: { order: 'rolling' } }
export default { async run() { await new Promise(done => setTimeout(done, 200)); return 1 } }`)
	cmd := f.command(t.Context(), "run", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var seq uint64
	eventually(t, 10*time.Second, func() error {
		var all []api.ControlEntry
		f.json(&all, "log")
		if i := slices.IndexFunc(all, func(e api.ControlEntry) bool { return strings.HasPrefix(e.Target, "long-") }); i >= 0 {
			seq = all[i].Seq
			return nil
		}
		return errors.New("the run is not in the log")
	})
	answers := func() int {
		return strings.Count(f.capo("curl", fmt.Sprintf("/v1/results/%d", seq)), `"ok":true`)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if n := answers(); n >= len(f.ids) {
		t.Errorf("all %d had answered before the command was killed", n)
	}
	eventually(t, 10*time.Second, func() error {
		if n := answers(); n < len(f.ids) {
			return fmt.Errorf("%d of %d answered", n, len(f.ids))
		}
		return nil
	})
}

func (f *administered) reboots(t *testing.T) {
	id := f.ids[1]
	f.capoWith("kept", "put", "keep")
	before, process := f.row(t, id), f.running("dev").Nodes[1].Process
	f.capo("drain", "id="+id) // it is ready after its boot all the same
	var results []api.Result
	f.json(&results, "reboot", "id="+id, "--yes")
	if len(results) != 1 || !results[0].OK || results[0].Then != "reboot" {
		t.Errorf("results %+v", results)
	}
	after := f.row(t, id)
	if after.Boot == before.Boot || after.State != "ready" || after.UptimeMS >= before.UptimeMS {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if !process.Alive() {
		t.Error("it is another process, which capo down does not know")
	}
	for _, n := range f.running("dev").Nodes {
		if out := f.capo("get", "keep", "--node", n.Address); !strings.Contains(out, `"kept"`) {
			t.Errorf("%s: %s", n.ID, out)
		}
	}
}

func (f *administered) poweroff(t *testing.T) {
	f.capo("poweroff", "id="+f.ids[3], "--yes")
	process := f.running("dev").Nodes[3].Process
	eventually(t, 5*time.Second, func() error {
		if process.Alive() {
			return fmt.Errorf("its process is there")
		}
		return nil
	})
	if out := f.capo("get", "keep"); !strings.Contains(out, `"kept"`) {
		t.Errorf("the others: %s", out)
	}
}

func (f *administered) inTheLog(t *testing.T) {
	var all []api.ControlEntry
	f.json(&all, "log")
	for _, want := range []string{"label-id." + f.ids[1], "drain-id." + f.ids[3], "roll-", "reboot-id." + f.ids[1], "poweroff-id." + f.ids[3], "exec-"} {
		if !slices.ContainsFunc(all, func(e api.ControlEntry) bool { return e.OK && e.Kind == "run" && strings.HasPrefix(e.Target, want) }) {
			t.Errorf("no record of %s", want)
		}
	}
}

func TestALogThatANodeCarriesAloneIsNotRebootedAway(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	before := o.up("--nodes", "1")[0]
	r := o.try("reboot", "", "--yes")
	if r.code != 1 || !strings.Contains(r.out, "carries the log alone") {
		t.Fatalf("exit code %d: %s%s", r.code, r.out, r.err)
	}
	var rows []api.Node
	o.json(&rows, "nodes")
	if rows[0].State != "ready" || rows[0].Boot != before.Boot {
		t.Errorf("after the refusal: %+v", rows[0])
	}
	o.capo("reboot", "", "--yes", "--force")
	o.json(&rows, "nodes")
	if rows[0].State != "ready" || rows[0].Boot == before.Boot {
		t.Errorf("after the reboot: %+v", rows[0])
	}
	o.capo("poweroff", "", "--yes", "--force")
	eventually(t, 5*time.Second, func() error {
		if o.running("dev").Alive() {
			return errors.New("it was switched off and runs")
		}
		return nil
	})
}
