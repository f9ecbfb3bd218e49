package lab

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
	"github.com/capodekappa/capo/test/netlab/forming"
)

// TestAKilledServerLosesNoAcknowledgedRecord: the server that leads the stream is killed while clients append through all
// three nodes.
func TestAKilledServerLosesNoAcknowledgedRecord(t *testing.T) {
	t.Parallel()
	l := onLoopback(t)
	f := l.start(3)
	log := l.ready(0, 1, 2)
	job := l.deploy(0, f, copier("work", "busy", "done"))
	l.runs(upTo(3), job)
	w := l.startWriter(upTo(3), "busy")
	l.Eventually(within, "appends", func() error { return atLeast(w.count(), 50) })
	dead := l.leader(log, "busy")
	before := w.count()
	l.Kill(dead)
	t.Logf("killed node %d, which led the stream, after %d acknowledged records", dead, before)
	l.Eventually(within, "appends after the kill", func() error { return atLeast(w.count(), before+100) })
	acked := w.stop()
	left := []int{(dead + 1) % 3, (dead + 2) % 3}
	for _, i := range left {
		all, err := l.get(i, "busy")
		if err != nil {
			t.Fatal(err)
		}
		wantAcknowledged(t, acked, map[string][]api.Record{"": all})
	}

	// It starts again with nothing and under another boot: in the same log, with all that is in it.
	l.Run(dead, id(dead), f.Membership)
	if after := l.ready(0, 1, 2); after.Incarnation != log.Incarnation {
		t.Fatalf("the log %s became %s", log.Incarnation, after.Incarnation)
	}
	l.runs(upTo(3), job)
	all, err := l.get(dead, "busy")
	if err != nil {
		t.Fatal(err)
	}
	wantAcknowledged(t, acked, map[string][]api.Record{"": all})
	done := map[string]bool{}
	l.Eventually(2*within, "the job's work", func() error {
		out, err := l.get(dead, "done")
		if err != nil {
			return err
		}
		for _, r := range out {
			done[text(r)] = true
		}
		for _, a := range acked {
			if !done["work "+a.text] {
				return atLeast(len(done), len(acked))
			}
		}
		return nil
	})
}

func atLeast(got, want int) error {
	if got < want {
		return fmt.Errorf("%d, want %d", got, want)
	}
	return nil
}

// leader finds the node that leads a stream, as the log servers see it.
func (l *lab) leader(log *fleet.LogInfo, stream string) int {
	l.t.Helper()
	operator, err := l.Operator(l.node(log.Servers[0].ID))
	if err != nil {
		l.t.Fatal(err)
	}
	c := dialNATS(l.t, log.Servers[0].Addr.String(), queue.ClientPort, operator.Client(nil))
	if answer := c.connect(map[string]any{}); answer != "PONG" {
		l.t.Fatal(answer)
	}
	var info struct{ Cluster struct{ Leader string } }
	raw := c.request("$JS.API.STREAM.INFO.s_"+stream, nil)
	if err := json.Unmarshal(raw, &info); err != nil {
		l.t.Fatalf("%v: %s", err, raw)
	}
	name, _, found := strings.Cut(info.Cluster.Leader, "-")
	if !found {
		l.t.Fatalf("no leader of %s: %s", stream, raw)
	}
	return l.node(name)
}

// node is which one has an id.
func (l *lab) node(name string) int {
	for i := range 16 {
		if id(i) == name {
			return i
		}
	}
	l.t.Fatalf("no node is called %s", name)
	return -1
}

// TestAPowerCutOfAllEndsInANewLog: without an anchor nothing is kept, and nothing is made up.
func TestAPowerCutOfAllEndsInANewLog(t *testing.T) {
	t.Parallel()
	l := onLoopback(t)
	f := l.start(3)
	before := l.ready(0, 1, 2)
	l.deploy(0, f, copier("old", "in", "out"))
	l.put(0, "in", api.PutRecord{Data: "old"})
	for i := range 3 {
		l.Kill(i)
	}
	for i := range 3 {
		l.Run(i, id(i), f.Membership)
	}
	if after := l.ready(0, 1, 2); after.Incarnation == before.Incarnation {
		t.Fatalf("the log %s is there again without its memory", before.Incarnation)
	}
	l.wantNoStream(0, "in")
	job := l.deploy(1, f, copier("new", "in", "out"))
	l.runs(upTo(3), job)
	l.put(2, "in", api.PutRecord{Data: "record"})
	l.texts(upTo(3), "out", "new record")
}

// TestNodesWhoseLogIsGoneJoinTheNextOne: the servers' power is cut, not that of the two others.
func TestNodesWhoseLogIsGoneJoinTheNextOne(t *testing.T) {
	t.Parallel()
	l := onLoopback(t)
	begun := time.Now()
	forming.PowerCut(l.Cluster)
	l.ready(upTo(5)...)
	t.Logf("after %v", time.Since(begun))
}
