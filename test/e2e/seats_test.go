package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capodekappa/capo/node/api"
)

// TestARollingRebootOfAllServersKeepsTheLog: three nodes carry the log and there is no other, so each hands over what it leads,
// goes, comes back with nothing and takes its seat again before the next one goes.
func TestARollingRebootOfAllServersKeepsTheLog(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	before := boots(o.up("--nodes", "3"))
	w := o.write("busy")
	begun := time.Now()
	var results []api.Result
	o.json(&results, "reboot", "", "--yes")
	t.Logf("three reboots in %v", time.Since(begun))
	for _, r := range results {
		if !r.OK || r.Then != "reboot" {
			t.Errorf("%+v", r)
		}
	}
	var rows []api.Node
	o.json(&rows, "nodes")
	for _, n := range rows {
		if n.State != "ready" || n.Boot == before[n.ID] {
			t.Errorf("after the reboots: %+v", n)
		}
	}
	w.check(o.running("dev").Nodes[0].Address)
}

// TestARebootedServersSeatGoesToASpareNode: the log is whole on three servers all the time.
func TestARebootedServersSeatGoesToASpareNode(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	o.up("--nodes", "4")
	var rows []api.Node
	o.json(&rows, "nodes")
	w := o.write("busy")
	for _, n := range rows {
		if n.Log != "server" {
			continue
		}
		begun := time.Now()
		o.capo("reboot", "id="+n.ID, "--yes")
		t.Logf("%s rebooted in %v", n.ID, time.Since(begun))
		o.json(&rows, "nodes")
		servers := 0
		for _, row := range rows {
			if row.Log == "server" {
				servers++
			}
			if row.ID == n.ID && row.Log != "client" {
				t.Errorf("the node that rebooted is %s", row.Log)
			}
		}
		if servers != 3 {
			t.Errorf("%d servers after the reboot: %+v", servers, rows)
		}
		break
	}
	w.check(o.running("dev").Nodes[3].Address)
}

func boots(rows []api.Node) map[string]string {
	boots := map[string]string{}
	for _, n := range rows {
		boots[n.ID] = n.Boot
	}
	return boots
}

// writing is a stream that is appended to all the time.
type writing struct {
	o      *operator
	stream string
	end    context.CancelFunc
	done   sync.WaitGroup
	acked  []string
	gap    time.Duration // the longest time without an acknowledged append
}

func (o *operator) write(stream string) *writing {
	ctx, cancel := context.WithCancel(o.t.Context())
	w := &writing{o: o, stream: stream, end: cancel}
	o.capoWith("first", "put", stream)
	w.done.Go(func() {
		last := time.Now()
		for n := 0; ctx.Err() == nil; n++ {
			text := fmt.Sprintf("record %d.", n)
			if r := o.tryWith(text, "put", stream); r.code == 0 {
				w.acked = append(w.acked, text)
				w.gap = max(w.gap, time.Since(last))
				last = time.Now()
			}
		}
	})
	return w
}

// check ends it and misses nothing that was acknowledged, at the node with that address.
func (w *writing) check(node string) {
	w.o.t.Helper()
	w.end()
	w.done.Wait()
	all := w.o.capo("get", w.stream, "--node", node)
	lost := 0
	for _, text := range w.acked {
		if !strings.Contains(all, text) {
			lost++
		}
	}
	w.o.t.Logf("%d acknowledged, longest time without one %v", len(w.acked), w.gap)
	if lost > 0 || len(w.acked) == 0 {
		w.o.t.Errorf("%d of %d acknowledged records are lost", lost, len(w.acked))
	}
}
