package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/capodekappa/capo/node/api"
)

const tick = `
export const job = { name: 'tick', out: 'ticks', every: '1s' }
export default {
  async scheduled(event: any, env: any, ctx: any) { await env.out.send({ at: event.scheduledTime, cron: event.cron, attempt: ctx.attemptId }) },
}
`

// ticked is what the runs of a job sent.
type ticked struct {
	node    string
	At      int64
	Cron    string
	Attempt string
}

func ticks(o *operator, stream string) []ticked {
	o.t.Helper()
	var all []ticked
	for line := range strings.Lines(o.capo("get", stream)) {
		var r api.Record
		var v ticked
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			o.t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(*r.Data), &v); err != nil {
			o.t.Fatal(err)
		}
		v.node = r.Headers["capo-node"]
		all = append(all, v)
	}
	return all
}

func TestAScheduledJobRunsOnceASlotInTheFleet(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	o.up()
	o.capo("deploy", o.file("tick.ts", tick))
	o.capo("deploy", o.file("bad.ts", "export const job = { name: 'bad', every: '1s' }\nexport default {\n  scheduled() { throw new Error('no luck') },\n}\n"))
	if r := o.try("deploy", o.file("wrong.ts", "export const job = { name: 'wrong', every: '61 * * * *' }\nexport default { scheduled() {} }\n")); r.code == 0 || !strings.Contains(r.err, "job.every: field 1 (minute)") {
		t.Errorf("a bad expression: exit code %d, %s", r.code, r.err)
	}
	var before []ticked
	eventually(t, 15*time.Second, func() error {
		if before = ticks(o, "ticks"); len(before) < 5 {
			return fmt.Errorf("%d runs", len(before))
		}
		return nil
	})
	if before[0].Cron != "1s" {
		t.Errorf("the handler got %+v", before[0])
	}
	if gap := before[len(before)-1].At - before[0].At; gap != int64(len(before)-1)*1000 {
		t.Errorf("the slots of %d runs are %d ms apart: %v", len(before), gap, before)
	}
	eventually(t, 5*time.Second, func() error {
		var row api.Job
		o.json(&row, "job", "bad")
		if e := row.LastError; row.Errors < 2 || e == nil || e.File != "bad.ts" || e.Line != 3 || !strings.Contains(e.Message, "no luck") {
			return fmt.Errorf("%d errors, the last %+v", row.Errors, row.LastError)
		}
		return nil
	})

	runner := before[len(before)-1].node
	for _, n := range o.running("dev").Nodes {
		if n.ID == runner {
			if err := syscall.Kill(n.Process.PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	var after []ticked
	eventually(t, 40*time.Second, func() error {
		after = ticks(o, "ticks")
		if last := after[len(after)-1]; last.node == runner || len(after) < len(before)+6 {
			return fmt.Errorf("%d runs after %d, the last on %s", len(after), len(before), last.node)
		}
		return nil
	})
	seen := map[int64]string{}
	for _, v := range after {
		if other, twice := seen[v.At]; twice {
			t.Errorf("slot %d was run by %s and %s", v.At, other, v.node)
		}
		seen[v.At] = v.node
	}
	if !slices.IsSortedFunc(after, func(a, b ticked) int { return int(a.At - b.At) }) {
		t.Errorf("runs are out of order: %v", after)
	}
	t.Logf("%d runs before the node was killed, %d in all, %d s from the first to the last", len(before), len(after), (after[len(after)-1].At-after[0].At)/1000)
}
