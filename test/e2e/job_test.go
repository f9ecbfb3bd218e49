package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/node/api"
)

const double = `
export const job = { name: 'double', in: 'numbers', out: 'doubled', retry: { max: 2, backoff: '20ms..100ms' } }
export default {
  async queue(batch: any, env: any) {
    for (const m of batch.messages) {
      const n = Number(m.text())
      if (n === 13) throw new Error('unlucky ' + n)
      await env.out.send({ n, twice: n * 2 }, { key: m.key })
    }
  },
  async run() { console.log('hello from run'); return { answer: 42 } },
}
`

func TestAFleetTakesAJobAndGivesItsResults(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	nodes := o.up()
	if len(nodes) != 3 {
		t.Fatalf("%d nodes, want 3", len(nodes))
	}
	file := o.file("double.ts", double)

	var deployed struct {
		Job, Version string
		Generation   uint64
		Nodes, URLs  []string
		TookMS       *int64 `json:"took_ms"`
	}
	o.json(&deployed, "deploy", file)
	if deployed.Job != "double" || len(deployed.Version) != 8 || deployed.Generation != 1 || len(deployed.Nodes) != 3 || deployed.TookMS == nil {
		t.Errorf("deploy printed %+v", deployed)
	}

	var lines strings.Builder
	for i := 1; i <= 40; i++ {
		fmt.Fprintln(&lines, i)
	}
	o.capoWith(lines.String(), "put", "numbers", "--split", "lines")
	byNode := map[string]int{}
	eventually(t, 15*time.Second, func() error {
		got := map[int]bool{}
		clear(byNode)
		for line := range strings.Lines(o.capo("get", "doubled")) {
			var r api.Record
			var v struct{ N, Twice int }
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(*r.Data), &v); err != nil || v.Twice != 2*v.N {
				t.Fatalf("%s: %v", line, err)
			}
			got[v.N] = true
			byNode[r.Headers["capo-node"]]++
		}
		if len(got) != 39 || got[13] {
			return fmt.Errorf("%d numbers came back, want all but 13", len(got))
		}
		return nil
	})
	if len(byNode) != 3 {
		t.Errorf("records were handled on %v, want all three nodes", byNode)
	}

	t.Run("an error has its position", func(t *testing.T) {
		eventually(t, 5*time.Second, func() error {
			if dead := o.capo("get", "double.dead"); !strings.Contains(dead, `"data":"13"`) || !strings.Contains(dead, "unlucky 13") {
				return fmt.Errorf("dead letters: %s", dead)
			}
			return nil
		})
		var job api.Job
		o.json(&job, "job", "double")
		if e := job.LastError; e == nil || e.File != "double.ts" || e.Line != 7 || e.Seq == 0 || !strings.Contains(e.Message, "unlucky 13") {
			t.Errorf("last error %+v, want double.ts:7", job.LastError)
		}
		if logs := o.capo("logs", "double", "--level", "error"); !strings.Contains(logs, "double.ts:7:") {
			t.Errorf("logs without the position: %s", logs)
		}
	})
	t.Run("run answers on every node", func(t *testing.T) {
		var results []api.Result
		o.json(&results, "run", file)
		if len(results) != 3 {
			t.Fatalf("%d results, want 3", len(results))
		}
		for _, r := range results {
			if !r.OK || string(r.Value) != `{"answer": 42}` && !strings.Contains(string(r.Value), "42") {
				t.Errorf("result %+v", r)
			}
		}
		eventually(t, 3*time.Second, func() error {
			if !strings.Contains(o.capo("logs", "double"), "hello from run") {
				return fmt.Errorf("what run printed is not in the logs")
			}
			return nil
		})
	})
	t.Run("a selector picks nodes, and one that fits none is an error", func(t *testing.T) {
		var results []api.Result
		o.json(&results, "exec", "--on", "id="+nodes[1].ID, "await Promise.resolve(6 * 7)")
		if len(results) != 1 || results[0].Node != nodes[1].ID || string(results[0].Value) != "42" {
			t.Errorf("results %+v", results)
		}
		if r := o.try("exec", "--on", "site=moon", "1"); r.code != 2 || !strings.Contains(r.err, "board=host") {
			t.Errorf("exit code %d, %s; want 2 and the labels there are", r.code, r.err)
		}
	})
	t.Run("a new version takes over where the old one was", func(t *testing.T) {
		o.file("double.ts", strings.ReplaceAll(double, "n * 2", "n * 20 / 10"))
		var again struct {
			Version    string
			Generation uint64
		}
		o.json(&again, "deploy", file)
		if again.Generation != 2 || again.Version == deployed.Version {
			t.Errorf("deployed %+v after %+v", again, deployed)
		}
		o.capoWith("100", "put", "numbers")
		eventually(t, 10*time.Second, func() error {
			text := o.capo("get", "doubled")
			if n := strings.Count(text, `\"n\":100,`); n != 1 {
				return fmt.Errorf("100 came back %d times", n)
			}
			if n := strings.Count(text, `\"n\":40,`); n != 1 {
				return fmt.Errorf("40 was done again: %d times", n)
			}
			return nil
		})
	})
	t.Run("rm stops it", func(t *testing.T) {
		o.capo("rm", "double", "--yes")
		var rows []api.Node
		o.json(&rows, "nodes")
		for _, n := range rows {
			if slices.ContainsFunc(n.Jobs, func(j string) bool { return strings.HasPrefix(j, "double@") }) {
				t.Errorf("%s still runs %v", n.ID, n.Jobs)
			}
		}
		var job api.Job
		o.json(&job, "job", "double")
		if job.State != api.JobStopped {
			t.Errorf("job is %s", job.State)
		}
	})
}

func TestCopiesAndPlacement(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	nodes := o.up()
	var d struct{ Nodes []string }
	o.json(&d, "deploy", o.file("two.ts", `export const job = { place: { copies: 2 } }; export default { run() { return 1 } }`))
	if len(d.Nodes) != 2 {
		t.Errorf("runs on %v, want two nodes", d.Nodes)
	}
	o.json(&d, "deploy", o.file("one.ts", `export const job = { place: { on: 'id=`+nodes[2].ID+`' } }; export default { run() { return 1 } }`))
	if !slices.Equal(d.Nodes, []string{nodes[2].ID}) {
		t.Errorf("runs on %v, want %s", d.Nodes, nodes[2].ID)
	}
	if r := o.try("deploy", o.file("none.ts", `export const job = { place: { on: 'site=moon' } }; export default { run() { return 1 } }`), "--wait", "1s"); r.code == 0 || !strings.Contains(r.err, "no ready node fits") {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}

func TestAnUnprivilegedUserRunsAFleet(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	asNobody(t, o)
	nodes := o.up()
	if len(nodes) != 3 {
		t.Fatalf("%d nodes, want 3", len(nodes))
	}
	var results []api.Result
	o.json(&results, "exec", "1 + 1")
	for _, r := range results {
		if string(r.Value) != "2" {
			t.Errorf("result %+v", r)
		}
	}
	for _, n := range nodes {
		if n.Cells != "full" && len(n.CellsLack) == 0 {
			t.Errorf("%s has %s cells and does not say what they lack", n.ID, n.Cells)
		}
	}
	if r := o.try("exec", "'x'.repeat(2**30)"); r.code != 1 {
		t.Errorf("exit code %d: %s %s", r.code, r.out, r.err)
	}
	o.json(&results, "exec", "2 + 2")
}
